// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "api/test_leases.h"

namespace baton::api {
namespace {

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
  std::future<Reply> waiter = ask_beside(server, queued, "?wait=30s");
  until_waiting(server, 1);
  server.call("DELETE", path_of(held));
  const Reply seen = waiter.get();
  EXPECT_EQ(seen.string("state"), "held");
  EXPECT_EQ(seen.integer("fence"), held.integer("fence") + 1);
  EXPECT_EQ(server.post(path_of(queued, "/renew"), fence_of(seen)).status, 200);
}

TEST(Leases, a_holder_is_woken_by_its_revocation) {
  TestServer server;
  const Reply held = acquire(server, "uat", "deploy");
  std::future<Reply> holder = ask_beside(server, held, "?wait=30s");
  until_waiting(server, 1);
  server.post(path_of(held, "/revoke"), R"({"reason":"the release has to go out"})");
  const Reply told = holder.get();
  EXPECT_EQ(told.string("state"), "revoked");
  EXPECT_EQ(told.string("reason"), "the release has to go out");
  EXPECT_EQ(ask_beside(server, held, "?wait=30s").get().string("state"), "revoked") << "at once";
}

TEST(Leases, a_wait_while_it_is_held_ends_with_the_time_and_what_is_left_then) {
  TestServer server;
  const Reply held = acquire(server, "uat", "deploy", R"(,"ttl":"1m")");
  server.pass(std::chrono::seconds{50});
  ASSERT_EQ(renew(server, held).status, 200);
  const Reply still = ask_beside(server, held, "?wait=20ms").get();
  EXPECT_EQ(still.string("state"), "held");
  EXPECT_GT(still.integer("expires_in_ms"), 50'000) << "renewals are kept by the writer";
}

TEST(Leases, a_waiter_that_was_away_for_the_grant_does_not_wait_again) {
  TestServer server;
  const Reply held = acquire(server, "uat", "deploy");
  const Reply queued = acquire(server, "uat", "test", R"(,"wait":"1m")");
  server.call("DELETE", path_of(held));
  // Nobody was told of the grant.
  EXPECT_EQ(ask_beside(server, queued, "?wait=60s").get().string("state"), "held");
  // The answer may have been lost: one who says what he knows is told again, at once.
  EXPECT_EQ(ask_beside(server, queued, "?wait=60s&seen=queued").get().string("state"), "held");
  std::future<Reply> holder = ask_beside(server, queued, "?wait=60s");
  until_waiting(server, 1);
  server.call("DELETE", path_of(queued));
  EXPECT_EQ(holder.get().string("state"), "released");
}

TEST(Leases, who_says_the_wrong_state_is_answered_at_once) {
  TestServer server;
  const Reply held = acquire(server, "uat", "deploy");
  const Reply queued = acquire(server, "uat", "test", R"(,"wait":"1m")");
  const Reply waits = ask_beside(server, queued, "?wait=60s&seen=held").get();
  EXPECT_EQ(waits.string("state"), "queued");
  EXPECT_EQ(waits.integer("position"), 1);
  EXPECT_EQ(server.get(path_of(held, "?wait=1s&seen=had")).status, 400);
}

}  // namespace
}  // namespace baton::api
