// SPDX-License-Identifier: MIT
#include "store/gate_json.h"

#include "store/row_json.h"
#include "store/row_members.h"

namespace baton::store {
namespace {

using model::SubjectKind;

json::object testkube_value(const model::TestkubeSubject& subject) {
  MemberWriter out;
  out.text("profile", subject.profile);
  out.text("tag", subject.tag);
  out.text("workflow", subject.workflow);
  out.text("execution", subject.execution);
  out.flag("all", subject.all);
  out.texts("config", subject.config);
  return out.take();
}

model::TestkubeSubject testkube_of(const MemberReader& in) {
  return {in.text("profile"),   in.text("tag"), in.text("workflow"),
          in.text("execution"), in.flag("all"), in.texts("config")};
}

}  // namespace

std::string encode_gate_request(const model::GateRequest& request) {
  MemberWriter out;
  const model::Subject& subject = request.subject;
  out.integer("kind", static_cast<std::int64_t>(subject.kind));
  if (subject.kind == SubjectKind::suite) {
    out.text("suite", subject.suite.suite);
    out.text("request", encode_request(subject.suite));
  }
  if (subject.kind == SubjectKind::testkube)
    out.value("testkube", testkube_value(subject.testkube));
  if (request.timeout) out.integer("timeout_ms", request.timeout->count(), -1);
  out.flag("pass_on_timeout", request.pass_on_timeout);
  out.text("environment", request.environment);
  out.texts("labels", request.labels);
  return out.serialize();
}

Result<void> decode_gate_request(std::string_view text, model::GateRequest& request) {
  std::string suite_request = "{}";
  BATON_TRY_VOID(decode(text, [&](const json::value& value) {
    const MemberReader in(value.as_object());
    model::Subject& subject = request.subject;
    subject.kind = static_cast<SubjectKind>(in.integer("kind"));
    subject.suite.suite = in.text("suite");
    suite_request = in.text("request", "{}");
    if (const auto* testkube = value.as_object().if_contains("testkube"))
      subject.testkube = testkube_of(MemberReader(testkube->as_object()));
    if (const auto ms = in.optional<std::int64_t>("timeout_ms")) request.timeout = Duration{*ms};
    request.pass_on_timeout = in.flag("pass_on_timeout");
    request.environment = in.text("environment");
    request.labels = in.texts("labels");
  }));
  return decode_request(suite_request, request.subject.suite);
}

}  // namespace baton::store
