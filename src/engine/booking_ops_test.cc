// SPDX-License-Identifier: MIT
#include "engine/booking_ops.h"

#include <gtest/gtest.h>

#include "engine/environment_ops.h"
#include "engine/lease_ops.h"
#include "engine/lease_status.h"
#include "engine/op_world.h"
#include "store/booking_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Booking;
using model::BookingKind;
using model::LeaseState;

struct Calendar : OpWorld {
  explicit Calendar(Rules rules_in = {}) : OpWorld(rules_in) { declare_uat({}); }

  void declare_uat(std::optional<Duration> max_hold, int slots = 1) {
    model::Environment environment;
    environment.name = "uat";
    environment.slots = slots;
    environment.labels = {{"team", "pay"}};
    environment.max_hold = max_hold;
    environment.ttl = 700h;  // nobody renews here
    environment.keep_alive = environment.claim_window = 20h;
    put(environment);
  }
  void put(const model::Environment& environment) {
    const auto done =
        run([&](Context& c) { return declare_environment(c, rules, environment); });
    ASSERT_TRUE(done) << done.error().message;
  }
  // From `begin` from now on.
  Booking booking(Duration begin, Duration length, std::string rrule = "") const {
    Booking booking;
    booking.environment = "uat";
    booking.from = now.wall + begin;
    booking.to = booking.from + length;
    booking.rrule = std::move(rrule);
    booking.owner = "team pay";
    return booking;
  }
  Result<Booking> book(const Booking& booking) {
    return run([&](Context& c) { return create_booking(c, booking, "ann"); });
  }
  std::string booked(const Booking& one) {
    const auto made = book(one);
    EXPECT_TRUE(made) << made.error().message;
    return made ? made->id : "";
  }
  Result<void> unbook(std::string_view id) {
    return run([&](Context& c) { return delete_booking(c, rules, id); });
  }
  Result<LeaseStatus> ask(std::string holder, Duration wait = 100h) {
    model::LeaseRequest request;
    request.wants = {{"uat", {}, {}, 1}};
    request.holder.name = std::move(holder);
    request.wait = wait;
    return run([&](Context& c) { return acquire(c, rules, request, "token"); });
  }
  std::string asked(std::string holder) {
    const auto lease = ask(std::move(holder));
    EXPECT_TRUE(lease) << lease.error().message;
    return lease ? lease->lease.id : "";
  }
  LeaseState state(std::string_view id) { return store::find_lease(sql(), id).value()->state; }
  bool waits(std::string_view id) { return state(id) == LeaseState::queued; }
  bool holds(std::string_view id) { return state(id) == LeaseState::held; }
  void release(std::string_view id) {
    ASSERT_TRUE(run([&](Context& c) { return release_lease(c, rules, id, {}, ""); }));
  }
  std::vector<std::string> told(std::string_view id) { return kinds(store::booking_subject(id)); }
  std::int64_t edges() {
    return sql()
        .query("SELECT COUNT(*) FROM deadline WHERE kind = 'booking_edge'")
        .value()[0]
        .integer(0);
  }
};

TEST(BookingOps, a_window_is_the_owners_and_others_are_served_at_its_end) {
  Calendar w;
  const std::string id = w.booked(w.booking(1h, 2h));
  EXPECT_EQ(get_booking(w.sql(), id)->created_by, "ann");
  const std::string early = w.asked("ci");
  EXPECT_TRUE(w.holds(early));
  w.release(early);
  w.advance(1h);
  EXPECT_EQ(w.told(id), list("booking.created", "booking.started"));
  const std::string late = w.asked("ci");
  EXPECT_TRUE(w.waits(late));
  const std::string owner = w.asked("team pay");
  EXPECT_TRUE(w.holds(owner));
  w.release(owner);
  EXPECT_TRUE(w.waits(late));
  w.advance(2h - 1ms);
  EXPECT_TRUE(w.waits(late));
  w.advance(1ms);
  EXPECT_TRUE(w.holds(late));
  EXPECT_EQ(w.told(id), list("booking.created", "booking.started", "booking.ended"));
  EXPECT_EQ(w.edges(), 0);
}

TEST(BookingOps, maintenance_and_blackout_keep_everybody_out) {
  for (const BookingKind kind : {BookingKind::maintenance, BookingKind::blackout}) {
    Calendar w;
    Booking one = w.booking(0s, 1h);
    one.kind = kind;
    const std::string id = w.booked(one);
    EXPECT_EQ(w.told(id), list("booking.created", "booking.started"));
    const std::string owner = w.asked("team pay");
    EXPECT_TRUE(w.waits(owner));
    EXPECT_EQ(w.ask("ci", 0s).error().code, Code::busy);
    w.advance(1h);
    EXPECT_TRUE(w.holds(owner));
  }
}

TEST(BookingOps, whoever_is_kept_out_is_told_why) {
  Calendar w;
  const std::string id = w.booked(w.booking(-1h, 3h));
  const auto refused = w.ask("ci", 0s);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(holds(refused.error().message, "uat is booked by team pay from "))
      << refused.error().message;
  EXPECT_TRUE(holds(refused.error().members, R"("barred":[{"environment":"uat","booking":")" + id))
      << refused.error().members;
  const std::string waiter = w.asked("ci");
  const auto lease = store::find_lease(w.sql(), waiter).value();
  const auto place = place_of(w.sql(), *lease, w.now.wall).value();
  ASSERT_EQ(place.bars.size(), 1U);
  EXPECT_EQ(place.bars[0].window->to, w.now.wall + 2h);
  ASSERT_TRUE(w.unbook(id));
  ASSERT_TRUE(w.run([&](Context& c) {
    return set_environment_state(
        c, w.rules, "uat", {model::EnvironmentState::maintenance, "new disks", "ann"});
  }));
  const auto maintenance = w.ask("nightly", 0s);
  EXPECT_TRUE(holds(maintenance.error().message, "uat is in maintenance: new disks"))
      << maintenance.error().message;
}

TEST(BookingOps, what_is_held_is_not_taken) {
  Calendar w;
  const std::string lease = w.asked("ci");
  w.booked(w.booking(-1h, 3h));
  EXPECT_TRUE(w.holds(lease));
  const std::string next = w.asked("nightly");
  w.advance(1h);
  EXPECT_TRUE(w.holds(lease));
  w.release(lease);
  EXPECT_TRUE(w.waits(next));
  w.advance(1h);
  EXPECT_TRUE(w.holds(next));
}

TEST(BookingOps, deleting_one_serves_whom_it_kept_out) {
  Calendar w;
  const std::string id = w.booked(w.booking(0s, 10h));
  const std::string waiter = w.asked("ci");
  EXPECT_TRUE(w.waits(waiter));
  ASSERT_TRUE(w.unbook(id));
  EXPECT_TRUE(w.holds(waiter));
  EXPECT_EQ(w.edges(), 0);
  EXPECT_EQ(w.unbook(id).error().code, Code::not_found);
  EXPECT_EQ(w.told(id), list("booking.created", "booking.started", "booking.deleted"));
}

TEST(BookingOps, a_lease_that_would_reach_into_it_waits_for_its_end) {
  Calendar w;
  w.declare_uat(1h);
  w.booked(w.booking(2h, 1h));
  w.advance(1h);
  const std::string just_fits = w.asked("ci");
  EXPECT_TRUE(w.holds(just_fits));
  w.release(just_fits);
  w.advance(1ms);
  const std::string waiter = w.asked("ci");
  EXPECT_TRUE(w.waits(waiter));
  w.advance(2h);
  EXPECT_TRUE(w.holds(waiter));
}

TEST(BookingOps, overlaps_are_refused_through_all_recurrences) {
  Calendar w;
  const std::string id = w.booked(w.booking(1h, 1h, "FREQ=WEEKLY"));
  const auto refused = w.book(w.booking(1h + 24h * 70, 1h));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_TRUE(holds(refused.error().message, id)) << refused.error().message;
  EXPECT_TRUE(holds(refused.error().members, "\"booking\":\"" + id)) << refused.error().members;
  EXPECT_FALSE(refused.error().fix.empty());
  w.booked(w.booking(2h + 24h * 70, 1h));
  Booking labels = w.booking(0s, 90min);
  labels.environment.clear();
  labels.labels = {{"team", "pay"}};
  EXPECT_EQ(w.book(labels).error().code, Code::conflict);
  labels.labels = {{"team", "web"}};
  const std::string web = w.booked(labels);
  EXPECT_EQ(w.book(labels).error().code, Code::conflict) << "the same labels";
  ASSERT_TRUE(w.unbook(web));
  w.booked(labels);
}

TEST(BookingOps, what_cannot_be_is_refused) {
  Calendar w;
  Booking unknown = w.booking(1h, 1h);
  unknown.environment = "uta";
  EXPECT_EQ(w.book(unknown).error().code, Code::not_found);
  const auto past = w.book(w.booking(-2h, 1h));
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().code, Code::invalid);
  EXPECT_EQ(past.error().details[0].pointer, "/to");
  EXPECT_EQ(w.book(w.booking(1h, -1h)).error().code, Code::invalid);
  EXPECT_TRUE(w.book(w.booking(-2h, 1h, "FREQ=DAILY")));
  EXPECT_EQ(w.edges(), 1);
}

TEST(BookingOps, labels_concern_environments_that_are_made_later) {
  Calendar w;
  Booking labels = w.booking(0s, 1h);
  labels.environment.clear();
  labels.labels = {{"size", "l"}};
  w.booked(labels);
  EXPECT_TRUE(w.holds(w.asked("ci")));
  model::Environment large;
  large.name = "large";
  large.labels = {{"size", "l"}};
  large.keep_alive = 20h;
  w.put(large);
  model::LeaseRequest request;
  request.wants = {{"large", {}, {}, 1}};
  request.holder.name = "ci";
  request.wait = 10h;
  const auto lease = w.run([&](Context& c) { return acquire(c, w.rules, request, "token"); });
  ASSERT_TRUE(lease) << lease.error().message;
  EXPECT_TRUE(w.waits(lease->lease.id));
  w.advance(1h);
  EXPECT_TRUE(w.holds(lease->lease.id));
}

TEST(BookingOps, every_window_of_a_rule_begins_and_ends) {
  Calendar w;
  const std::string id = w.booked(w.booking(1h, 1h, "FREQ=DAILY;COUNT=2"));
  w.advance(25h);
  const std::string waiter = w.asked("ci");
  EXPECT_TRUE(w.waits(waiter));
  w.advance(1h);
  EXPECT_TRUE(w.holds(waiter));
  EXPECT_EQ(w.told(id), list("booking.created", "booking.started", "booking.ended",
                             "booking.started", "booking.ended"));
  EXPECT_EQ(w.edges(), 0);
}

TEST(BookingOps, windows_that_touch_leave_no_gap) {
  Calendar w;
  const std::string id = w.booked(w.booking(0s, 24h, "FREQ=DAILY;COUNT=2"));
  w.advance(23h);
  const std::string waiter = w.asked("ci");
  w.advance(1h);
  EXPECT_TRUE(w.waits(waiter));
  EXPECT_EQ(w.told(id).size(), 4U);
  ASSERT_TRUE(w.unbook(id));
  EXPECT_TRUE(w.holds(waiter));
}

TEST(BookingOps, a_restart_forgets_no_edge) {
  Calendar w;
  const std::string id = w.booked(w.booking(1h, 2h));
  w.advance(2h);
  w.restart();
  const std::string waiter = w.asked("ci");
  EXPECT_TRUE(w.waits(waiter));
  w.advance(1h);
  EXPECT_TRUE(w.holds(waiter));
  EXPECT_EQ(w.told(id), list("booking.created", "booking.started", "booking.ended"));
}

TEST(BookingOps, a_window_that_is_over_after_a_restart_keeps_nobody) {
  Calendar w;
  w.declare_uat(3h);
  const std::string id = w.booked(w.booking(1h, 2h));
  const std::string waiter = w.asked("ci");
  EXPECT_TRUE(w.waits(waiter));
  w.restart(4h);
  w.advance(0s);
  EXPECT_TRUE(w.holds(waiter));
  EXPECT_EQ(w.told(id), list("booking.created")) << "nobody saw it";
}

TEST(BookingOps, a_clock_that_is_set_moves_the_windows) {
  Calendar w;
  const std::string id = w.booked(w.booking(1h, 2h));
  w.advance(2h);
  const std::string waiter = w.asked("ci");
  w.now.wall -= 90min;
  w.advance(1min);
  EXPECT_TRUE(w.holds(waiter));
  EXPECT_EQ(w.told(id), list("booking.created", "booking.started", "booking.ended"));
  w.release(waiter);
  w.advance(30min);
  EXPECT_EQ(w.told(id).back(), "booking.started");
  const std::string again = w.asked("ci");
  EXPECT_TRUE(w.waits(again));
  w.now.wall += 5h;
  w.advance(1min);
  EXPECT_TRUE(w.holds(again));
  EXPECT_EQ(w.edges(), 0);
}

TEST(BookingOps, a_clock_that_jumps_over_a_whole_window_wakes_who_would_have_reached_it) {
  Calendar w;
  w.declare_uat(3h);
  w.booked(w.booking(1h, 2h));
  const std::string waiter = w.asked("ci");
  EXPECT_TRUE(w.waits(waiter));
  w.now.wall += 4h;
  w.advance(1min);
  EXPECT_TRUE(w.holds(waiter));
}

TEST(BookingOps, an_environment_takes_its_bookings_with_it) {
  Calendar w;
  w.booked(w.booking(1h, 2h));
  Booking labels = w.booking(4h, 1h);
  labels.environment.clear();
  labels.labels = {{"team", "pay"}};
  const std::string stays = w.booked(labels);
  ASSERT_TRUE(w.run([](Context& c) { return delete_environment(c, "uat"); }));
  const auto left = store::list_bookings(w.sql(), "", 10).value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id, stays);
  EXPECT_EQ(w.edges(), 1);
}

TEST(BookingOps, those_that_are_over_are_forgotten_in_time) {
  Calendar w({.lease_history = 5h});
  const std::string id = w.booked(w.booking(0s, 1h));
  w.advance(5h);
  EXPECT_TRUE(get_booking(w.sql(), id));
  w.advance(3h);
  EXPECT_EQ(get_booking(w.sql(), id).error().code, Code::not_found);
}

}  // namespace
}  // namespace baton::engine
