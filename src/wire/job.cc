// SPDX-License-Identifier: MIT
#include "wire/job.h"

#include "wire/case_json.h"
#include "wire/fields.h"

namespace baton::wire {
namespace {

namespace json = boost::json;

json::object write_suite(const model::Suite& suite) {
  return {{"namespace", json_text(suite.namespace_)},
          {"name", json_text(suite.name)},
          {"description", json_text(suite.description)},
          {"owner", json_text(suite.owner)},
          {"labels", json_texts(suite.labels)},
          {"kind", name_of(suite.kind)},
          {"command", json_list(suite.command)},
          {"folder", json_text(suite.folder)},
          {"environment_variables", json_texts(suite.environment_variables)},
          {"environment", json_text(suite.environment)},
          {"isolate", name_of(suite.isolate)},
          {"workers", suite.workers},
          {"max_attempts", suite.max_attempts},
          {"back_off_ms", suite.back_off.count()},
          {"timeout_ms", suite.timeout.count()},
          {"attempt_timeout_ms", suite.attempt_timeout.count()},
          {"kill_grace_ms", suite.kill_grace.count()},
          {"log_limit", suite.log_limit},
          {"reports", json_list(suite.reports)},
          {"artifacts", json_list(suite.artifacts)},
          {"allow_empty", suite.allow_empty},
          {"cases", write_cases(suite.cases)}};
}

Result<model::Suite> read_suite(const json::object& object) {
  Fields in(object, "suite");
  model::Suite suite;
  if (in.has("namespace")) suite.namespace_ = in.text("namespace");
  suite.name = in.text("name");
  suite.description = in.text("description");
  suite.owner = in.text("owner");
  suite.labels = in.texts("labels");
  if (in.has("kind")) suite.kind = in.take(model::parse_kind(in.text("kind")), suite.kind);
  suite.command = in.list("command");
  suite.folder = in.text("folder");
  suite.environment_variables = in.texts("environment_variables");
  suite.environment = in.text("environment");
  if (in.has("isolate")) {
    suite.isolate = in.take(model::parse_isolate(in.text("isolate")), suite.isolate);
  }
  suite.workers = in.small("workers", suite.workers);
  suite.max_attempts = in.small("max_attempts", suite.max_attempts);
  suite.back_off = in.duration("back_off_ms");
  suite.timeout = in.duration("timeout_ms");
  suite.attempt_timeout = in.duration("attempt_timeout_ms");
  if (in.has("kill_grace_ms")) suite.kill_grace = in.duration("kill_grace_ms");
  suite.log_limit = in.integer("log_limit", suite.log_limit);
  suite.reports = in.list("reports");
  suite.artifacts = in.list("artifacts");
  suite.allow_empty = in.boolean("allow_empty");
  suite.cases = read_cases(in);
  BATON_TRY_VOID(in.check());
  return suite;
}

json::object write_request(const model::RunRequest& request) {
  json::object out{{"suite", json_text(request.suite)},
                   {"filter", json_text(request.filter)},
                   {"only", json_list(request.only)},
                   {"environment", json_text(request.environment)},
                   {"reference", json_text(request.reference)},
                   {"triggered_by", json_text(request.triggered_by)},
                   {"labels", json_texts(request.labels)},
                   {"params", json_texts(request.params)},
                   {"revision", json_text(request.revision)},
                   {"branch", json_text(request.branch)},
                   {"traceparent", json_text(request.traceparent)}};
  if (request.max_attempts) out["max_attempts"] = *request.max_attempts;
  if (request.timeout) out["timeout_ms"] = request.timeout->count();
  if (request.allow_empty) out["allow_empty"] = *request.allow_empty;
  return out;
}

Result<model::RunRequest> read_request(const json::object& object) {
  Fields in(object, "request");
  model::RunRequest request;
  request.suite = in.text("suite");
  request.filter = in.text("filter");
  request.only = in.list("only");
  request.environment = in.text("environment");
  request.reference = in.text("reference");
  request.triggered_by = in.text("triggered_by");
  request.labels = in.texts("labels");
  request.params = in.texts("params");
  request.revision = in.text("revision");
  request.branch = in.text("branch");
  request.traceparent = in.text("traceparent");
  if (in.has("max_attempts")) request.max_attempts = in.small("max_attempts");
  if (in.has("timeout_ms")) request.timeout = in.duration("timeout_ms");
  if (in.has("allow_empty")) request.allow_empty = in.boolean("allow_empty");
  BATON_TRY_VOID(in.check());
  return request;
}

json::array write_progress(const std::vector<CaseProgress>& progress) {
  json::array out;
  for (const CaseProgress& item : progress) {
    out.push_back({{"name", json_text(item.name)},
                   {"attempts", item.attempts},
                   {"counted", item.counted},
                   {"finished", item.finished}});
  }
  return out;
}

void read_progress(Fields& parent, Job& job) {
  const json::array* items = parent.array("progress");
  if (items == nullptr) return;
  for (const json::value& item : *items) {
    const json::object* object = item.if_object();
    if (object == nullptr) {
      parent.refuse("progress holds something that is not an object");
      continue;
    }
    Fields in(*object, "progress");
    job.progress.push_back({in.text("name"), in.small("attempts"), in.small("counted"),
                            in.boolean("finished")});
    if (auto checked = in.check(); !checked) parent.refuse(checked.error().message);
  }
}

void read_limits(Fields& parent, JobLimits& limits) {
  const json::object* object = parent.object("limits");
  if (object == nullptr) return;
  Fields in(*object, "limits");
  limits.spool_bytes = in.integer("spool_bytes", limits.spool_bytes);
  limits.artifact_bytes = in.integer("artifact_bytes", limits.artifact_bytes);
  limits.artifacts = in.small("artifacts", limits.artifacts);
  if (auto checked = in.check(); !checked) parent.refuse(checked.error().message);
}

}  // namespace

std::string encode_job(const Job& job) {
  json::object out{{"run", raw(job.run)},
                   {"epoch", job.epoch},
                   {"suite", write_suite(job.suite)},
                   {"request", write_request(job.request)},
                   {"progress", write_progress(job.progress)},
                   {"cancel", job.cancel},
                   {"cancel_reason", json_text(job.cancel_reason)},
                   {"environment", json_text(job.environment)},
                   {"variables", json_texts(job.variables)},
                   {"limits", {{"spool_bytes", job.limits.spool_bytes},
                               {"artifact_bytes", job.limits.artifact_bytes},
                               {"artifacts", job.limits.artifacts}}}};
  if (job.time_left) out["time_left_ms"] = job.time_left->count();
  return json::serialize(out);
}

Result<Job> decode_job(std::string_view text) {
  BATON_TRY(object, parse_object(text, "job"));
  Fields in(object, "job");
  Job job;
  job.run = RunId{in.integer("run")};
  job.epoch = in.small("epoch");
  job.cancel = in.boolean("cancel");
  job.cancel_reason = in.text("cancel_reason");
  job.environment = in.text("environment");
  job.variables = in.texts("variables");
  if (in.has("time_left_ms")) job.time_left = in.duration("time_left_ms");
  read_progress(in, job);
  read_limits(in, job.limits);
  const json::object* suite = in.object("suite");
  const json::object* request = in.object("request");
  if (suite == nullptr) in.refuse("suite is missing");
  if (request == nullptr) in.refuse("request is missing");
  BATON_TRY_VOID(in.check());
  BATON_TRY(read, read_suite(*suite));
  BATON_TRY(asked, read_request(*request));
  job.suite = std::move(read);
  job.request = std::move(asked);
  return job;
}

std::string encode_suite_spec(const model::Suite& suite) {
  return json::serialize(write_suite(suite));
}

Result<model::Suite> decode_suite_spec(std::string_view text) {
  BATON_TRY(object, parse_object(text, "suite"));
  return read_suite(object);
}

std::string encode_discovery(const Discovery& discovery) {
  json::array suites;
  for (const model::Suite& suite : discovery.suites) suites.push_back(write_suite(suite));
  return json::serialize(json::object{{"suites", std::move(suites)}});
}

Result<Discovery> decode_discovery(std::string_view text) {
  BATON_TRY(object, parse_object(text, "discovery"));
  Fields in(object, "discovery");
  const json::array* suites = in.array("suites");
  if (suites == nullptr) in.refuse("suites is missing");
  BATON_TRY_VOID(in.check());
  Discovery discovery;
  for (const json::value& item : *suites) {
    if (!item.is_object()) return fail(Code::invalid, "discovery: a suite is not an object");
    BATON_TRY(suite, read_suite(item.get_object()));
    discovery.suites.push_back(std::move(suite));
  }
  return discovery;
}

}  // namespace baton::wire
