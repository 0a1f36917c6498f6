// SPDX-License-Identifier: MIT
#include "api/legacy_json.h"

#include <re2/re2.h>

#include <set>

#include "api/metrics.h"

namespace baton::api {
namespace {

void write_time(wire::JsonWriter& out, std::string_view name, const std::optional<TimePoint>& at) {
  out.key(name);
  if (at) {
    out.value(*at);
  } else {
    out.null();
  }
}

void write_spans(wire::JsonWriter& out, const std::vector<model::Span>& spans) {
  out.key("spans").begin_array();
  for (const model::Span& span : spans)
    out.begin_object()
        .field("start", span.started_at)
        .field("end", span.started_at + span.duration)
        .field("name", span.name)
        .field("context", span.context)
        .end_object();
  out.end_array();
}

// A case that has no attempt: not reached yet, or left out.
void write_unreached(wire::JsonWriter& out, const LegacyRun& item, const std::string& name,
                     std::string_view result) {
  out.begin_object()
      .field("suiteName", item.suite.name)
      .field("suiteRunId", item.run.number)
      .field("name", name)
      .field("result", result)
      .field("attempt", 1)
      .field("softFailure", false)
      .field("logs", "");
  write_time(out, "start", std::nullopt);
  write_time(out, "end", std::nullopt);
  out.field("durationInMs", 0);
  write_spans(out, {});
  out.key("context").raw("{}").end_object();
}

std::string_view unreached_result(model::CaseVerdict verdict) {
  return verdict == model::CaseVerdict::pending ? "pending" : "skipped";
}

// Cases that the suite has and the run does not: left out by the filter, or not planned yet.
std::vector<std::pair<std::string, std::string_view>> unplanned(const LegacyRun& item) {
  std::set<std::string_view> planned;
  for (const model::CaseResult& result : item.cases) planned.insert(result.name);
  const bool waiting = item.cases.empty() && item.run.state != model::RunState::finished;
  std::vector<std::pair<std::string, std::string_view>> found;
  for (const model::Case& known : item.suite.cases) {
    if (planned.contains(known.name)) continue;
    const bool selected = filter_selects(item.run.request.filter, known.name);
    if (!selected) {
      found.emplace_back(known.name, "skipped");
    } else if (waiting) {
      found.emplace_back(known.name, "pending");
    }
  }
  return found;
}

void write_params(wire::JsonWriter& out, const LegacyRun& item, std::string_view key) {
  const model::RunRequest& request = item.run.request;
  const Duration timeout = request.timeout.value_or(item.suite.timeout);
  out.key("params")
      .begin_object()
      .field("InitiatedBy", request.triggered_by)
      .field("Reference", request.reference)
      .field("MaxTestAttempts", request.max_attempts.value_or(item.suite.max_attempts))
      .field("IdempotencyKey", key)
      .field("Timeout", std::chrono::nanoseconds{timeout}.count())
      .key("TestFilter");
  if (request.filter.empty()) {
    out.null();
  } else {
    out.value(request.filter);
  }
  out.end_object();
}

}  // namespace

bool filter_selects(const std::string& filter, const std::string& name) {
  if (filter.empty()) return true;
  const re2::RE2 expression(filter, re2::RE2::Quiet);
  return expression.ok() && re2::RE2::PartialMatch(name, expression);
}

void write_legacy_suite(wire::JsonWriter& out, const model::Suite& suite) {
  out.begin_object()
      .field("name", suite.name)
      .field("namespace", suite.namespace_)
      .field("description", suite.description)
      .field("maxTestAttempts", suite.max_attempts);
  out.key("tests").begin_array();
  for (const model::Case& item : suite.cases) out.value(item.name);
  out.end_array().end_object();
}

void write_legacy_attempts(wire::JsonWriter& out, const LegacyRun& item,
                           const model::CaseResult& result, const LogOf& log_of) {
  if (result.attempts.empty())
    return write_unreached(out, item, result.name, unreached_result(result.verdict));
  for (const model::Attempt& attempt : result.attempts) {
    const bool running = attempt.outcome == model::Outcome::running;
    std::map<std::string, std::string> values(attempt.values.begin(), attempt.values.end());
    out.begin_object()
        .field("suiteName", item.suite.name)
        .field("suiteRunId", item.run.number)
        .field("name", result.name)
        .field("result", legacy_result_of(attempt.outcome))
        .field("attempt", attempt.number)
        .field("softFailure", attempt.soft_failure)
        .field("logs", log_of(result.name, attempt.number));
    write_time(out, "start", attempt.started_at);
    write_time(out, "end",
               running ? std::nullopt : std::optional{attempt.started_at + attempt.duration});
    out.field("durationInMs", attempt.duration);
    write_spans(out, attempt.spans);
    out.field("context", values).end_object();
  }
}

void write_legacy_run(wire::JsonWriter& out, const LegacyRun& item, const LogOf& log_of) {
  const model::Run& run = item.run;
  const auto label = run.request.labels.find(kLegacyKeyLabel);
  const std::string key = label != run.request.labels.end() ? label->second : "";
  const auto others = unplanned(item);
  Duration duration{0};
  for (const model::CaseResult& result : item.cases)
    if (!result.attempts.empty()) duration += result.attempts.back().duration;

  out.begin_object()
      .field("id", run.number)
      .field("suiteName", item.suite.name)
      .field("result", legacy_result_of(run))
      .field("tests", item.cases.size() + others.size())
      .field("flaky", run.flaky);
  write_params(out, item, key);
  write_time(out, "scheduled", run.queued_at);
  write_time(out, "start", run.started_at);
  write_time(out, "end", run.finished_at);
  out.field("durationInMs", duration)
      .field("setupLogs", run.setup_log)
      .field("initiatedBy", run.request.triggered_by)
      .field("triggeredBy", run.request.triggered_by)
      .field("reference", run.request.reference)
      .field("idempotencyKey", key)
      .field("testFilter", run.request.filter)
      .field("environment",
             run.request.environment.empty() ? item.environment : run.request.environment);
  out.key("testResults").begin_array();
  for (const model::CaseResult& result : item.cases)
    write_legacy_attempts(out, item, result, log_of);
  for (const auto& [name, result] : others) write_unreached(out, item, name, result);
  out.end_array().end_object();
}

void write_legacy_schedule(wire::JsonWriter& out, const model::Schedule& schedule) {
  out.begin_object()
      .field("Name", schedule.name)
      .field("TestSuiteName", schedule.suite.substr(schedule.suite.rfind('/') + 1))
      .field("Schedule", schedule.every ? "@every " + format_duration(*schedule.every)
                                        : schedule.cron)
      .field("TestFilter", schedule.filter)
      .field("RunCount", schedule.run_count)
      .field("MaxRuns", schedule.max_runs)
      .end_object();
}

}  // namespace baton::api
