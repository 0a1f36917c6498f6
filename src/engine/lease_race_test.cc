// SPDX-License-Identifier: MIT
// Cancelling against being granted, from two threads, on the writer's own thread.
#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "engine/environment_ops.h"
#include "engine/feed.h"
#include "engine/lease_ops.h"
#include "engine/lease_status.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

constexpr int kRaces = 10'000;

TEST(LeaseRaces, ten_thousand_cancels_against_grants_leak_no_slot_and_leave_no_ghost) {
  const Rules rules;
  auto store = store::Store::open({.data = ":memory:"}).value();
  Feed feed;
  const auto clock = [] {
    const auto wall = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    return Now{wall, wall};
  };
  Writer writer(*store, feed, clock, Ids(7), [](auto&, const auto&) { return Result<void>{}; });
  writer.start();
  const auto ask = [&](std::string holder) {
    model::LeaseRequest request;
    request.wants.push_back({"uat", {}, {}, 1});
    request.holder.name = std::move(holder);
    request.wait = std::chrono::hours{1};
    return writer
        .run<LeaseStatus>([&](Context& c) { return acquire(c, rules, request, "t"); })
        .value()
        .lease;
  };
  const auto let_go = [&](const std::string& id) {
    return writer
        .run<LeaseStatus>([&](Context& c) { return release_lease(c, rules, id, {}, "t"); })
        .value()
        .lease;
  };

  model::Lease holder, waiter;
  std::barrier meet(2);
  bool done = false;
  std::thread other([&] {
    for (;;) {
      meet.arrive_and_wait();
      if (done) return;
      waiter = let_go(waiter.id);
      meet.arrive_and_wait();
    }
  });
  int granted = 0;
  for (int i = 0; i < kRaces; ++i) {
    holder = ask("holder");
    waiter = ask("waiter");
    ASSERT_EQ(holder.state, model::LeaseState::held) << "race " << i << " found a ghost";
    ASSERT_EQ(waiter.state, model::LeaseState::queued);
    meet.arrive_and_wait();
    let_go(holder.id);
    meet.arrive_and_wait();
    ASSERT_FALSE(waiter.is_live());
    if (waiter.state == model::LeaseState::released) ++granted;
  }
  done = true;
  meet.arrive_and_wait();
  other.join();
  EXPECT_TRUE(writer
                  .run<std::vector<model::Lease>>(
                      [](Context& c) { return store::live_leases(c.tx.sql(), 0, 10); })
                  .value()
                  .empty());
  writer.stop();
  RecordProperty("granted_before_the_cancel", granted);
}

}  // namespace
}  // namespace baton::engine
