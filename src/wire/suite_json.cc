// SPDX-License-Identifier: MIT
#include "wire/suite_json.h"

#include "wire/job.h"
#include "wire/json_reader.h"
#include "wire/run_json.h"

namespace baton::wire {
namespace {

void write_links(JsonWriter& out, const model::Suite& suite) {
  const std::string self = "/api/v1/suites/" + suite.id();
  out.key("links")
      .begin_object()
      .link("self", self)
      .link("runs", "/api/v1/runs?suite=" + suite.id())
      .end_object();
}

// A duration under its input name ("90s") or its output name (…_ms).
void read_duration(JsonFields& f, std::string_view name, std::string_view name_ms, Duration& out) {
  if (f.has(name) && f.has(name_ms)) f.fault(name, fmt::format("give it or {}, not both", name_ms));
  f.milliseconds(name_ms, out);
  f.duration(name, out);
}

}  // namespace

void write_case(JsonWriter& out, const model::Case& item) {
  out.begin_object()
      .field("name", item.name)
      .field_if("description", item.description)
      .field_if("file", item.file);
  if (item.line > 0) out.field("line", item.line);
  out.field("labels", item.labels).field_if("max_attempts", item.max_attempts);
  out.field_if("timeout_ms", item.timeout).end_object();
}

void write_suite(JsonWriter& out, const model::Suite& suite, const SuiteExtras& extras) {
  out.begin_object()
      .field("namespace", suite.namespace_)
      .field("name", suite.name)
      .field("description", suite.description)
      .field("owner", suite.owner)
      .field("labels", suite.labels)
      .field("kind", name_of(suite.kind))
      .field("source", name_of(suite.source))
      .field("command", suite.command)
      .field("folder", suite.folder)
      .field("variables", suite.environment_variables)
      .field_if("environment", suite.environment)
      .field("isolate", name_of(suite.isolate))
      .field("workers", suite.workers)
      .field("running_runs", suite.running_runs)
      .field("max_attempts", suite.max_attempts)
      .field("back_off_ms", suite.back_off)
      .field("timeout_ms", suite.timeout)
      .field("attempt_timeout_ms", suite.attempt_timeout)
      .field("kill_grace_ms", suite.kill_grace)
      .field("log_limit", suite.log_limit)
      .field("reports", suite.reports)
      .field("artifacts", suite.artifacts)
      .field("allow_empty", suite.allow_empty);
  out.key("cases").begin_array();
  for (const model::Case& item : suite.cases) write_case(out, item);
  out.end_array().field_if("discovery_error", suite.discovery_error);
  out.field("revision", suite.revision).field("schedules", extras.schedules);
  if (extras.last_run) {
    out.key("last_run");
    write_run(out, *extras.last_run);
  }
  write_links(out, suite);
  out.end_object();
}

Result<model::Suite> parse_suite(std::string_view body, std::string_view namespace_,
                                 std::string_view name) {
  model::Suite suite;
  suite.namespace_ = namespace_;
  suite.name = name;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.text("namespace", suite.namespace_);
    f.text("name", suite.name);
    if (suite.namespace_ != namespace_) f.fault("namespace", "it differs from the one in the URL");
    if (suite.name != name) f.fault("name", "it differs from the one in the URL");
    f.require("kind");
    f.choice("kind", suite.kind, model::parse_kind);
    if (suite.kind == model::Kind::cpp && f.has("kind") && !is_adhoc(suite))
      f.fault("kind", "suites of kind cpp come from their binary, listed in baton.yaml");
    f.text("description", suite.description);
    f.text("owner", suite.owner);
    f.text_map("labels", suite.labels);
    f.texts("command", suite.command);
    f.text("folder", suite.folder);
    f.text_map("variables", suite.environment_variables);
    f.text("environment", suite.environment);
    f.choice("isolate", suite.isolate, model::parse_isolate);
    f.integer("workers", suite.workers, 1, 64);
    f.integer("running_runs", suite.running_runs, 0, 10'000);
    f.integer("max_attempts", suite.max_attempts, 1, 100);
    read_duration(f, "back_off", "back_off_ms", suite.back_off);
    read_duration(f, "timeout", "timeout_ms", suite.timeout);
    read_duration(f, "attempt_timeout", "attempt_timeout_ms", suite.attempt_timeout);
    read_duration(f, "kill_grace", "kill_grace_ms", suite.kill_grace);
    f.integer("log_limit", suite.log_limit, 1024, 1LL << 40);
    f.texts("reports", suite.reports);
    f.texts("artifacts", suite.artifacts);
    f.boolean("allow_empty", suite.allow_empty);
    f.ignore({"source", "cases", "discovery_error", "revision", "schedules", "last_run", "links"});
  }));
  suite.source = model::SuiteSource::api;
  BATON_TRY_VOID(model::check_suite(suite));
  return suite;
}

}  // namespace baton::wire
