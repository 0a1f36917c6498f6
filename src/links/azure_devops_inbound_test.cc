// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "links/adapters.h"

namespace baton::links {
namespace {

constexpr const char* kPlan = "11111111-1111-4111-8111-1111111111AB";
constexpr const char* kJob = "22222222-2222-4222-8222-222222222222";
constexpr const char* kTask = "33333333-3333-4333-8333-333333333333";
constexpr const char* kTimeline = "44444444-4444-4444-8444-444444444444";
constexpr const char* kProject = "55555555-5555-4555-8555-555555555555";

class AzureInbound : public ::testing::Test {
 protected:
  AzureInbound() {
    profile_.kind = model::LinkKind::azure_devops;
    profile_.name = "corp";
    profile_.allow = {"https://dev.azure.com/corp/"};
    profile_.defaults = R"({"subject":{"testkube":{"profile":"tk","tag":"x=y"}},"timeout":"2h"})";
    request_.method = "POST";
    request_.headers = {{"Content-Type", "application/json"},
                        {"planurl", "https://dev.azure.com/corp/"},
                        {"PROJECTID", kProject},
                        {"HubName", "checks"},
                        {"PlanId", kPlan},
                        {"JobId", kJob},
                        {"TimelineId", kTimeline},
                        {"TaskInstanceId", kTask},
                        {"AuthToken", "job-token"}};
  }
  Result<Inbound> read() { return read_inbound({request_, profile_, from_ms(0)}); }
  OpenGate opened() {
    auto inbound = read();
    EXPECT_TRUE(inbound) << inbound.error().message;
    return inbound ? std::get<OpenGate>(*inbound) : OpenGate{};
  }
  Error refused() {
    auto inbound = read();
    EXPECT_FALSE(inbound);
    return inbound ? Error{} : inbound.error();
  }

  model::LinkProfile profile_;
  net::Request request_;
};

TEST_F(AzureInbound, a_call_of_a_check_opens_a_gate) {
  request_.body = R"({"tag":"build=42"})";
  request_.headers.add("BuildId", "42");
  profile_.publish_results = true;
  const OpenGate open = opened();
  EXPECT_EQ(open.ident,
            "11111111-1111-4111-8111-1111111111ab/22222222-2222-4222-8222-222222222222/"
            "33333333-3333-4333-8333-333333333333");
  EXPECT_EQ(open.request.subject.testkube.tag, "build=42");
  EXPECT_EQ(open.request.timeout, Duration{7'200'000});
  EXPECT_EQ(open.request.labels.at("build_id"), "42");
  EXPECT_EQ(open.secrets.at("token"), "job-token");
  ASSERT_EQ(open.request.deliver.size(), 3U);
  EXPECT_EQ(open.request.deliver[0].op, "log");
  EXPECT_EQ(open.request.deliver[1].op, "check");
  EXPECT_EQ(open.request.deliver[2].op, "results");
  EXPECT_EQ(open.request.deliver[1].link, "azure_devops/corp");
  EXPECT_EQ(open.request.deliver[1].fields,
            "{\"plan_url\":\"https://dev.azure.com/corp\","
            "\"project\":\"55555555-5555-4555-8555-555555555555\",\"hub\":\"Checks\","
            "\"plan\":\"11111111-1111-4111-8111-1111111111ab\","
            "\"job\":\"22222222-2222-4222-8222-222222222222\","
            "\"timeline\":\"44444444-4444-4444-8444-444444444444\","
            "\"task\":\"33333333-3333-4333-8333-333333333333\",\"build\":\"42\"}");
  EXPECT_EQ(stage_of(profile_.kind, "log"), model::Stage::progress);
  EXPECT_EQ(stage_of(profile_.kind, "check"), model::Stage::verdict);
  EXPECT_EQ(stage_of(profile_.kind, "results"), model::Stage::after);
}

TEST_F(AzureInbound, calls_without_a_body_have_its_fields_in_the_query) {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "DELETE"}) {
    request_.method = method;
    request_.query = {{"tag", "build=42"}, {"timeout", "5m"}, {"labels", "{\"a\":\"b\"}"}};
    const OpenGate open = opened();
    EXPECT_EQ(open.request.subject.testkube.tag, "build=42");
    EXPECT_EQ(open.request.timeout, Duration{300'000});
    EXPECT_EQ(open.request.labels.at("a"), "b");
  }
  request_.query = {{"tag", "a=b"}, {"tag", "c=d"}};
  EXPECT_EQ(refused().code, Code::invalid);
  request_.query = {{"unknown", "1"}};
  EXPECT_EQ(refused().code, Code::invalid);
}

TEST_F(AzureInbound, every_header_at_fault_is_named) {
  request_.headers.erase("PlanId");
  request_.headers.erase("AuthToken");
  request_.headers.set("JobId", "$(system.JobId)");
  request_.headers.set("TimelineId", std::string(kTimeline) + "0");
  request_.headers.set("HubName", "no hub/..");
  request_.headers.set("planurl", "ftp://x");
  const Error error = refused();
  EXPECT_EQ(error.code, Code::invalid);
  for (const char* name : {"PlanId", "AuthToken", "JobId", "TimelineId", "HubName", "PlanUrl"})
    EXPECT_NE(error.message.find(name), std::string::npos) << name;
  EXPECT_EQ(error.details.size(), 6U);
  EXPECT_FALSE(error.fix.empty());
}

TEST_F(AzureInbound, hubs_are_known_by_any_case_and_missing_is_release) {
  const auto hub = [&] { return opened().request.deliver[1].fields; };
  request_.headers.set("HubName", "GATES");
  EXPECT_NE(hub().find("\"hub\":\"Gates\""), std::string::npos);
  request_.headers.set("HubName", "myHub_1");
  EXPECT_NE(hub().find("\"hub\":\"myHub_1\""), std::string::npos);
  request_.headers.erase("HubName");
  EXPECT_NE(hub().find("\"hub\":\"Release\""), std::string::npos);
}

TEST_F(AzureInbound, only_listed_addresses_are_called_back) {
  for (const char* url : {"https://dev.azure.com/corp", "HTTPS://DEV.azure.com:443/corp/"}) {
    request_.headers.set("PlanUrl", url);
    EXPECT_NE(opened().request.deliver[0].fields.find("\"https://dev.azure.com/corp\""),
              std::string::npos);
  }
  for (const char* url : {"https://dev.azure.com/corporation/", "https://evil/corp/",
                          "http://dev.azure.com/corp/", "http://169.254.169.254/",
                          "https://dev.azure.com/corp/../x", "https://corp@dev.azure.com/corp/",
                          "https://dev.azure.com/corp/%2e%2e/x"}) {
    request_.headers.set("PlanUrl", url);
    EXPECT_EQ(refused().code, Code::forbidden) << url;
  }
  for (const char* url :
       {"https://dev.azure.com/corp/?a", "https://dev.azure.com/corp/#a", "dev.azure.com/corp"}) {
    request_.headers.set("PlanUrl", url);
    EXPECT_EQ(refused().code, Code::invalid) << url;
  }
}

TEST_F(AzureInbound, a_call_without_a_task_has_the_same_made_one_each_time) {
  request_.headers.erase("TaskInstanceId");
  const OpenGate first = opened();
  EXPECT_EQ(first.ident, opened().ident);
  EXPECT_NE(first.request.deliver[0].fields.find("\"is_task_made\":true"), std::string::npos);
  request_.headers.set("JobId", kTask);
  EXPECT_NE(first.ident, opened().ident);
}

TEST_F(AzureInbound, the_profiles_own_token_stands_in_for_the_jobs) {
  request_.headers.erase("AuthToken");
  profile_.token.value = "pat";
  EXPECT_TRUE(opened().secrets.empty());
}

TEST_F(AzureInbound, a_cancel_ends_the_gate_of_the_same_call) {
  const std::string ident = opened().ident;
  request_.headers.set("RequestType", "Cancel");
  const auto inbound = read();
  ASSERT_TRUE(inbound);
  EXPECT_EQ(std::get<CancelGate>(*inbound).ident, ident);
  request_.headers.set("RequestType", "Maybe");
  EXPECT_EQ(refused().code, Code::invalid);
}

}  // namespace
}  // namespace baton::links
