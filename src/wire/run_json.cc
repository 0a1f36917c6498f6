// SPDX-License-Identifier: MIT
#include "wire/run_json.h"

#include <algorithm>

#include "wire/json_reader.h"

namespace baton::wire {
namespace {

// Labels and params are for people and programs to choose by; more are a mistake.
constexpr std::size_t kEntriesMax = 100;
constexpr std::size_t kEntryNameMax = 100;

bool is_entry_name(std::string_view name) {
  return !name.empty() && name.size() <= kEntryNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

void read_params(JsonFields& f, std::map<std::string, std::string>& out) {
  f.text_map("params", out);
  if (out.size() > kEntriesMax) f.fault("params", fmt::format("more than {}", kEntriesMax));
  for (const auto& [name, text] : out)
    if (!is_entry_name(name))
      f.fault("params", fmt::format("\"{}\" is no name: 1 to 100 of A-Z a-z 0-9 _ - .", name));
}

void read_labels(JsonFields& f, model::Labels& out) {
  f.text_map("labels", out);
  if (out.size() > kEntriesMax) f.fault("labels", fmt::format("more than {}", kEntriesMax));
  for (const auto& [name, text] : out)
    if (name.empty() || name.size() > kEntryNameMax || name.find('=') != std::string::npos)
      f.fault("labels", fmt::format("\"{}\" is no label: 1 to 100 bytes without =", name));
}

void write_counts(JsonWriter& out, const model::Counts& counts) {
  out.key("counts")
      .begin_object()
      .field("total", counts.total)
      .field("passed", counts.passed)
      .field("failed", counts.failed)
      .field("errored", counts.errored)
      .field("skipped", counts.skipped)
      .field("flaky", counts.flaky)
      .field("quarantined", counts.quarantined)
      .field("pending", counts.pending)
      .end_object();
}

void write_run_links(JsonWriter& out, const model::Run& run) {
  const std::string self = "/api/v1/runs/" + std::to_string(raw(run.id));
  out.key("links")
      .begin_object()
      .link("self", self)
      .link("suite", "/api/v1/suites/" + run.namespace_ + "/" + run.suite)
      .link("tests", self, "/tests")
      .link("log", self, "/log")
      .link("events", self, "/events")
      .link("artifacts", self, "/artifacts")
      .link("junit", self, "/junit.xml")
      .link("ctrf", self, "/ctrf.json")
      .end_object();
}

void read_counts(JsonFields& f, model::Counts& counts) {
  constexpr int kMax = 1 << 30;
  f.integer("total", counts.total, 0, kMax);
  f.integer("passed", counts.passed, 0, kMax);
  f.integer("failed", counts.failed, 0, kMax);
  f.integer("errored", counts.errored, 0, kMax);
  f.integer("skipped", counts.skipped, 0, kMax);
  f.integer("flaky", counts.flaky, 0, kMax);
  f.integer("quarantined", counts.quarantined, 0, kMax);
  f.integer("pending", counts.pending, 0, kMax);
}

void read_attempt(JsonFields& f, model::Attempt& attempt) {
  f.integer("attempt", attempt.number, 0, 1 << 20);
  f.choice("outcome", attempt.outcome, model::parse_outcome);
  f.boolean("soft_failure", attempt.soft_failure);
  f.time("started_at", attempt.started_at);
  f.milliseconds("duration_ms", attempt.duration);
  f.text("message", attempt.message);
  f.text("file", attempt.file);
  f.integer("line", attempt.line, 0, 1 << 30);
  f.objects("spans", [&](JsonFields& item) {
    model::Span& span = attempt.spans.emplace_back();
    item.text("name", span.name);
    item.time("started_at", span.started_at);
    item.milliseconds("duration_ms", span.duration);
    item.text_map("context", span.context);
  });
  std::map<std::string, std::string> values;
  f.text_map("values", values);
  attempt.values.assign(values.begin(), values.end());
  f.integer("log_bytes", attempt.log_bytes, 0, 1LL << 60);
}

}  // namespace

void read_run_request(JsonFields& f, model::RunRequest& request) {
  f.text("suite", request.suite);
  f.text("filter", request.filter);
  f.text("environment", request.environment);
  f.text("reference", request.reference);
  f.text("triggered_by", request.triggered_by);
  read_labels(f, request.labels);
  read_params(f, request.params);
  f.integer("max_attempts", request.max_attempts, 1, 100);
  f.duration("timeout", request.timeout);
  f.boolean("allow_empty", request.allow_empty);
  f.text("revision", request.revision);
  f.text("branch", request.branch);
}

Result<model::RunRequest> parse_run_request(std::string_view body) {
  model::RunRequest request;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    read_run_request(f, request);
    if (request.suite.empty()) f.fault("suite", "it is required: \"namespace/name\" or \"name\"");
  }));
  return request;
}

std::string to_json(const model::RunRequest& request) {
  JsonWriter out;
  out.begin_object().field("suite", request.suite).field_if("filter", request.filter);
  out.field_if("environment", request.environment).field_if("reference", request.reference);
  out.field_if("triggered_by", request.triggered_by);
  if (!request.labels.empty()) out.field("labels", request.labels);
  if (!request.params.empty()) out.field("params", request.params);
  out.field_if("max_attempts", request.max_attempts);
  if (request.timeout) out.field("timeout", format_duration(*request.timeout));
  out.field_if("allow_empty", request.allow_empty).field_if("revision", request.revision);
  out.field_if("branch", request.branch);
  return out.end_object().take();
}

void write_run(JsonWriter& out, const model::Run& run) {
  const model::RunRequest& request = run.request;
  out.begin_object()
      .field("id", raw(run.id))
      .field("suite", run.suite)
      .field("namespace", run.namespace_)
      .field("state", name_of(run.state))
      .key("verdict");
  if (run.verdict == model::RunVerdict::none) {
    out.null();
  } else {
    out.value(name_of(run.verdict));
  }
  out.field("flaky", run.flaky);
  write_counts(out, run.counts);
  out.field_if("environment", request.environment).field_if("lease", run.lease);
  out.field("queued_at", run.queued_at).field_if("started_at", run.started_at);
  out.field_if("finished_at", run.finished_at);
  if (run.started_at && run.finished_at)
    out.field("duration_ms", std::max(Duration{0}, *run.finished_at - *run.started_at));
  out.field("reference", request.reference)
      .field("triggered_by", request.triggered_by)
      .field("labels", request.labels)
      .field("params", request.params)
      .field_if("filter", request.filter)
      .field_if("revision", request.revision)
      .field_if("branch", request.branch)
      .field_if("max_attempts", request.max_attempts)
      .field_if("timeout_ms", request.timeout)
      .field_if("allow_empty", request.allow_empty)
      .field_if("schedule", request.schedule);
  if (request.rerun_of) out.field("rerun_of", raw(*request.rerun_of));
  out.field("number", run.number).field_if("message", run.message);
  if (run.cancel_requested) out.field("cancel_requested", true);
  out.field_if("cancel_reason", run.cancel_reason).field_if("setup_log", run.setup_log);
  out.field("resumes", run.resumes);
  write_run_links(out, run);
  out.end_object();
}

std::string to_json(const model::Run& run, std::string_view link_base) {
  JsonWriter out(link_base);
  write_run(out, run);
  return out.take();
}

Result<model::Run> parse_run(std::string_view json) {
  model::Run run;
  std::int64_t id = 0;
  std::int64_t rerun_of = 0;
  BATON_TRY_VOID(read_json(
      json,
      [&](JsonFields& f) {
        f.require("id");
        f.integer("id", id, 0, INT64_MAX);
        f.text("namespace", run.namespace_);
        f.text("suite", run.suite);
        f.choice("state", run.state, model::parse_run_state);
        f.choice("verdict", run.verdict, model::parse_run_verdict);
        f.boolean("flaky", run.flaky);
        f.object("counts", [&](JsonFields& counts) { read_counts(counts, run.counts); });
        f.text("lease", run.lease);
        f.time("queued_at", run.queued_at);
        f.time("started_at", run.started_at);
        f.time("finished_at", run.finished_at);
        read_run_request(f, run.request);
        f.milliseconds("timeout_ms", run.request.timeout);
        f.text("schedule", run.request.schedule);
        f.integer("rerun_of", rerun_of, 0, INT64_MAX);
        f.integer("number", run.number, 0, INT64_MAX);
        f.text("message", run.message);
        f.boolean("cancel_requested", run.cancel_requested);
        f.text("cancel_reason", run.cancel_reason);
        f.text("setup_log", run.setup_log);
        f.integer("resumes", run.resumes, 0, 1 << 20);
      },
      Unknown::skip));
  run.id = RunId{id};
  run.request.suite = run.namespace_ + "/" + run.suite;
  if (rerun_of > 0) run.request.rerun_of = RunId{rerun_of};
  return run;
}

void write_artifact(JsonWriter& out, const model::Artifact& artifact) {
  out.begin_object()
      .field("path", artifact.path)
      .field("size", artifact.size)
      .field("type", artifact.type)
      .field_if("test", artifact.test);
  if (artifact.attempt > 0) out.field("attempt", artifact.attempt);
  out.end_object();
}

void write_attempt(JsonWriter& out, const model::Attempt& attempt,
                   std::span<const model::Artifact> artifacts) {
  out.begin_object()
      .field("attempt", attempt.number)
      .field("outcome", name_of(attempt.outcome))
      .field("soft_failure", attempt.soft_failure)
      .field("started_at", attempt.started_at)
      .field("duration_ms", attempt.duration)
      .field_if("message", attempt.message)
      .field_if("file", attempt.file);
  if (attempt.line > 0) out.field("line", attempt.line);
  out.key("spans").begin_array();
  for (const model::Span& span : attempt.spans)
    out.begin_object()
        .field("name", span.name)
        .field("started_at", span.started_at)
        .field("duration_ms", span.duration)
        .field("context", span.context)
        .end_object();
  // The last value of a name wins, as set_value promises.
  std::map<std::string, std::string> values;
  for (const auto& [name, text] : attempt.values) values[name] = text;
  out.end_array().field("values", values);
  out.key("artifacts").begin_array();
  for (const model::Artifact& artifact : artifacts)
    if (artifact.test == attempt.test && artifact.attempt == attempt.number)
      write_artifact(out, artifact);
  out.end_array().field("log_bytes", attempt.log_bytes).end_object();
}

void write_case_result(JsonWriter& out, const model::CaseResult& item,
                       std::span<const model::Artifact> artifacts) {
  out.begin_object()
      .field("name", item.name)
      .field("verdict", name_of(item.verdict))
      .key("outcome");
  if (item.attempts.empty()) {
    out.null();
  } else {
    out.value(name_of(item.attempts.back().outcome));
  }
  out.key("attempts").begin_array();
  for (const model::Attempt& attempt : item.attempts) write_attempt(out, attempt, artifacts);
  out.end_array().field("flaky", item.flaky).field("quarantined", item.quarantined).end_object();
}

Result<model::CaseResult> parse_case_result(std::string_view json) {
  model::CaseResult item;
  BATON_TRY_VOID(read_json(
      json,
      [&](JsonFields& f) {
        f.require("name");
        f.text("name", item.name);
        f.choice("verdict", item.verdict, model::parse_case_verdict);
        f.boolean("flaky", item.flaky);
        f.boolean("quarantined", item.quarantined);
        f.objects("attempts", [&](JsonFields& inner) {
          model::Attempt& attempt = item.attempts.emplace_back();
          attempt.test = item.name;
          read_attempt(inner, attempt);
        });
      },
      Unknown::skip));
  return item;
}

Result<RerunRequest> parse_rerun_request(std::string_view body) {
  RerunRequest request;
  if (body.empty()) return request;
  BATON_TRY_VOID(
      read_json(body, [&](JsonFields& f) { f.boolean("failed_only", request.failed_only); }));
  return request;
}

Result<std::string> parse_cancel_request(std::string_view body) {
  std::string reason;
  if (body.empty()) return reason;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) { f.text("reason", reason); }));
  return reason;
}

}  // namespace baton::wire
