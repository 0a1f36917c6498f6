// SPDX-License-Identifier: MIT
#pragma once
// For the tests of this room: a message to GitHub and the calls that it makes.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "links/github.h"
#include "links/test_http.h"

namespace baton::links {

inline constexpr const char* kApi = "https://api.github.com";
inline constexpr const char* kSha = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";

class Github : public ::testing::Test {
 protected:
  Github() {
    github::forget_tokens();
    profile_.kind = model::LinkKind::github;
    profile_.name = "app";
    profile_.url = kApi;
    profile_.token.value = "pat";
    message_.now = from_ms(1'767'529'962'000);
    message_.gate.id = "gat_1";
    message_.gate.created_at = message_.now - Duration{60'000};
    message_.delivery.id = "dlv_1";
    message_.urls.gate = "https://baton/api/v1/gates/gat_1";
  }
  void decide(model::GateVerdict verdict, std::string reason = {}) {
    message_.gate.state = model::GateState::decided;
    message_.gate.verdict = verdict;
    message_.gate.reason = std::move(reason);
    message_.gate.decided_at = message_.now;
  }
  Outcome deliver(std::string_view op, std::vector<Answer> answers) {
    http_ = TestHttp(std::move(answers));
    message_.delivery.target.op = op;
    message_.delivery.target.fields = fields_.at(std::string{op});
    Outcome outcome = find_adapter(profile_.kind, op)(message_, profile_, http_);
    if (!outcome.memo.empty()) message_.delivery.memo = outcome.memo;
    return outcome;
  }
  std::string call_of(std::size_t i) const { return http_.calls().at(i); }
  const std::string& body_of(std::size_t i) const { return http_.sent.at(i).body; }
  void fail_cases(int count) {
    message_.read_cases = [count]() -> Result<std::vector<CaseLine>> {
      std::vector<CaseLine> cases;
      for (int i = 0; i < count; ++i) {
        CaseLine& line = cases.emplace_back();
        line.suite = "suite";
        line.result.name = fmt::format("case{}", i);
        line.result.verdict = model::CaseVerdict::failed;
        line.result.attempts.resize(1);
        line.result.attempts[0].file = i == 0 ? "/build/abs.cc" : "./src/a.cc";
        line.result.attempts[0].line = i;
        line.result.attempts[0].message = "ping @corp `x`";
      }
      return cases;
    };
  }

  model::LinkProfile profile_;
  Message message_;
  TestHttp http_;
  std::map<std::string, std::string> fields_{
      {"check_run", fmt::format(R"({{"repo":"corp/shop","sha":"{}","name":"e2e x"}})", kSha)},
      {"status", fmt::format(R"({{"repo":"corp/shop","sha":"{}","context":"baton/e2e"}})", kSha)},
      {"comment", R"({"repo":"corp/shop","pr":12})"},
      {"dispatch", R"({"repo":"corp/shop","event_type":"verdict","client_payload":{"a":1}})"},
      {"protection_rule",
       R"({"repo":"corp/shop","callback":"https://api.github.com/repos/corp/shop/actions/runs/9/)"
       R"(deployment_protection_rule","environment":"prod"})"}};
};

}  // namespace baton::links
