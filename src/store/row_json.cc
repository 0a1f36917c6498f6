// SPDX-License-Identifier: MIT
#include "store/row_json.h"

#include "store/row_members.h"

namespace baton::store {
namespace {

using Writer = MemberWriter;
using Reader = MemberReader;

json::value case_value(const model::Case& entry) {
  Writer out;
  out.text("name", entry.name);
  out.text("description", entry.description);
  out.text("file", entry.file);
  out.integer("line", entry.line);
  out.texts("labels", entry.labels);
  if (entry.max_attempts) out.integer("max_attempts", *entry.max_attempts, -1);
  if (entry.timeout) out.integer("timeout_ms", entry.timeout->count(), -1);
  return out.take();
}

model::Case case_of(const Reader& in) {
  model::Case entry;
  entry.name = in.text("name");
  entry.description = in.text("description");
  entry.file = in.text("file");
  entry.line = in.small("line");
  entry.labels = in.texts("labels");
  entry.max_attempts = in.optional<int>("max_attempts");
  if (const auto ms = in.optional<std::int64_t>("timeout_ms")) entry.timeout = Duration{*ms};
  return entry;
}

}  // namespace

std::string encode_definition(const model::Suite& suite) {
  static const model::Suite kDefault;
  Writer out;
  out.text("description", suite.description);
  out.text("owner", suite.owner);
  out.texts("labels", suite.labels);
  out.text("kind", name_of(suite.kind));
  out.list("command", suite.command);
  out.text("folder", suite.folder);
  out.texts("environment_variables", suite.environment_variables);
  out.text("environment", suite.environment);
  out.text("isolate", name_of(suite.isolate));
  out.integer("workers", suite.workers, kDefault.workers);
  out.integer("max_attempts", suite.max_attempts, kDefault.max_attempts);
  out.integer("back_off_ms", suite.back_off.count());
  out.integer("timeout_ms", suite.timeout.count());
  out.integer("attempt_timeout_ms", suite.attempt_timeout.count());
  out.integer("kill_grace_ms", suite.kill_grace.count(), kDefault.kill_grace.count());
  out.integer("log_limit", suite.log_limit, kDefault.log_limit);
  out.list("reports", suite.reports);
  out.list("artifacts", suite.artifacts);
  out.flag("allow_empty", suite.allow_empty);
  out.integer("running_runs", suite.running_runs);
  return out.serialize();
}

Result<void> decode_definition(std::string_view text, model::Suite& suite) {
  static const model::Suite kDefault;
  return decode(text, [&](const json::value& value) {
    const Reader in(value.as_object());
    suite.description = in.text("description");
    suite.owner = in.text("owner");
    suite.labels = in.texts("labels");
    suite.kind = model::parse_kind(in.text("kind")).value_or(model::Kind::command);
    suite.command = in.list("command");
    suite.folder = in.text("folder");
    suite.environment_variables = in.texts("environment_variables");
    suite.environment = in.text("environment");
    suite.isolate = model::parse_isolate(in.text("isolate")).value_or(model::Isolate::suite);
    suite.workers = in.small("workers", kDefault.workers);
    suite.max_attempts = in.small("max_attempts", kDefault.max_attempts);
    suite.back_off = in.duration("back_off_ms");
    suite.timeout = in.duration("timeout_ms");
    suite.attempt_timeout = in.duration("attempt_timeout_ms");
    suite.kill_grace = in.duration("kill_grace_ms", kDefault.kill_grace);
    suite.log_limit = in.integer("log_limit", kDefault.log_limit);
    suite.reports = in.list("reports");
    suite.artifacts = in.list("artifacts");
    suite.allow_empty = in.flag("allow_empty");
    suite.running_runs = in.small("running_runs");
  });
}

std::string encode_cases(const std::vector<model::Case>& cases) {
  json::array array;
  array.reserve(cases.size());
  for (const model::Case& entry : cases) array.push_back(case_value(entry));
  return json::serialize(array);
}

Result<std::vector<model::Case>> decode_cases(std::string_view text) {
  std::vector<model::Case> cases;
  BATON_TRY_VOID(decode(text, [&](const json::value& value) {
    for (const json::value& entry : value.as_array())
      cases.push_back(case_of(Reader(entry.as_object())));
  }));
  return cases;
}

std::string encode_request(const model::RunRequest& request) {
  Writer out;
  out.text("filter", request.filter);
  out.list("only", request.only);
  out.texts("labels", request.labels);
  out.texts("params", request.params);
  if (request.max_attempts) out.integer("max_attempts", *request.max_attempts, -1);
  if (request.timeout) out.integer("timeout_ms", request.timeout->count(), -1);
  if (request.allow_empty) out.value("allow_empty", *request.allow_empty);
  out.text("revision", request.revision);
  out.text("branch", request.branch);
  out.text("traceparent", request.traceparent);
  if (request.rerun_of) out.integer("rerun_of", raw(*request.rerun_of));
  return out.empty() ? "{}" : out.serialize();
}

Result<void> decode_request(std::string_view text, model::RunRequest& request) {
  if (text == "{}") return {};
  return decode(text, [&](const json::value& value) {
    const Reader in(value.as_object());
    request.filter = in.text("filter");
    request.only = in.list("only");
    request.labels = in.texts("labels");
    request.params = in.texts("params");
    request.max_attempts = in.optional<int>("max_attempts");
    if (const auto ms = in.optional<std::int64_t>("timeout_ms")) request.timeout = Duration{*ms};
    request.allow_empty = in.optional<bool>("allow_empty");
    request.revision = in.text("revision");
    request.branch = in.text("branch");
    request.traceparent = in.text("traceparent");
    if (const auto id = in.optional<std::int64_t>("rerun_of")) request.rerun_of = RunId{*id};
  });
}

std::string encode_attempt(const model::Attempt& attempt) {
  Writer out;
  out.text("file", attempt.file);
  out.integer("line", attempt.line);
  json::array spans;
  for (const model::Span& span : attempt.spans) {
    Writer one;
    one.text("name", span.name);
    one.integer("started_at", to_ms(span.started_at), -1);
    one.integer("duration_ms", span.duration.count());
    one.texts("context", span.context);
    spans.push_back(one.take());
  }
  if (!spans.empty()) out.value("spans", std::move(spans));
  json::array values;  // pairs, because their order is the order in which the test set them
  for (const auto& [key, value] : attempt.values)
    values.push_back(json::array{to_valid_utf8(key), to_valid_utf8(value)});
  if (!values.empty()) out.value("values", std::move(values));
  return out.empty() ? "" : out.serialize();
}

Result<void> decode_attempt(std::string_view text, model::Attempt& attempt) {
  if (text.empty()) return {};
  return decode(text, [&](const json::value& value) {
    const Reader in(value.as_object());
    attempt.file = in.text("file");
    attempt.line = in.small("line");
    if (const auto* spans = in.array("spans"))
      for (const json::value& entry : *spans) {
        const Reader one(entry.as_object());
        attempt.spans.push_back({one.text("name"), from_ms(one.integer("started_at")),
                                 one.duration("duration_ms"), one.texts("context")});
      }
    if (const auto* values = in.array("values"))
      for (const json::value& entry : *values) {
        const json::array& pair = entry.as_array();
        attempt.values.emplace_back(json::value_to<std::string>(pair.at(0)),
                                    json::value_to<std::string>(pair.at(1)));
      }
  });
}

}  // namespace baton::store
