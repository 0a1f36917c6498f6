// SPDX-License-Identifier: MIT
#include "links/github.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "base/text.h"
#include "links/github_for_test.h"
#include "wire/page.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using Kind = Outcome::Kind;

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

EVP_PKEY* key() {
  static const std::unique_ptr<EVP_PKEY, KeyFree> made{EVP_RSA_gen(2048)};
  return made.get();
}

std::string pem() {
  const std::unique_ptr<BIO, KeyFree> bio{BIO_new(BIO_s_mem())};
  PEM_write_bio_PrivateKey(bio.get(), key(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

TEST_F(Github, an_app_proves_itself_with_its_key) {
  const auto token = github::app_token(7, pem(), message_.now);
  ASSERT_TRUE(token) << token.error().message;
  const auto parts = split(*token, '.');
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(wire::base64url_decode(parts[0]), R"({"alg":"RS256","typ":"JWT"})");
  EXPECT_EQ(wire::base64url_decode(parts[1]), R"({"iat":1767529902,"exp":1767530502,"iss":"7"})");
  const auto signature = wire::base64url_decode(parts[2]);
  ASSERT_TRUE(signature);
  const std::string text = std::string(parts[0]) + "." + std::string(parts[1]);
  const std::unique_ptr<EVP_MD_CTX, KeyFree> context{EVP_MD_CTX_new()};
  EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key());
  EXPECT_EQ(
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature->data()),
                       signature->size(), reinterpret_cast<const unsigned char*>(text.data()),
                       text.size()),
      1);
  EXPECT_FALSE(github::app_token(7, "no key", message_.now));
  EXPECT_FALSE(github::app_token(7, "", message_.now));
}

TEST_F(Github, a_token_of_the_installation_is_kept_and_replaced_once) {
  profile_.token.value.clear();
  profile_.app_id = 7;
  profile_.private_key.value = pem();
  decide(model::GateVerdict::passed);
  const auto token = [](std::string_view text) {
    return answer(201,
                  fmt::format(R"({{"token":"{}","expires_at":"2026-01-04T13:32:42Z"}})", text));
  };
  EXPECT_EQ(deliver("dispatch", {answer(200, R"({"id":99})"), token("t1"), answer(204)}).kind,
            Kind::delivered);
  EXPECT_EQ(call_of(0), "GET https://api.github.com/repos/corp/shop/installation");
  EXPECT_EQ(call_of(1), "POST https://api.github.com/app/installations/99/access_tokens");
  EXPECT_EQ(body_of(1), R"({"repositories":["shop"]})");
  EXPECT_TRUE(http_.sent[1].headers.get("Authorization").starts_with("Bearer eyJ"));
  EXPECT_EQ(http_.sent[2].headers.get("Authorization"), "Bearer t1");
  // The next message has it already.
  EXPECT_EQ(deliver("dispatch", {answer(204)}).kind, Kind::delivered);
  EXPECT_EQ(http_.sent[0].headers.get("Authorization"), "Bearer t1");
  // Refused: a new one, once.
  EXPECT_EQ(
      deliver("dispatch", {answer(401), answer(200, R"({"id":99})"), token("t2"), answer(204)})
          .kind,
      Kind::delivered);
  EXPECT_EQ(http_.sent[3].headers.get("Authorization"), "Bearer t2");
  const Outcome refused =
      deliver("dispatch", {answer(401), answer(200, R"({"id":99})"), token("t3"), answer(401)});
  EXPECT_EQ(refused.error_class, ErrorClass::auth);
  EXPECT_EQ(http_.sent.size(), 4U);
  // Near its end it is asked anew.
  message_.now += Duration{3'590'000};
  deliver("dispatch", {answer(404)});
  EXPECT_EQ(call_of(0), "GET https://api.github.com/repos/corp/shop/installation");
}

TEST_F(Github, what_refuses_the_token_is_the_answer) {
  profile_.token.value.clear();
  profile_.app_id = 7;
  decide(model::GateVerdict::passed);
  Outcome outcome = deliver("dispatch", {});
  EXPECT_EQ(outcome.kind, Kind::dead);
  EXPECT_EQ(outcome.error_class, ErrorClass::misconfigured);
  EXPECT_TRUE(http_.sent.empty());
  profile_.private_key.value = pem();
  EXPECT_EQ(deliver("dispatch", {answer(401)}).error_class, ErrorClass::auth);
  outcome = deliver("dispatch", {answer(404)});
  EXPECT_EQ(outcome.error_class, ErrorClass::rejected);
  EXPECT_NE(outcome.error.find("not installed"), std::string::npos);
  EXPECT_EQ(deliver("dispatch", {answer(200, R"({"id":1})"), answer(201, "{}")}).kind, Kind::again);
  EXPECT_EQ(deliver("dispatch", {no_answer()}).kind, Kind::again);
}

TEST_F(Github, each_call_says_who_and_which_version) {
  decide(model::GateVerdict::passed);
  deliver("status", {answer(201)});
  const net::Headers& headers = http_.sent.at(0).headers;
  EXPECT_EQ(headers.get("Accept"), "application/vnd.github+json");
  EXPECT_EQ(headers.get("X-GitHub-Api-Version"), "2022-11-28");
  EXPECT_EQ(headers.get("User-Agent"), "baton");
  EXPECT_EQ(headers.get("Authorization"), "Bearer pat");
}

TEST_F(Github, limits_are_waited_for) {
  decide(model::GateVerdict::passed);
  const auto of = [&](Answer a) { return deliver("status", {std::move(a)}); };
  EXPECT_EQ(of(answer(403, "", {{"Retry-After", "9"}})).after, Duration{9'000});
  EXPECT_EQ(of(answer(429, "", {{"Retry-After", "9"}})).error_class, ErrorClass::throttled);
  EXPECT_EQ(
      of(answer(403, "", {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "1767529992"}}))
          .after,
      Duration{30'000});
  const Outcome secondary = of(answer(403, "You have exceeded a secondary rate limit"));
  EXPECT_EQ(secondary.kind, Kind::again);
  EXPECT_EQ(secondary.after, Duration{60'000});
  EXPECT_EQ(of(answer(403, "Resource not accessible")).error_class, ErrorClass::auth);
  EXPECT_EQ(of(answer(422, "no")).error_class, ErrorClass::rejected);
  EXPECT_EQ(of(answer(301)).error_class, ErrorClass::misconfigured);
  EXPECT_EQ(of(answer(502)).kind, Kind::again);
}

TEST_F(Github, a_status_is_pending_once_and_then_decided) {
  const Outcome open = deliver("status", {answer(201)});
  EXPECT_TRUE(open.is_progress);
  EXPECT_EQ(call_of(0),
            std::string("POST https://api.github.com/repos/corp/shop/statuses/") + kSha);
  EXPECT_EQ(body_of(0), R"({"state":"pending","target_url":"https://baton/api/v1/gates/gat_1",)"
                        R"("description":"waiting for the verdict","context":"baton/e2e"})");
  EXPECT_TRUE(deliver("status", {}).is_progress);
  EXPECT_TRUE(http_.sent.empty());
  decide(model::GateVerdict::failed, std::string(300, 'x'));
  EXPECT_EQ(deliver("status", {answer(201)}).kind, Kind::delivered);
  EXPECT_NE(body_of(0).find(R"("state":"failure")"), std::string::npos);
  EXPECT_NE(body_of(0).find(std::string(132, 'x') + "\""), std::string::npos);
  decide(model::GateVerdict::passed);
  deliver("status", {answer(201)});
  EXPECT_NE(body_of(0).find(R"("state":"success")"), std::string::npos);
}

TEST_F(Github, a_target_for_failures_shows_nothing_before_one) {
  message_.delivery.target.when = model::When::failed;
  EXPECT_TRUE(deliver("status", {}).is_progress);
  EXPECT_TRUE(deliver("check_run", {}).is_progress);
  EXPECT_TRUE(http_.sent.empty());
}

TEST_F(Github, a_check_run_is_made_once_and_completed) {
  const Outcome open = deliver("check_run", {answer(200, R"({"check_runs":[{"id":1,)"
                                                         R"("external_id":"other"}]})"),
                                             answer(201, R"({"id":5})")});
  EXPECT_TRUE(open.is_progress);
  EXPECT_EQ(call_of(0), fmt::format("GET {}/repos/corp/shop/commits/{}/check-runs?check_name="
                                    "e2e%20x&filter=all&per_page=100",
                                    kApi, kSha));
  EXPECT_EQ(call_of(1), "POST https://api.github.com/repos/corp/shop/check-runs");
  EXPECT_EQ(body_of(1),
            fmt::format(R"({{"name":"e2e x","head_sha":"{}","external_id":"dlv_1",)"
                        R"("status":"in_progress","started_at":"2026-01-04T12:31:42.000Z",)"
                        R"("details_url":"https://baton/api/v1/gates/gat_1"}})",
                        kSha));
  ASSERT_EQ(http_.sent.size(), 2U);
  EXPECT_TRUE(deliver("check_run", {}).is_progress);  // no news
  EXPECT_TRUE(http_.sent.empty());

  message_.delivery.memo = "{}";  // a crash before it was noted
  decide(model::GateVerdict::timed_out, "no verdict within 2h");
  EXPECT_EQ(deliver("check_run", {answer(200, R"({"check_runs":[{"id":5,"external_id":"dlv_1"}]})"),
                                  answer(200)})
                .kind,
            Kind::delivered);
  ASSERT_EQ(http_.sent.size(), 2U);
  EXPECT_EQ(call_of(1), "PATCH https://api.github.com/repos/corp/shop/check-runs/5");
  EXPECT_TRUE(body_of(1).starts_with(
      R"({"status":"completed","conclusion":"timed_out","completed_at":"2026-01-04T12:32:42.000Z",)"
      R"("details_url":"https://baton/api/v1/gates/gat_1","output":{)"
      R"("title":"timed out: no verdict within 2h","summary":"**timed out**)"));
}

TEST_F(Github, a_check_run_that_failed_has_a_button) {
  constexpr const char* kButton =
      R"("actions":[{"label":"Re-run","description":"Asks the same question again.",)"
      R"("identifier":"rerun"}],)";
  const auto has_button = [&] {
    message_.delivery.memo = R"({"id":5})";
    EXPECT_EQ(deliver("check_run", {answer(200)}).kind, Kind::delivered);
    return body_of(0).find(kButton) != std::string::npos;
  };
  decide(model::GateVerdict::failed);
  EXPECT_FALSE(has_button());  // nobody could press it: what comes in is not believed
  profile_.secrets.push_back({"hush"});
  EXPECT_TRUE(has_button());
  decide(model::GateVerdict::timed_out);
  EXPECT_TRUE(has_button());
  decide(model::GateVerdict::passed);
  EXPECT_FALSE(has_button());
  message_.gate.state = model::GateState::superseded;
  message_.gate.verdict = model::GateVerdict::none;
  EXPECT_FALSE(has_button());
}

TEST_F(Github, a_check_run_shows_each_tenth_that_is_done) {
  int done = 0;
  message_.read_cases = [&]() -> Result<std::vector<CaseLine>> {
    std::vector<CaseLine> cases(200);
    for (int i = 0; i < done; ++i)
      cases[static_cast<std::size_t>(i)].result.verdict = model::CaseVerdict::passed;
    return cases;
  };
  message_.delivery.memo = R"({"id":5})";
  std::size_t calls = 0;
  for (done = 0; done < 200; ++done) {
    EXPECT_TRUE(deliver("check_run", {answer(200)}).is_progress);
    calls += http_.sent.size();
    if (done == 20) {
      EXPECT_EQ(body_of(0), R"({"status":"in_progress","output":{)"
                            R"("title":"20 of 200 tests done, 0 failed",)"
                            R"("summary":"20 of 200 tests done, 0 failed"}})");
    }
  }
  EXPECT_EQ(calls, 9U);
}

TEST_F(Github, a_superseded_gate_leaves_nothing_in_progress) {
  message_.gate.state = model::GateState::superseded;
  message_.delivery.memo = R"({"id":5})";
  EXPECT_EQ(deliver("check_run", {answer(200)}).kind, Kind::delivered);
  EXPECT_NE(body_of(0).find(R"("conclusion":"cancelled")"), std::string::npos);
  message_.delivery.memo = "{}";
  EXPECT_EQ(deliver("status", {answer(201)}).kind, Kind::delivered);
  EXPECT_NE(body_of(0).find(R"("description":"superseded")"), std::string::npos);
}

Answer annotated(std::size_t count) {
  return answer(200, fmt::format(R"({{"id":5,"output":{{"annotations_count":{}}}}})", count));
}
std::size_t annotations_in(std::string_view body) {
  constexpr std::string_view kEach = "\"annotation_level\"";
  std::size_t count = 0;
  for (std::size_t at = body.find(kEach); at != std::string_view::npos;
       at = body.find(kEach, at + 1))
    ++count;
  return count;
}

TEST_F(Github, annotations_are_appended_fifty_at_a_time) {
  fail_cases(121);  // the first lies outside of the repository
  decide(model::GateVerdict::failed);
  message_.delivery.memo = R"({"id":5})";
  std::size_t annotations = 0;
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = deliver("check_run", {annotated(annotations), answer(200)});
    EXPECT_EQ(call_of(0), "GET https://api.github.com/repos/corp/shop/check-runs/5");
    EXPECT_EQ(outcome.kind, i == 2 ? Kind::delivered : Kind::again);
    EXPECT_EQ(body_of(1).find("\"completed\"") != std::string::npos, i == 2);
    const std::size_t here = annotations_in(body_of(1));
    EXPECT_LE(here, 50U);
    annotations += here;
  }
  EXPECT_EQ(annotations, 120U);
  EXPECT_NE(body_of(1).find(R"("path":"src/a.cc","start_line":101,"end_line":101)"),
            std::string::npos);
  EXPECT_EQ(body_of(1).find("abs.cc"), std::string::npos);
}

TEST_F(Github, annotations_that_are_there_are_not_sent_again) {
  fail_cases(61);
  decide(model::GateVerdict::failed);
  message_.delivery.memo = R"({"id":5})";
  EXPECT_EQ(deliver("check_run", {annotated(0), no_answer()}).kind, Kind::again);
  EXPECT_EQ(annotations_in(body_of(1)), 50U);
  // It was taken all the same.
  EXPECT_EQ(deliver("check_run", {annotated(50), answer(502)}).kind, Kind::again);
  EXPECT_EQ(annotations_in(body_of(1)), 10U);
  EXPECT_EQ(deliver("check_run", {annotated(60), answer(200)}).kind, Kind::delivered);
  EXPECT_EQ(annotations_in(body_of(1)), 0U);
  EXPECT_NE(body_of(1).find("\"completed\""), std::string::npos);
  message_.delivery.memo = R"({"id":5})";
  EXPECT_EQ(deliver("check_run", {answer(503)}).kind, Kind::again);
  EXPECT_EQ(http_.sent.size(), 1U);  // nothing is sent in the dark
}

TEST_F(Github, a_check_run_that_is_new_has_no_annotations_to_look_for) {
  fail_cases(3);
  decide(model::GateVerdict::failed);
  EXPECT_EQ(deliver("check_run", {answer(200, "{}"), answer(201, R"({"id":5})"), answer(200)}).kind,
            Kind::delivered);
  EXPECT_EQ(annotations_in(body_of(2)), 2U);
}

TEST_F(Github, a_report_keeps_its_limit_and_mentions_nobody) {
  fail_cases(40);
  decide(model::GateVerdict::failed, "said `@all`");
  const auto cases = message_.read_cases();
  const std::string whole = github::report(message_, *cases, 65'535);
  EXPECT_NE(whole.find("```text\nsaid '@all'\n```"), std::string::npos);
  EXPECT_NE(whole.find("and 15 more"), std::string::npos);
  const std::string cut = github::report(message_, *cases, 500);
  EXPECT_LE(cut.size(), 500U);
  EXPECT_TRUE(cut.ends_with("[More](https://baton/api/v1/gates/gat_1)\n"));
}

TEST_F(Github, a_comment_is_changed_in_place) {
  decide(model::GateVerdict::failed);
  EXPECT_EQ(
      deliver("comment", {answer(200, R"([{"id":1,"body":"hello"}])"), answer(201, R"({"id":77})")})
          .kind,
      Kind::delivered);
  EXPECT_EQ(call_of(0),
            "GET https://api.github.com/repos/corp/shop/issues/12/comments?per_page=100&page=1");
  EXPECT_EQ(call_of(1), "POST https://api.github.com/repos/corp/shop/issues/12/comments");
  EXPECT_TRUE(body_of(1).starts_with(R"({"body":"<!-- baton gate=gat_1 -->\n**failed**)"));
  // Its answer was lost: it is found by what is hidden in it.
  message_.delivery.memo = "{}";
  EXPECT_EQ(deliver("comment", {answer(200, R"([{"id":77,"body":"<!-- baton gate=gat_1 -->\nx"}])"),
                                answer(200)})
                .kind,
            Kind::delivered);
  EXPECT_EQ(call_of(1), "PATCH https://api.github.com/repos/corp/shop/issues/comments/77");
  // Deleted by somebody.
  EXPECT_EQ(deliver("comment", {answer(404), answer(201, R"({"id":78})")}).kind, Kind::delivered);
  EXPECT_EQ(message_.delivery.memo, R"({"id":78})");
  // Gates of a key share one.
  message_.delivery.memo = "{}";
  message_.gate.request.key = "pr-->12";
  deliver("comment", {answer(200, "[]"), answer(201, R"({"id":1})")});
  EXPECT_TRUE(body_of(1).starts_with(R"({"body":"<!-- baton key=pr--%3E12 -->\n)"));
}

TEST_F(Github, a_dispatch_carries_the_verdict_beside_the_payload) {
  decide(model::GateVerdict::passed, "fine");
  EXPECT_EQ(deliver("dispatch", {answer(204)}).kind, Kind::delivered);
  EXPECT_EQ(call_of(0), "POST https://api.github.com/repos/corp/shop/dispatches");
  EXPECT_EQ(body_of(0),
            R"({"event_type":"verdict","client_payload":{"a":1,"baton":{"gate":"gat_1",)"
            R"("delivery":"dlv_1","verdict":"passed","reason":"fine",)"
            R"("url":"https://baton/api/v1/gates/gat_1"}}})");
  fields_["dispatch"] = R"({"repo":"corp/shop","event_type":"v","client_payload":{}})";
  deliver("dispatch", {answer(204)});
  EXPECT_NE(body_of(0).find(R"("client_payload":{"baton":{)"), std::string::npos);
}

TEST_F(Github, fields_are_checked_when_they_are_declared) {
  const auto fault = [](std::string op, std::string fields) {
    model::Target target;
    target.op = std::move(op);
    target.fields = std::move(fields);
    const auto checked = check_target(model::LinkKind::github, target);
    return checked || checked.error().details.empty() ? "" : checked.error().details[0].pointer;
  };
  for (const auto& [op, fields] : fields_) EXPECT_EQ(fault(op, fields), "") << op;
  EXPECT_EQ(fault("comment", R"({"repo":"corp","pr":1})"), "/repo");
  EXPECT_EQ(fault("comment", R"({"repo":"corp/..","pr":1})"), "/repo");
  EXPECT_EQ(fault("comment", R"({"repo":"corp/a/b","pr":1})"), "/repo");
  EXPECT_EQ(fault("comment", R"({"repo":"corp/a","pr":"x"})"), "/pr");
  EXPECT_EQ(fault("comment", R"({"repo":"corp/a","pr":"7"})"), "");
  EXPECT_EQ(fault("comment", R"({"repo":"corp/a","pr":1,"sha":"x"})"), "/sha");
  EXPECT_EQ(fault("status", R"({"repo":"corp/a","sha":"abc","context":"c"})"), "/sha");
  EXPECT_EQ(fault("dispatch", R"({"repo":"corp/a","event_type":""})"), "/event_type");
  EXPECT_EQ(fault("dispatch", R"({"repo":"corp/a","event_type":"e","client_payload":[1]})"),
            "/client_payload");
  EXPECT_EQ(fault("dispatch", R"({"repo":"corp/a","event_type":"e","client_payload":{"1":1,)"
                              R"("2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1}})"),
            "/client_payload");
  EXPECT_FALSE(
      check_target(model::LinkKind::github, model::Target{.link = "l", .op = "run_stage"}));
}

}  // namespace
}  // namespace baton::links
