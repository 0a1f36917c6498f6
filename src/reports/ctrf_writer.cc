// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "reports/writer.h"

namespace baton::reports {
namespace {

using model::CaseVerdict;
using model::Outcome;

struct Status {
  std::string_view status;  // CTRF's five words
  std::string_view word;    // ours
};

Status status_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed: return {"passed", "passed"};
    case Outcome::failed: return {"failed", "failed"};
    case Outcome::errored: return {"failed", "errored"};
    case Outcome::timed_out: return {"failed", "timed_out"};
    case Outcome::skipped: return {"skipped", "skipped"};
    case Outcome::cancelled: return {"skipped", "cancelled"};
    case Outcome::running: return {"pending", "running"};
  }
  return {"other", "running"};
}

Status status_of(const model::CaseResult& result) {
  if (result.verdict == CaseVerdict::quarantined_failure) return {"other", "quarantined_failure"};
  if (result.attempts.empty()) return {"pending", "pending"};
  return status_of(result.attempts.back().outcome);
}

std::string field(std::string_view name, std::string_view text) {
  return fmt::format(",\"{}\":{}", name, json_quote(text));
}

std::string facts_of(const model::Attempt& attempt) {
  std::string out = fmt::format(",\"duration\":{}", attempt.duration.count());
  if (to_ms(attempt.started_at) > 0) {
    out += fmt::format(",\"start\":{},\"stop\":{}", to_ms(attempt.started_at),
                       to_ms(attempt.started_at + attempt.duration));
  }
  if (!attempt.message.empty()) out += field("message", attempt.message);
  if (!attempt.file.empty()) {
    out += field("trace", fmt::format("{}:{}: {}", attempt.file, attempt.line, attempt.message));
  }
  return out;
}

}  // namespace

CtrfWriter::CtrfWriter(Sink sink) : sink_(std::move(sink)) {}

void CtrfWriter::put(std::string_view text) {
  if (state_) state_ = sink_(text);
}

void CtrfWriter::begin(const model::Run& run) {
  const model::Counts& counts = run.counts;
  const std::int64_t start = run.started_at ? to_ms(*run.started_at) : to_ms(run.queued_at);
  const std::int64_t stop = run.finished_at ? to_ms(*run.finished_at) : start;
  std::string head = R"({"reportFormat":"CTRF","specVersion":"1.0.0","results":{)";
  head += R"("tool":{"name":"baton"},"summary":{)";
  head += fmt::format(
      R"("tests":{},"passed":{},"failed":{},"skipped":{},"pending":{},"other":{},"flaky":{},)"
      R"("start":{},"stop":{}}})",
      counts.total, counts.passed + counts.flaky, counts.failed + counts.errored, counts.skipped,
      counts.pending, counts.quarantined, counts.flaky, start, stop);
  const model::RunRequest& request = run.request;
  std::string environment;
  if (!request.environment.empty()) environment += field("testEnvironment", request.environment);
  if (!request.revision.empty()) environment += field("commit", request.revision);
  if (!request.branch.empty()) environment += field("branchName", request.branch);
  if (!environment.empty()) head += ",\"environment\":{" + environment.substr(1) + "}";
  head += fmt::format(R"(,"extra":{{"run":{}}},"tests":[)", raw(run.id));
  suite_ = fmt::format("[{},{}]", json_quote(run.namespace_), json_quote(run.suite));
  put(head);
}

void CtrfWriter::add(const model::CaseResult& result) {
  const Status status = status_of(result);
  std::string out = first_ ? "\n{" : ",\n{";
  first_ = false;
  out += fmt::format(R"("name":{},"suite":{},"status":"{}","rawStatus":"{}")",
                     json_quote(result.name), suite_, status.status, status.word);
  const auto& attempts = result.attempts;
  out += attempts.empty() ? ",\"duration\":0" : facts_of(attempts.back());
  if (!attempts.empty() && !attempts.back().file.empty()) {
    out += field("filePath", attempts.back().file);
    out += fmt::format(",\"line\":{}", attempts.back().line);
  }
  out += fmt::format(",\"flaky\":{}", result.flaky ? "true" : "false");
  if (attempts.size() > 1) {
    out += fmt::format(",\"retries\":{},\"retryAttempts\":[", attempts.size() - 1);
    for (std::size_t i = 0; i + 1 < attempts.size(); ++i) {
      const Status earlier = status_of(attempts[i].outcome);
      out += fmt::format(R"({}{{"attempt":{},"status":"{}"{}}})", i == 0 ? "" : ",",
                         attempts[i].number, earlier.status, facts_of(attempts[i]));
    }
    out += "]";
  }
  put(out + "}");
}

Result<void> CtrfWriter::end() {
  put("]}}\n");
  return state_;
}

}  // namespace baton::reports
