// SPDX-License-Identifier: MIT
// Deployments that wait for a protection rule.
#include "links/github_for_test.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using Kind = Outcome::Kind;

TEST_F(Github, a_held_deployment_is_approved_or_rejected) {
  decide(model::GateVerdict::passed);
  EXPECT_EQ(deliver("protection_rule", {answer(200, "[]"), answer(204)}).kind, Kind::delivered);
  EXPECT_EQ(call_of(0), "GET https://api.github.com/repos/corp/shop/actions/runs/9/approvals");
  EXPECT_EQ(call_of(1),
            "POST https://api.github.com/repos/corp/shop/actions/runs/9/"
            "deployment_protection_rule");
  EXPECT_EQ(body_of(1),
            R"x({"environment_name":"prod","state":"approved","comment":"`Baton: passed`\n\n)x"
            R"x([More](https://baton/api/v1/gates/gat_1)\n\n<!-- baton delivery=dlv_1 -->"})x");
  decide(model::GateVerdict::timed_out, std::string(3'000, '@'));
  message_.gate.url = "https://ci/" + std::string(480, 'x');
  deliver("protection_rule", {answer(200, "[]"), answer(204)});
  EXPECT_NE(body_of(1).find(R"("state":"rejected")"), std::string::npos);
  EXPECT_NE(body_of(1).find("<!-- baton delivery=dlv_1 -->"), std::string::npos);
  EXPECT_LT(body_of(1).size(), 1'100U);
}

TEST_F(Github, a_verdict_that_github_has_is_not_repeated) {
  decide(model::GateVerdict::passed);
  const Answer ours = answer(200, R"([{"state":"approved","comment":"hm","environments":[]},)"
                                  R"({"comment":"x\n\n<!-- baton delivery=dlv_1 -->"}])");
  EXPECT_EQ(deliver("protection_rule", {ours}).kind, Kind::delivered);
  EXPECT_EQ(http_.sent.size(), 1U);
  // That of another delivery is another verdict: the run was started again.
  const Answer other = answer(200, R"([{"comment":"<!-- baton delivery=dlv_0 -->"}])");
  EXPECT_EQ(deliver("protection_rule", {other, answer(204)}).kind, Kind::delivered);
  EXPECT_EQ(http_.sent.size(), 2U);
  // Who cannot look does not repeat; who may not look tells it.
  EXPECT_EQ(deliver("protection_rule", {no_answer()}).kind, Kind::again);
  EXPECT_EQ(deliver("protection_rule", {answer(502)}).kind, Kind::again);
  EXPECT_EQ(deliver("protection_rule", {answer(429)}).error_class, ErrorClass::throttled);
  EXPECT_EQ(deliver("protection_rule", {answer(401)}).error_class, ErrorClass::auth);
  EXPECT_EQ(http_.sent.size(), 1U);
  EXPECT_EQ(deliver("protection_rule", {answer(403), answer(204)}).kind, Kind::delivered);
  EXPECT_EQ(deliver("protection_rule", {answer(404), answer(204)}).kind, Kind::delivered);
}

TEST_F(Github, a_deployment_that_waits_no_more_is_gone_unless_our_lost_call_did_it) {
  decide(model::GateVerdict::failed);
  const Answer empty = answer(200, "[]");
  const Answer none = answer(200, R"([{"environment":{"name":"other"}}])");
  const auto run = [](std::string_view status, std::string_view conclusion) {
    return answer(200, fmt::format(R"({{"status":"{}","conclusion":{}}})", status, conclusion));
  };
  const auto deliver_over = [&](Answer history, Answer state) {
    return deliver("protection_rule", {empty, answer(422, "no"), none, history, state});
  };
  EXPECT_EQ(deliver_over(empty, run("completed", R"("cancelled")")).error_class,
            ErrorClass::peer_gone);
  EXPECT_EQ(call_of(2),
            "GET https://api.github.com/repos/corp/shop/actions/runs/9/"
            "pending_deployments");
  EXPECT_EQ(call_of(4), "GET https://api.github.com/repos/corp/shop/actions/runs/9");
  EXPECT_EQ(deliver_over(empty, answer(403)).error_class, ErrorClass::peer_gone);
  // The history came late, or does not name Apps.
  const Answer ours = answer(200, R"([{"comment":"<!-- baton delivery=dlv_1 -->"}])");
  EXPECT_EQ(deliver_over(ours, answer(599)).kind, Kind::delivered);
  EXPECT_EQ(deliver_over(empty, run("completed", R"("failure")")).kind, Kind::delivered);
  decide(model::GateVerdict::passed);
  EXPECT_EQ(deliver_over(empty, run("in_progress", "null")).kind, Kind::delivered);
  EXPECT_EQ(deliver_over(empty, run("completed", R"("success")")).kind, Kind::delivered);
  EXPECT_EQ(deliver_over(empty, run("completed", R"("failure")")).error_class,
            ErrorClass::peer_gone);
  message_.delivery.attempts = 1;  // without an answer
  EXPECT_EQ(deliver("protection_rule", {empty, answer(422, "no"), none}).kind, Kind::delivered);
  const Answer waits = answer(200, R"([{"environment":{"name":"prod"}}])");
  EXPECT_EQ(deliver("protection_rule", {empty, answer(422, "no"), waits}).error_class,
            ErrorClass::rejected);
  profile_.url = "https://ghe.corp";
  EXPECT_EQ(deliver("protection_rule", {}).error_class, ErrorClass::misconfigured);
  EXPECT_TRUE(http_.sent.empty());
}

TEST_F(Github, progress_leaves_room_for_the_verdict) {
  fields_["progress"] = fields_["protection_rule"];
  int done = 0;
  message_.read_cases = [&]() -> Result<std::vector<CaseLine>> {
    std::vector<CaseLine> cases(200);
    for (int i = 0; i < done; ++i)
      cases[static_cast<std::size_t>(i)].result.verdict = model::CaseVerdict::passed;
    return cases;
  };
  std::size_t reports = 0;
  for (done = 0; done <= 200; ++done) {
    EXPECT_TRUE(deliver("progress", {answer(204)}).is_progress);
    reports += http_.sent.size();
    if (done == 50) {
      EXPECT_EQ(body_of(0), R"({"environment_name":"prod",)"
                            R"("comment":"Baton: 25 %, 50 of 200 tests done, 0 failed"})");
    }
  }
  EXPECT_EQ(reports, 5U);
  done = 0;
  message_.delivery.memo = "{}";
  reports = 0;
  for (int i = 0; i < 20; ++i) {
    deliver("progress", {no_answer()});
    reports += http_.sent.size();
  }
  EXPECT_EQ(reports, 8U);
  decide(model::GateVerdict::passed);
  EXPECT_EQ(deliver("progress", {}).kind, Kind::delivered);
  EXPECT_TRUE(http_.sent.empty());
}

}  // namespace
}  // namespace baton::links
