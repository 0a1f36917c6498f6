// SPDX-License-Identifier: MIT
// External status checks: GitLab sends the whole merge request at every change of it, also those
// that leave the commit as it was; a commit is one question.
#include <algorithm>

#include "base/text.h"
#include "links/gitlab.h"
#include "links/peer.h"
#include "links/signature.h"
#include "wire/gate_json.h"
#include "wire/json_writer.h"

namespace baton::links::gitlab {
namespace {

struct Check {
  std::int64_t project = 0;
  std::int64_t iid = 0;
  std::int64_t rule = 0;
  std::string sha;
  std::string path;  // "group/name"
  std::string branch;
  std::string rule_name;
};

bool is_proved(const InboundCall& call) {
  const net::Headers& headers = call.request.headers;
  std::string signature = to_lower(headers.get("X-Gitlab-Signature"));
  if (signature.starts_with("sha256=")) signature.erase(0, 7);
  const std::string_view token = headers.get("X-Gitlab-Token");
  const auto matches = [&](const model::Secret& secret) {
    if (secret.empty()) return false;
    // A token beside a signature does not make a wrong one right.
    if (signature.empty()) return equal_in_constant_time(token, secret.value);
    const std::string mac = to_hex(hmac_sha256(secret.value, call.request.body));
    return equal_in_constant_time(signature, mac);
  };
  const auto& secrets = call.profile.secrets;
  return std::any_of(secrets.begin(), secrets.end(), matches);
}

Result<Check> read_check(const Json& payload) {
  const Json request = payload.object("object_attributes");
  const Json rule = payload.object("external_approval_rule");
  Check check;
  check.project = request.number("target_project_id", payload.object("project").number("id"));
  check.iid = request.number("iid");
  check.rule = rule.number("id");
  check.sha = request.object("last_commit").text("id");
  check.path = payload.object("project").text("path_with_namespace");
  check.branch = request.text("source_branch");
  check.rule_name = rule.text("name");
  const bool is_sha =
      !check.sha.empty() && check.sha.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (check.project < 1 || check.iid < 1 || check.rule < 1 || !is_sha)
    return fail(Code::invalid,
                "object_attributes.target_project_id, .iid, .last_commit.id and "
                "external_approval_rule.id are needed");
  return check;
}

std::string target_fields(const Check& check) {
  wire::JsonWriter out;
  out.begin_object()
      .field("project", check.project)
      .field("iid", check.iid)
      .field("sha", check.sha)
      .field("rule", check.rule)
      .end_object();
  return out.take();
}

void describe(model::GateRequest& request, const Check& check, const std::string& link) {
  const std::string project = check.path.empty() ? std::to_string(check.project) : check.path;
  const std::string merge_request = fmt::format("{}!{}", project, check.iid);
  if (request.name.empty()) {
    const std::string what = check.rule_name.empty() ? "status check" : check.rule_name;
    request.name = fmt::format("{} of {}", what, merge_request);
  }
  // Newer commits make the question about the older ones void.
  if (request.key.empty())
    request.key = fmt::format("{}/{}!{}/{}", link, check.project, check.iid, check.rule);
  request.labels.emplace("merge_request", merge_request);
  request.labels.emplace("sha", check.sha);
  if (!check.branch.empty()) request.labels.emplace("branch", check.branch);
  if (request.subject.kind != model::SubjectKind::suite) return;
  model::RunRequest& suite = request.subject.suite;
  if (suite.revision.empty()) suite.revision = check.sha;
  if (suite.branch.empty()) suite.branch = check.branch;
}

}  // namespace

Result<Inbound> read(const InboundCall& call) {
  if (!is_proved(call))
    return fail_with_fix(
        Code::unauthenticated, "give the status check in GitLab the link's webhook_secret",
        "neither X-Gitlab-Signature nor X-Gitlab-Token is by a secret of the link");
  BATON_TRY(parsed, wire::parse_json(call.request.body));
  if (!parsed.is_object()) return fail(Code::invalid, "the body must be a JSON object");
  const Json payload(std::move(parsed.get_object()));
  if (payload.text("object_kind") != "merge_request" || !payload.has("external_approval_rule"))
    return Ignored{"it is no external status check of a merge request"};
  const std::string state = payload.object("object_attributes").text("state");
  if (state == "closed" || state == "merged")
    return Ignored{fmt::format("the merge request is {}", state)};
  BATON_TRY(check, read_check(payload));
  BATON_TRY(request, wire::parse_inbound_request({}, call.profile.defaults));
  const std::string link = call.profile.id();
  describe(request, check, link);
  BATON_TRY_VOID(model::check_gate_request(request));
  OpenGate opening;
  opening.request = std::move(request);
  opening.ident = fmt::format("{}!{}@{}/{}", check.project, check.iid, check.sha, check.rule);
  for (const char* op : {"progress", "status_check"})
    opening.request.deliver.push_back({.link = link, .op = op, .fields = target_fields(check)});
  opening.answer_again = true;
  return opening;
}

}  // namespace baton::links::gitlab
