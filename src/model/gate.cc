// SPDX-License-Identifier: MIT
#include "model/gate.h"

#include "model/environment.h"
#include "model/problems.h"

namespace baton::model {
namespace {

void check_testkube(Problems& problems, const TestkubeSubject& subject) {
  const std::string at = "/subject/testkube";
  if (subject.profile.empty())
    problems.add(at + "/profile", "is needed: which of links.testkube");
  const int named = int{!subject.tag.empty()} + int{!subject.workflow.empty()} +
                    int{!subject.execution.empty()};
  if (named != 1) problems.add(at, "needs exactly one of tag, workflow and execution");
  problems.line(at + "/profile", subject.profile, kNameMax);
  problems.line(at + "/tag", subject.tag);
  problems.line(at + "/workflow", subject.workflow);
  problems.line(at + "/execution", subject.execution);
  const std::size_t equals = subject.tag.find('=');
  // Testkube reads a second one as no filter at all, and would answer with any execution.
  if (!subject.tag.empty() &&
      (equals == std::string::npos || equals == 0 || equals + 1 == subject.tag.size() ||
       subject.tag.find('=', equals + 1) != std::string::npos))
    problems.add(at + "/tag", "must be key=value, with one '='");
}

void check_subject(Problems& problems, const Subject& subject) {
  switch (subject.kind) {
    case SubjectKind::external:
      return;
    case SubjectKind::run:
      if (raw(subject.run) < 1) problems.add("/subject/run", "must be the number of a run");
      return;
    case SubjectKind::suite: {
      const auto checked = check_run_request(subject.suite);
      if (checked) return;
      for (const ErrorDetail& detail : checked.error().details)
        problems.add("/subject" + detail.pointer, detail.detail);
      return;
    }
    case SubjectKind::testkube:
      check_testkube(problems, subject.testkube);
      return;
  }
}

}  // namespace

Result<void> check_gate_request(const GateRequest& request) {
  Problems problems;
  problems.line("/name", request.name);
  problems.line("/key", request.key);
  check_subject(problems, request.subject);
  if (request.timeout && (*request.timeout <= Duration{0} || *request.timeout > kGateTimeoutMax))
    problems.add("/timeout", fmt::format("must be more than 0 and at most {}",
                                         format_duration(kGateTimeoutMax)));
  if (!request.environment.empty())
    problems.take("/environment", check_environment_name(request.environment));
  problems.labels("/labels", request.labels);
  if (request.deliver.size() > kTargetsMax)
    problems.add("/deliver", fmt::format("has more than {} targets", kTargetsMax));
  for (std::size_t i = 0; i < request.deliver.size(); ++i)
    problems.line(fmt::format("/deliver/{}/link", i), request.deliver[i].link);
  return std::move(problems).finish("the gate");
}

GateVerdict gate_verdict_of(RunVerdict verdict) {
  switch (verdict) {
    case RunVerdict::passed:
      return GateVerdict::passed;
    case RunVerdict::failed:
      return GateVerdict::failed;
    case RunVerdict::cancelled:
      return GateVerdict::cancelled;
    case RunVerdict::timed_out:
      return GateVerdict::timed_out;
    case RunVerdict::errored:
    case RunVerdict::empty:
    case RunVerdict::none:
      break;
  }
  return GateVerdict::errored;
}

}  // namespace baton::model
