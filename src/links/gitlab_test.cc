// SPDX-License-Identifier: MIT
#include "links/gitlab.h"

#include <gtest/gtest.h>

#include "links/peer.h"
#include "links/peer_for_test.h"
#include "links/signature.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using model::LinkKind;
using Kind = Outcome::Kind;

constexpr const char* kStatus =
    R"({"project":"pay/shop","sha":"abc123","name":"e2e","pipeline_id":77,"ref":"main"})";
constexpr const char* kPlay = R"({"project":7,"job":"42","variables":{"A":"b"}})";
constexpr const char* kCheck = R"({"project":7,"iid":3,"sha":"abc123","rule":5})";

model::LinkProfile profile() {
  model::LinkProfile p = profile_of(LinkKind::gitlab, "https://gitlab");
  p.token = {"glpat"};
  p.secrets = {{"old"}, {"s3cret"}};
  return p;
}

Outcome deliver(const char* op, const char* fields, TestHttp& http) {
  return find_adapter(LinkKind::gitlab, op)(message_of(op, fields), profile(), http);
}
Outcome status(int code, std::string body = {}) {
  TestHttp http({answer(code, std::move(body))});
  return deliver("commit_status", kStatus, http);
}

TEST(GitlabStatus, is_posted_to_the_pipeline_that_asked) {
  TestHttp http({answer(201)});
  Message message = failed_message_of("commit_status", kStatus);
  message.gate.reason = std::string(300, 'x');
  EXPECT_EQ(find_adapter(LinkKind::gitlab, "commit_status")(message, profile(), http).kind,
            Kind::delivered);
  EXPECT_EQ(http.calls()[0], "POST https://gitlab/api/v4/projects/pay%2Fshop/statuses/abc123");
  EXPECT_EQ(http.sent[0].headers.get("PRIVATE-TOKEN"), "glpat");
  const Json body(http.sent[0].body);
  EXPECT_EQ(body.text("state"), "failed");
  EXPECT_EQ(body.text("name"), "e2e");
  EXPECT_EQ(body.text("ref"), "main");
  EXPECT_EQ(body.number("pipeline_id"), 77);
  EXPECT_EQ(body.text("target_url"), message.urls.gate);
  EXPECT_EQ(body.text("description").size(), 255U);
}

TEST(GitlabStatus, that_is_there_already_is_delivered) {
  EXPECT_EQ(status(400, "Cannot transition status via :succeed from :success").kind,
            Kind::delivered);
  EXPECT_EQ(status(400, R"j({"message":"Cannot transition status via :drop from :failed (R(s))"})j")
                .error_class,
            ErrorClass::rejected);
  EXPECT_EQ(status(400, "name is missing").error_class, ErrorClass::rejected);
}

TEST(GitlabStatus, waits_for_the_lock_of_the_pipeline) {
  EXPECT_EQ(status(409).kind, Kind::again);
  EXPECT_EQ(status(409).error_class, ErrorClass::transient);
  EXPECT_EQ(status(500).kind, Kind::again);
  EXPECT_EQ(status(401).error_class, ErrorClass::auth);
  EXPECT_EQ(status(404).error_class, ErrorClass::rejected);
}

Answer job(std::string_view state, bool has_run = false) {
  return answer(200, fmt::format(R"({{"status":"{}","started_at":{}}})", state,
                                 has_run ? R"("2026-01-01")" : "null"));
}

TEST(GitlabJob, is_played_when_it_waits) {
  TestHttp http({job("manual"), answer(200)});
  EXPECT_EQ(deliver("play_job", kPlay, http).kind, Kind::delivered);
  EXPECT_EQ(http.calls(),
            (std::vector<std::string>{"GET https://gitlab/api/v4/projects/7/jobs/42",
                                      "POST https://gitlab/api/v4/projects/7/jobs/42/play"}));
  EXPECT_EQ(http.sent[1].body, R"({"job_variables_attributes":[{"key":"A","value":"b"}]})");
}

TEST(GitlabJob, that_was_played_is_not_played_again) {
  for (const char* state : {"pending", "running", "success", "failed"}) {
    TestHttp http({job(state)});
    EXPECT_EQ(deliver("play_job", kPlay, http).kind, Kind::delivered) << state;
    EXPECT_EQ(http.sent.size(), 1U);
  }
  TestHttp raced({job("manual"), answer(400, R"({"message":"400 Bad request - Unplayable Job"})"),
                  job("running")});
  EXPECT_EQ(deliver("play_job", kPlay, raced).kind, Kind::delivered);
  TestHttp refused({job("manual"), answer(400, "Unplayable Job"), job("manual")});
  EXPECT_EQ(deliver("play_job", kPlay, refused).error_class, ErrorClass::rejected);
}

TEST(GitlabJob, may_come_later_or_never) {
  TestHttp early({job("created")});
  EXPECT_EQ(deliver("play_job", kPlay, early).kind, Kind::again);
  TestHttp skipped({job("skipped")});
  EXPECT_EQ(deliver("play_job", kPlay, skipped).error_class, ErrorClass::peer_gone);
  TestHttp cancelled({job("canceled")});
  EXPECT_EQ(deliver("play_job", kPlay, cancelled).error_class, ErrorClass::peer_gone);
  TestHttp stopped({job("canceled", true)});
  EXPECT_EQ(deliver("play_job", kPlay, stopped).kind, Kind::delivered);
}

TEST(GitlabCheck, is_told_the_verdict_of_its_commit) {
  TestHttp http({answer(201)});
  EXPECT_EQ(deliver("status_check", kCheck, http).kind, Kind::delivered);
  EXPECT_EQ(http.calls()[0],
            "POST https://gitlab/api/v4/projects/7/merge_requests/3/status_check_responses");
  EXPECT_EQ(http.sent[0].body,
            R"({"sha":"abc123","external_status_check_id":5,"status":"passed"})");
  TestHttp stale({answer(409)});
  const Outcome outcome = deliver("status_check", kCheck, stale);
  EXPECT_EQ(outcome.kind, Kind::dead);
  EXPECT_EQ(outcome.error_class, ErrorClass::peer_gone);
}

TEST(GitlabCheck, stays_pending_only_while_it_is_told_so) {
  EXPECT_EQ(stage_of(LinkKind::gitlab, "progress"), model::Stage::progress);
  EXPECT_EQ(stage_of(LinkKind::gitlab, "status_check"), model::Stage::verdict);
  const Deliver progress = find_adapter(LinkKind::gitlab, "progress");
  Message message = message_of("progress", kCheck);
  message.gate.state = model::GateState::pending;
  TestHttp http({answer(201), answer(201)});
  const Outcome first = progress(message, profile(), http);
  EXPECT_TRUE(first.is_progress);
  EXPECT_EQ(first.after, std::chrono::seconds{90});
  EXPECT_TRUE(http.sent[0].body.ends_with(R"("status":"pending"})"));
  message.delivery.memo = first.memo;
  message.now += std::chrono::seconds{30};
  EXPECT_EQ(progress(message, profile(), http).after, std::chrono::seconds{60});
  EXPECT_EQ(http.sent.size(), 1U);
  message.now += std::chrono::seconds{60};
  EXPECT_TRUE(progress(message, profile(), http).is_progress);
  EXPECT_EQ(http.sent.size(), 2U);
  message.gate.state = model::GateState::decided;
  EXPECT_EQ(progress(message, profile(), http).kind, Kind::delivered);
  EXPECT_EQ(http.sent.size(), 2U);
}

constexpr const char* kPayload = R"({"object_kind":"merge_request",
    "project":{"id":7,"path_with_namespace":"pay/shop"},
    "object_attributes":{"iid":3,"target_project_id":7,"state":"opened","source_branch":"fix",
                         "last_commit":{"id":"abc123"}},
    "external_approval_rule":{"id":5,"name":"e2e","external_url":"https://baton"}})";

Result<Inbound> read(std::string body, std::string header, std::string value,
                     std::string defaults = "{}") {
  net::Request request;
  request.body = std::move(body);
  request.headers.add(std::move(header), std::move(value));
  model::LinkProfile p = profile();
  p.defaults = std::move(defaults);
  return read_inbound({request, p, kTestNow});
}
Result<Inbound> read(std::string body, std::string defaults = "{}") {
  return read(std::move(body), "X-Gitlab-Token", "s3cret", std::move(defaults));
}

TEST(GitlabInbound, a_status_check_opens_a_gate_for_the_commit) {
  const auto inbound = read(kPayload, R"({"subject":{"suite":"pay/shop"},"timeout":"1h"})");
  ASSERT_TRUE(inbound) << inbound.error().message;
  const auto& opening = std::get<OpenGate>(*inbound);
  EXPECT_EQ(opening.ident, "7!3@abc123/5");
  EXPECT_EQ(opening.request.key, "gitlab/main/7!3/5");
  EXPECT_EQ(opening.request.name, "e2e of pay/shop!3");
  EXPECT_EQ(opening.request.labels.at("sha"), "abc123");
  EXPECT_EQ(opening.request.subject.suite.revision, "abc123");
  EXPECT_EQ(opening.request.subject.suite.branch, "fix");
  ASSERT_EQ(opening.request.deliver.size(), 2U);
  for (const model::Target& target : opening.request.deliver) {
    EXPECT_EQ(target.link, "gitlab/main");
    EXPECT_TRUE(check_target(LinkKind::gitlab, target));
    EXPECT_EQ(target.fields, kCheck);
  }
}

TEST(GitlabInbound, is_proved_by_signature_or_token) {
  const std::string mac = to_hex(hmac_sha256("s3cret", kPayload));
  EXPECT_TRUE(read(kPayload, "X-Gitlab-Signature", mac));
  EXPECT_TRUE(read(kPayload, "X-Gitlab-Signature", "sha256=" + mac));
  EXPECT_TRUE(read(kPayload, "X-Gitlab-Token", "old"));
  EXPECT_EQ(read(kPayload, "X-Gitlab-Token", "wrong").error().code, Code::unauthenticated);
  net::Request both;
  both.body = kPayload;
  both.headers = {{"X-Gitlab-Token", "old"}, {"X-Gitlab-Signature", std::string(64, '0')}};
  EXPECT_EQ(read_inbound({both, profile(), kTestNow}).error().code, Code::unauthenticated)
      << "a token does not mend a wrong signature";
  EXPECT_EQ(read(kPayload, "X-Gitlab-Token", "").error().code, Code::unauthenticated);
  EXPECT_EQ(read(std::string(kPayload) + " ", "X-Gitlab-Signature", mac).error().code,
            Code::unauthenticated);
}

TEST(GitlabInbound, other_events_are_left_alone) {
  EXPECT_TRUE(std::holds_alternative<Ignored>(*read(R"({"object_kind":"push"})")));
  EXPECT_TRUE(std::holds_alternative<Ignored>(*read(
      R"({"object_kind":"merge_request","object_attributes":{"state":"merged"},
          "external_approval_rule":{"id":5}})")));
  EXPECT_EQ(read("[]").error().code, Code::invalid);
  EXPECT_EQ(
      read(R"({"object_kind":"merge_request","external_approval_rule":{"id":5}})").error().code,
      Code::invalid);
}

}  // namespace
}  // namespace baton::links
