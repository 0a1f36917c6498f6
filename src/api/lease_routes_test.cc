// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <thread>

#include "api/openapi.h"
#include "api/schema_check.h"
#include "api/test_server.h"

namespace baton::api {
namespace {

void expect_shape(const Reply& reply, std::string_view schema) {
  static const boost::json::value description = boost::json::parse(openapi_json("1"));
  EXPECT_EQ(violation(description, schema, reply.json), "") << reply.text;
}

Reply acquire(TestServer& server, std::string_view environment, std::string_view holder,
              std::string_view more = "") {
  return server.post("/api/v1/leases",
                     fmt::format(R"({{"environment":"{}","holder":{{"name":"{}"}}{}}})",
                                 environment, holder, more));
}

std::string path_of(const Reply& lease, std::string_view rest = "") {
  return fmt::format("/api/v1/leases/{}{}", lease.string("id"), rest);
}

std::string fence_of(const Reply& lease) {
  return fmt::format(R"({{"fence":{}}})", lease.integer("fence"));
}

TEST(Leases, are_granted_renewed_and_released) {
  TestServer server;
  const Reply held = acquire(server, "uat", "deploy", R"(,"ttl":"1m")");
  ASSERT_EQ(held.status, 201) << held.text;
  expect_shape(held, "Lease");
  EXPECT_EQ(held.headers.get("Location"), path_of(held));
  EXPECT_EQ(held.string("state"), "held");
  EXPECT_EQ(held.at("grants").at(0).at("environment").as_string(), "uat");
  EXPECT_EQ(held.at("grants").at(0).at("slot").as_int64(), 1);
  EXPECT_GT(held.integer("expires_in_ms"), 50'000);
  const Reply renewed = server.post(path_of(held, "/renew"), fence_of(held));
  EXPECT_EQ(renewed.status, 200) << renewed.text;
  EXPECT_EQ(renewed.integer("expires_in_ms"), 60'000);
  expect_shape(renewed, "Lease");
  const Reply released =
      server.call("DELETE", path_of(held), R"({"outcome":"clean","note":"done"})");
  EXPECT_EQ(released.status, 200) << released.text;
  EXPECT_EQ(released.string("state"), "released");
  EXPECT_EQ(released.string("note"), "done");
  expect_shape(released, "Lease");
  EXPECT_EQ(server.call("DELETE", path_of(held)).string("state"), "released") << "idempotent";
  const Reply lost = server.post(path_of(held, "/renew"), fence_of(held));
  EXPECT_EQ(lost.status, 410) << lost.text;
  EXPECT_EQ(lost.string("state"), "released");
  EXPECT_EQ(lost.string("ended_by"), "admin");
  const Reply again = acquire(server, "uat", "deploy");
  EXPECT_GT(again.integer("fence"), held.integer("fence"));
}

TEST(Leases, a_busy_environment_says_who_has_it) {
  TestServer server;
  const Reply held = acquire(server, "uat", "deploy");
  const Reply busy = acquire(server, "uat", "test");
  EXPECT_EQ(busy.status, 409);
  EXPECT_EQ(busy.code(), "busy");
  expect_shape(busy, "Problem");
  EXPECT_EQ(busy.at("holders").at(0).at("name").as_string(), "deploy");
  EXPECT_EQ(busy.integer("queue_length"), 0);
}

TEST(Leases, a_waiter_is_woken_by_the_release) {
  TestServer server;
  const Reply held = acquire(server, "uat", "deploy");
  const Reply queued = acquire(server, "uat", "test", R"(,"wait":"1m")");
  ASSERT_EQ(queued.status, 202) << queued.text;
  expect_shape(queued, "Lease");
  EXPECT_EQ(queued.string("state"), "queued");
  EXPECT_EQ(queued.integer("position"), 1);
  EXPECT_EQ(queued.at("ahead").at(0).at("holder").at("name").as_string(), "deploy");
  Reply seen;
  std::thread waiter([&] {
    net::Client client;
    net::HttpRequest request;
    request.url = server.url() + path_of(queued, "?wait=30s");
    request.headers = {{"X-API-KEY", server.secret("operator")}};
    const auto response = client.request(request);
    ASSERT_TRUE(response);
    seen.json = boost::json::parse(response->body);
  });
  while (server.context().watch.waiting() == 0) std::this_thread::yield();
  server.call("DELETE", path_of(held));
  waiter.join();
  EXPECT_EQ(seen.string("state"), "held");
  EXPECT_EQ(seen.integer("fence"), held.integer("fence") + 1);
  EXPECT_EQ(server.post(path_of(queued, "/renew"), fence_of(seen)).status, 200);
}

}  // namespace
}  // namespace baton::api
