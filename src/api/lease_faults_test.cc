// SPDX-License-Identifier: MIT
// Bad input, faults and time, as clients of leases meet them.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "api/test_leases.h"

namespace baton::api {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(LeaseFaults, malformed_requests_are_refused_by_their_field) {
  TestServer server;
  const auto refused = [&](std::string body, int status, std::string_view pointer) {
    const Reply reply = server.post("/api/v1/leases", body);
    EXPECT_EQ(reply.status, status) << body << reply.text;
    EXPECT_NE(reply.string("fix"), "") << reply.text;
    if (pointer.empty()) return;
    ASSERT_TRUE(reply.json.as_object().contains("errors")) << reply.text;
    EXPECT_EQ(reply.at("errors").at(0).at("pointer").as_string(), pointer) << reply.text;
  };
  refused(R"({"environment":"uat"})", 400, "/holder");
  refused(R"({"holder":{"name":"a"}})", 400, "/wants");
  refused(R"({"environment":"uat","holder":{}})", 400, "/holder/name");
  refused(R"({"environment":"uat","holder":{"name":"a","colour":1}})", 400, "/holder/colour");
  refused(R"({"environment":"uat","holder":{"name":"a"},"wiat":"1m"})", 400, "/wiat");
  refused(R"({"wants":[{"environment":"uat"},{"environment":"uat"}],"holder":{"name":"a"}})", 400,
          "/wants/1/environment");
  refused(R"({"wants":[{"environment":"uat","slots":0}],"holder":{"name":"a"}})", 400,
          "/wants/0/slots");
  refused(R"({"wants":[{}],"holder":{"name":"a"}})", 400, "/wants/0");
  refused(R"({"wants":[],"holder":{"name":"a"}})", 400, "/wants");
  for (const char* ttl : {R"("0s")", R"("-5s")", R"("999ms")", R"("721h")", R"("30000d")",
                          R"("1000000h")", R"("99999999999999999999d")", "-1", "0"})
    refused(fmt::format(R"({{"environment":"uat","holder":{{"name":"a"}},"ttl":{}}})", ttl), 422,
            "");
  refused(R"({"environment":"uat","holder":{"name":"a"},"ttl":"soon"})", 400, "/ttl");
  refused(R"({"environment":"uat","holder":{"name":"a"},"wait":"-1s"})", 400, "/wait");
  for (const char* url : {"", "x", "file:///etc/passwd", "ftp://x"})
    refused(fmt::format(
                R"({{"environment":"uat","holder":{{"name":"a"}},"notify":{{"url":"{}"}}}})", url),
            400, "/notify/url");
}

TEST(LeaseFaults, what_can_never_be_had_is_refused_at_once) {
  TestServer server;
  const Reply none = server.post(
      "/api/v1/leases", R"({"wants":[{"labels":{"tier":"x"}}],"holder":{"name":"a"},"wait":"1h"})");
  EXPECT_EQ(none.status, 422);
  EXPECT_EQ(none.code(), "unsatisfiable");
  server.put("/api/v1/environments/uat", R"({"slots":2})");
  const Reply many = server.post(
      "/api/v1/leases",
      R"({"wants":[{"environment":"uat","slots":3}],"holder":{"name":"a"},"wait":"1h"})");
  EXPECT_EQ(many.status, 422) << many.text;
}

TEST(LeaseFaults, unknown_environments_are_made_or_refused) {
  TestServer open;
  EXPECT_EQ(acquire(open, "new", "a").status, 201);
  EXPECT_EQ(open.get("/api/v1/environments/new").string("source"), "adhoc");
  TestServer strict({.auto_create_environments = false});
  strict.put("/api/v1/environments/staging", "{}");
  const Reply reply = acquire(strict, "stagin", "a");
  EXPECT_EQ(reply.status, 404) << reply.text;
  EXPECT_NE(reply.string("fix").find("staging"), std::string::npos);
}

TEST(LeaseFaults, a_stale_fence_and_a_forged_id_change_nothing) {
  TestServer server;
  const Reply held = acquire(server, "uat", "a");
  const std::string stale = fmt::format(R"({{"fence":{}}})", held.integer("fence") - 1);
  EXPECT_EQ(server.post(path_of(held, "/renew"), stale).code(), "stale_fence");
  EXPECT_EQ(server.call("DELETE", path_of(held), stale).status, 409);
  EXPECT_EQ(server.get(path_of(held)).string("state"), "held");
  for (const char* id : {"lse_forged", "1", "%00", "lse_%27%3B--", "..%2f..%2fetc"}) {
    const std::string path = fmt::format("/api/v1/leases/{}", id);
    EXPECT_EQ(server.get(path).status / 100, 4) << id;
    EXPECT_EQ(server.post(path + "/renew", R"({"fence":1})").status / 100, 4) << id;
    EXPECT_EQ(server.call("DELETE", path).status / 100, 4) << id;
  }
  EXPECT_EQ(server.get("/api/v1/leases/lse_forged").code(), "not_found");
}

TEST(LeaseFaults, tokens_without_the_right_are_refused) {
  TestServer server;
  const Reply held = acquire(server, "uat", "a");
  const auto as = [&](std::string_view scope) {
    return net::Headers{{"Authorization", "Bearer " + server.secret(scope)}};
  };
  const std::string body = R"({"environment":"uat","holder":{"name":"b"}})";
  EXPECT_EQ(server.post("/api/v1/leases", body, as("viewer")).status, 403);
  EXPECT_EQ(server.get(path_of(held), as("viewer")).status, 200);
  EXPECT_EQ(server.post(path_of(held, "/revoke"), R"({"reason":"x"})", as("operator")).status, 403);
  EXPECT_EQ(server.put("/api/v1/environments/uat", "{}", as("operator")).status, 403);
  EXPECT_EQ(server.post("/api/v1/environments/uat/drain", R"({"reason":"x"})", as("viewer")).status,
            403);
  EXPECT_EQ(
      server.post("/api/v1/environments/uat/drain", R"({"reason":"x"})", as("operator")).status,
      200);
}

TEST(LeaseFaults, a_full_queue_is_429) {
  TestServer server;
  server.put("/api/v1/environments/uat", R"({"queue":{"max":1}})");
  acquire(server, "uat", "a");
  EXPECT_EQ(acquire(server, "uat", "b", R"(,"wait":"1m")").status, 202);
  const Reply full = acquire(server, "uat", "c", R"(,"wait":"1m")");
  EXPECT_EQ(full.status, 429) << full.text;
  EXPECT_NE(full.headers.get("Retry-After"), "");
}

TEST(LeaseFaults, a_circle_of_waits_is_refused_with_its_members) {
  TestServer server;
  acquire(server, "one", "a");
  acquire(server, "two", "b");
  EXPECT_EQ(acquire(server, "two", "a", R"(,"wait":"1m")").status, 202);
  const Reply circle = acquire(server, "one", "b", R"(,"wait":"1m")");
  EXPECT_EQ(circle.status, 409) << circle.text;
  EXPECT_EQ(circle.code(), "deadlock");
  ASSERT_EQ(circle.at("cycle").as_array().size(), 4U) << circle.text;
  EXPECT_EQ(circle.at("cycle").at(0).as_string(), "b");
  EXPECT_EQ(circle.at("cycle").at(1).as_string(), "one");
}

TEST(LeaseFaults, whoever_does_not_renew_loses_it_and_hears_why) {
  TestServer server;
  const Reply held = acquire(server, "uat", "a", R"(,"ttl":"1m")");
  const Reply next = acquire(server, "uat", "b", R"(,"wait":"1h")");
  server.pass(seconds(50));
  EXPECT_EQ(renew(server, held).status, 200);
  EXPECT_NE(server.get(path_of(next)).string("state"), "held");
  server.pass(seconds(50));
  EXPECT_EQ(server.get(path_of(held)).string("state"), "held") << "renewed 50 s ago";
  EXPECT_LE(server.get(path_of(held)).integer("expires_in_ms"), 10'000);
  EXPECT_NE(server.get(path_of(next)).string("state"), "held");
  server.pass(seconds(15));
  EXPECT_EQ(server.get(path_of(next)).string("state"), "held") << "at the TTL's end";
  const Reply lost = renew(server, held);
  EXPECT_EQ(lost.status, 410) << lost.text;
  EXPECT_EQ(lost.string("state"), "expired");
  EXPECT_EQ(lost.string("reason"), "not renewed in time");
  EXPECT_NE(lost.string("ended_at"), "");
}

TEST(LeaseFaults, a_grant_that_nobody_sees_goes_to_the_next) {
  TestServer server;
  const Reply held = acquire(server, "uat", "a");
  const Reply gone = acquire(server, "uat", "b", R"(,"wait":"1h")");
  const Reply next = acquire(server, "uat", "c", R"(,"wait":"1h")");
  server.call("DELETE", path_of(held));
  const auto viewer = net::Headers{{"Authorization", "Bearer " + server.secret("viewer")}};
  EXPECT_EQ(server.get(path_of(gone), viewer).string("state"), "held") << "a viewer claims nothing";
  server.pass(seconds(16));
  EXPECT_EQ(server.get(path_of(next)).string("state"), "held");
  EXPECT_EQ(server.get(path_of(gone)).string("reason"), "unclaimed");
  server.pass(seconds(16));
  EXPECT_EQ(server.get(path_of(next)).string("state"), "held") << "it was seen";
}

TEST(LeaseFaults, a_waiter_that_polls_no_longer_is_dropped) {
  TestServer server;
  acquire(server, "uat", "a", R"(,"ttl":"10h")");
  const Reply polls = acquire(server, "uat", "b", R"(,"wait":"1h")");
  const Reply silent = acquire(server, "uat", "c", R"(,"wait":"1h")");
  for (int i = 0; i < 4; ++i) {
    server.pass(seconds(40));
    EXPECT_EQ(server.get(path_of(polls)).string("state"), "queued");
  }
  const Reply dropped = server.get(path_of(silent));
  EXPECT_EQ(dropped.string("state"), "cancelled");
  EXPECT_EQ(dropped.string("reason"), "waiter gone");
  server.pass(hours(1));
  EXPECT_NE(server.get(path_of(polls)).string("state"), "queued");
}

TEST(LeaseFaults, setting_the_clock_neither_ends_nor_prolongs_anything) {
  TestServer server;
  const Reply held = acquire(server, "uat", "a", R"(,"ttl":"1m")");
  for (const Duration jump : {Duration{hours(1)}, Duration{hours(-1)}}) {
    server.set_wall(jump);
    EXPECT_EQ(server.get(path_of(held)).string("state"), "held");
    EXPECT_LE(server.get(path_of(held)).integer("expires_in_ms"), 60'000);
    EXPECT_EQ(renew(server, held).integer("expires_in_ms"), 60'000);
  }
  server.pass(seconds(61));
  EXPECT_EQ(server.get(path_of(held)).string("state"), "expired");
}

TEST(LeaseFaults, renewals_and_reads_go_on_while_the_disk_is_full) {
  TestServer server;
  const Reply held = acquire(server, "uat", "a", R"(,"ttl":"1m")");
  const Reply waits = acquire(server, "uat", "b", R"(,"wait":"1h")");
  server.fill_disk(true);
  EXPECT_EQ(acquire(server, "other", "c").status, 503);
  // Changes and renewals of one batch: the failed commit takes nothing from the latter.
  std::vector<std::future<int>> changes;
  for (int i = 0; i < 4; ++i)
    changes.push_back(std::async(std::launch::async, [&, i] {
      TestServer* const s = &server;
      net::Client client;
      net::HttpRequest request;
      request.method = "POST";
      request.url = s->url() + "/api/v1/leases";
      request.headers = {{"X-API-KEY", s->secret("admin")}};
      request.body = fmt::format(R"({{"environment":"x{}","holder":{{"name":"x"}}}})", i);
      const auto response = client.request(request);
      return response ? response->status : 0;
    }));
  for (int i = 0; i < 20; ++i) {
    server.get("/api/v1/environments/uat");
    EXPECT_EQ(renew(server, held).status, 200);
    EXPECT_EQ(server.get(path_of(held)).status, 200);
    EXPECT_EQ(server.get(path_of(waits)).string("state"), "queued");
  }
  for (auto& change : changes) EXPECT_EQ(change.get(), 503);
  EXPECT_EQ(server.get("/readyz").status, 503) << "a renewal stores nothing";
  EXPECT_EQ(server.call("DELETE", path_of(held)).status, 503);
  server.fill_disk(false);
  EXPECT_EQ(server.call("DELETE", path_of(held)).status, 200);
  EXPECT_EQ(server.get(path_of(waits)).string("state"), "held");
}

TEST(LeaseFaults, each_release_wakes_exactly_one_waiter) {
  TestServer server;
  Reply held = acquire(server, "uat", "first");
  constexpr std::size_t kWaiters = 20;
  std::vector<Reply> waiters;
  for (std::size_t i = 0; i < kWaiters; ++i)
    waiters.push_back(acquire(server, "uat", fmt::format("w{}", i), R"(,"wait":"1h")"));
  std::vector<std::future<Reply>> answers;
  for (const Reply& waiter : waiters) answers.push_back(ask_beside(server, waiter, "?wait=60s"));
  until_waiting(server, kWaiters);
  std::string path = path_of(held);
  for (std::size_t i = 0; i < kWaiters; ++i) {
    server.call("DELETE", path);
    EXPECT_EQ(answers[i].get().string("state"), "held");
    const auto has_answer = [](std::future<Reply>& answer) {
      return answer.valid() && answer.wait_for(seconds{0}) == std::future_status::ready;
    };
    EXPECT_TRUE(std::none_of(answers.begin(), answers.end(), has_answer)) << "and nobody else";
    path = path_of(waiters[i]);
  }
}

TEST(LeaseFaults, a_key_is_its_tokens_own) {
  TestServer server;
  const std::string body = R"({"environment":"uat","holder":{"name":"build 7"}})";
  const net::Headers key{{"Idempotency-Key", "7"}};
  ASSERT_EQ(server.post("/api/v1/leases", body, key).status, 201);
  const Reply other = server.post(
      "/api/v1/leases", body,
      {{"Idempotency-Key", "7"}, {"Authorization", "Bearer " + server.secret("operator")}});
  EXPECT_EQ(other.code(), "busy") << other.text;
}

TEST(LeaseFaults, an_acquire_that_is_repeated_is_one) {
  TestServer server;
  const net::Headers key{{"Idempotency-Key", "k"}};
  const std::string body = R"({"environment":"uat","holder":{"name":"a"}})";
  const Reply first = server.post("/api/v1/leases", body, key);
  const Reply again = server.post("/api/v1/leases", body, key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(
      server.post("/api/v1/leases", R"({"environment":"x","holder":{"name":"a"}})", key).status,
      409);
}

}  // namespace
}  // namespace baton::api
