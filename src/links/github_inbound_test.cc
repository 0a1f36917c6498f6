// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "links/adapters.h"
#include "links/signature.h"
#include "net/url.h"

namespace baton::links {
namespace {

constexpr const char* kSha = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";

class GithubInbound : public ::testing::Test {
 protected:
  GithubInbound() {
    profile_.kind = model::LinkKind::github;
    profile_.name = "app";
    profile_.url = "https://api.github.com";
    profile_.secrets = {{"new"}, {"old"}};
    profile_.defaults = R"({"subject":{"external":true},"timeout":"2h"})";
    request_.method = "POST";
    request_.headers = {{"Content-Type", "application/json"},
                        {"X-GitHub-Event", "deployment_protection_rule"},
                        {"X-GitHub-Delivery", "guid-1"}};
    request_.body = event("42");
  }
  static std::string event(std::string_view deployment) {
    return fmt::format(
        R"({{"action":"requested","environment":"production","event":"push",)"
        R"("deployment_callback_url":"{}","deployment":{{"id":{},"sha":"{}","ref":"main"}},)"
        R"("repository":{{"full_name":"corp/shop"}},"installation":{{"id":7}},"sender":{{}}}})",
        "https://api.github.com/repos/corp/shop/actions/runs/9/deployment_protection_rule",
        deployment, kSha);
  }
  Result<Inbound> read(std::string_view secret = "new") {
    request_.headers.set("X-Hub-Signature-256",
                         "sha256=" + to_hex(hmac_sha256(secret, request_.body)));
    return read_inbound({request_, profile_, from_ms(0)});
  }
  OpenGate opened() {
    auto inbound = read();
    EXPECT_TRUE(inbound) << inbound.error().message;
    return inbound ? std::get<OpenGate>(*inbound) : OpenGate{};
  }
  Code refused() {
    auto inbound = read();
    EXPECT_FALSE(inbound);
    return inbound ? Code::internal : inbound.error().code;
  }

  model::LinkProfile profile_;
  net::Request request_;
};

TEST_F(GithubInbound, only_signed_calls_are_read) {
  EXPECT_TRUE(is_signed(profile_.kind));
  EXPECT_TRUE(read("new"));
  EXPECT_TRUE(read("old"));
  EXPECT_EQ(read("other").error().code, Code::unauthenticated);
  read("new");
  request_.body += " ";
  EXPECT_EQ(read_inbound({request_, profile_, {}}).error().code, Code::unauthenticated);
  request_.headers.erase("X-Hub-Signature-256");
  EXPECT_EQ(read_inbound({request_, profile_, {}}).error().code, Code::unauthenticated);
  profile_.secrets = {{""}};
  EXPECT_EQ(read("").error().code, Code::unauthenticated);
  profile_.secrets = {};
  EXPECT_EQ(read("").error().code, Code::unauthenticated);
}

TEST_F(GithubInbound, the_signature_is_that_of_githubs_example) {
  profile_.secrets = {{"It's a Secret to Everybody"}};
  request_.body = "Hello, World!";
  request_.headers.set("X-GitHub-Event", "ping");
  request_.headers.set("X-Hub-Signature-256",
                       "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  const auto inbound = read_inbound({request_, profile_, {}});
  ASSERT_TRUE(inbound);
  EXPECT_TRUE(std::holds_alternative<Ignored>(*inbound));
}

TEST_F(GithubInbound, a_held_deployment_opens_a_gate) {
  const OpenGate open = opened();
  EXPECT_EQ(open.request.name, "corp/shop to production");
  EXPECT_EQ(open.request.timeout, Duration{7'200'000});
  EXPECT_EQ(open.request.labels,
            (model::Labels{{"environment", "production"}, {"repo", "corp/shop"}, {"sha", kSha}}));
  ASSERT_EQ(open.request.deliver.size(), 2U);
  EXPECT_EQ(open.request.deliver[0].op, "progress");
  EXPECT_EQ(open.request.deliver[1].op, "protection_rule");
  EXPECT_EQ(open.request.deliver[1].link, "github/app");
  EXPECT_EQ(open.request.deliver[1].fields,
            R"({"repo":"corp/shop","installation":7,"callback":"https://api.github.com/repos/corp/)"
            R"(shop/actions/runs/9/deployment_protection_rule","environment":"production"})");
  EXPECT_TRUE(open.secrets.empty());
  for (const model::Target& target : open.request.deliver)
    EXPECT_TRUE(check_target(profile_.kind, target));
}

TEST_F(GithubInbound, a_redelivery_is_the_same_gate_and_a_rerun_another) {
  const std::string first = opened().ident;
  request_.headers.set("X-GitHub-Delivery", "guid-2");
  EXPECT_EQ(opened().ident, first);
  request_.body = event("43");
  EXPECT_NE(opened().ident, first);
}

TEST_F(GithubInbound, the_callback_is_below_the_profiles_address) {
  profile_.url = "https://ghe.corp/api/v3";
  EXPECT_EQ(refused(), Code::forbidden);
  profile_.url = "https://api.github.com";
  request_.body.replace(request_.body.find("/repos/"), 7, "/x/../");
  EXPECT_EQ(refused(), Code::forbidden);
}

TEST_F(GithubInbound, what_is_missing_is_named) {
  for (const char* field : {"environment", "deployment_callback_url", "repository"}) {
    request_.body = event("42");
    request_.body.replace(request_.body.find(std::string("\"") + field), 2, "\"_");
    EXPECT_EQ(refused(), Code::invalid) << field;
  }
  request_.body = "[1]";
  EXPECT_EQ(refused(), Code::invalid);
}

TEST_F(GithubInbound, forms_are_read_as_well) {
  request_.body = "payload=" + net::percent_encode(event("42"));
  request_.headers.set("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(opened().request.labels.at("repo"), "corp/shop");
  request_.body = "nothing=1";
  EXPECT_EQ(refused(), Code::invalid);
}

TEST_F(GithubInbound, a_body_that_lies_elsewhere_is_what_is_signed_and_read) {
  const std::string body = event("42");
  request_.body.clear();
  request_.headers.set("X-Hub-Signature-256", "sha256=" + to_hex(hmac_sha256("new", body)));
  const auto inbound = read_inbound({request_, profile_, {}, body});
  ASSERT_TRUE(inbound) << inbound.error().message;
  EXPECT_TRUE(std::holds_alternative<OpenGate>(*inbound));
  EXPECT_EQ(read_inbound({request_, profile_, {}}).error().code, Code::unauthenticated);
  EXPECT_EQ(read_inbound({request_, profile_, {}, body + " "}).error().code, Code::unauthenticated);
}

TEST_F(GithubInbound, a_rerun_of_a_check_asks_again) {
  request_.headers.set("X-GitHub-Event", "check_run");
  request_.body = R"({"action":"rerequested","check_run":{"external_id":"dlv_1"}})";
  auto inbound = read();
  ASSERT_TRUE(inbound);
  EXPECT_EQ(std::get<AskAgain>(*inbound).gate, "dlv_1");
  const std::string ident = std::get<AskAgain>(*inbound).ident;
  EXPECT_FALSE(ident.empty());
  // Nobody signs that header: who replays a call may change it.
  request_.headers.set("X-GitHub-Delivery", "guid-2");
  EXPECT_EQ(std::get<AskAgain>(*read()).ident, ident);
  request_.body = R"({"action":"requested_action","check_run":{"external_id":"dlv_1"},)"
                  R"("requested_action":{"identifier":"rerun"}})";
  inbound = read();
  ASSERT_TRUE(inbound);
  EXPECT_EQ(std::get<AskAgain>(*inbound).gate, "dlv_1");
  EXPECT_NE(std::get<AskAgain>(*inbound).ident, ident);
  for (const char* body : {R"({"action":"created","check_run":{"external_id":"dlv_1"}})",
                           R"({"action":"requested_action","check_run":{"external_id":"dlv_1"},)"
                           R"("requested_action":{"identifier":"claim"}})",
                           R"({"action":"requested_action","check_run":{"external_id":"dlv_1"}})",
                           R"({"action":"created","check_run":{"external_id":"dlv_1"},)"
                           R"("requested_action":{"identifier":"rerun"}})",
                           R"({"action":"rerequested","check_run":{"external_id":""}})"}) {
    request_.body = body;
    EXPECT_TRUE(std::holds_alternative<Ignored>(*read())) << body;
  }
  request_.headers.set("X-GitHub-Event", "push");
  request_.body = "not json";
  EXPECT_TRUE(std::holds_alternative<Ignored>(*read()));
}

}  // namespace
}  // namespace baton::links
