// SPDX-License-Identifier: MIT
// Bookings go in and come out alike in every backend.
#include "store/booking_table.h"

#include <chrono>

#include "backends.h"

namespace baton::contract {
namespace {

using namespace std::chrono_literals;  // NOLINT: test code only
using model::Booking;
using Texts = std::vector<std::string>;

class Bookings : public StoreTest {
 protected:
  static constexpr TimePoint kMonday =
      std::chrono::sys_days{std::chrono::year{2026} / 3 / 2};

  static Booking booking(std::string id, Duration from, Duration length, std::string rrule = "") {
    Booking booking;
    booking.id = std::move(id);
    booking.environment = "staging";
    booking.from = kMonday + from;
    booking.to = booking.from + length;
    booking.rrule = std::move(rrule);
    booking.owner = "team pay";
    booking.created_at = from_ms(2'000);
    booking.created_by = "ann";
    return booking;
  }
  void insert(const Booking& booking) {
    const auto done =
        commit([&](store::Tx& tx) { return store::insert_booking(tx, booking); });
    ASSERT_TRUE(done) << done.error().message;
  }
  static model::Environment staging(std::optional<Duration> max_hold = {}) {
    model::Environment environment;
    environment.name = "staging";
    environment.labels = {{"team", "pay"}};
    environment.max_hold = max_hold;
    return environment;
  }
  Texts windows(const model::Environment& environment, Duration at) {
    const auto found = store::windows_of(sql(), environment, kMonday + at);
    if (!found) return {found.error().message};
    Texts ids;
    for (const model::Window& window : *found) ids.push_back(window.booking);
    return ids;
  }
  static Texts ids(const Result<std::vector<Booking>>& bookings) {
    if (!bookings) return {bookings.error().message};
    Texts ids;
    for (const Booking& booking : *bookings) ids.push_back(booking.id);
    return ids;
  }
};

TEST_P(Bookings, keep_every_field) {
  Booking one = booking("bkg_b", 9h, 2h, "FREQ=WEEKLY;BYDAY=MO");
  one.kind = model::BookingKind::blackout;
  one.note = "Grüße\n\"quoted\"";
  Booking other = booking("bkg_a", 9h, 2h);
  other.environment.clear();
  other.labels = {{"team", "pay"}, {"größe", "l"}};
  insert(one);
  insert(other);
  const auto found = store::find_booking(sql(), "bkg_b").value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->environment, "staging");
  EXPECT_EQ(found->from, one.from);
  EXPECT_EQ(found->to, one.to);
  EXPECT_EQ(found->rrule, one.rrule);
  EXPECT_EQ(found->kind, one.kind);
  EXPECT_EQ(found->owner, one.owner);
  EXPECT_EQ(found->note, one.note);
  EXPECT_EQ(found->created_at, one.created_at);
  EXPECT_EQ(found->created_by, "ann");
  EXPECT_FALSE(found->under_way);
  EXPECT_EQ(store::find_booking(sql(), "bkg_a").value()->labels, other.labels);
  EXPECT_FALSE(store::find_booking(sql(), "bkg_c").value());
  EXPECT_EQ(ids(store::list_bookings(sql(), "", 1)), Texts{"bkg_a"});
  EXPECT_EQ(ids(store::list_bookings(sql(), "bkg_a", 10)), Texts{"bkg_b"});
}

TEST_P(Bookings, tell_the_journal) {
  Booking one = booking("bkg_1", 9h, 2h, "FREQ=DAILY");
  insert(one);
  const model::Window window{one.from + 24h, one.to + 24h, one.kind, one.owner, one.id};
  const auto told = commit([&](store::Tx& tx) -> Result<int> {
    int changes = 0;
    for (const auto& now : {std::optional{window}, std::optional{window}, {}}) {
      BATON_TRY(changed, store::tell_window(tx, one, now));
      changes += changed;
    }
    BATON_TRY_VOID(store::remove_booking(tx, one.id));
    return changes;
  });
  EXPECT_EQ(told.value(), 2);
  const auto events = store::read_journal(sql(), 0, 10, "booking.").value();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].kind, "booking.created");
  EXPECT_EQ(store::booking_of_subject(events[0].subject), "bkg_1");
  EXPECT_EQ(events[0].data,
            R"({"environment":"staging","from":"2026-03-02T09:00:00.000Z",)"
            R"("to":"2026-03-02T11:00:00.000Z","kind":"booking","owner":"team pay",)"
            R"("rrule":"FREQ=DAILY","by":"ann"})");
  EXPECT_EQ(events[1].kind, "booking.started");
  EXPECT_EQ(events[2].kind, "booking.ended");
  EXPECT_EQ(events[2].data,
            R"({"environment":"staging","from":"2026-03-03T09:00:00.000Z",)"
            R"("to":"2026-03-03T11:00:00.000Z","kind":"booking","owner":"team pay"})");
  EXPECT_EQ(events[3].kind, "booking.deleted");
  EXPECT_FALSE(store::find_booking(sql(), "bkg_1").value());
}

TEST_P(Bookings, a_window_under_way_is_remembered) {
  Booking one = booking("bkg_1", 9h, 2h);
  insert(one);
  const model::Window window{one.from, one.to, one.kind, one.owner, one.id};
  ASSERT_TRUE(commit([&](store::Tx& tx) { return store::tell_window(tx, one, window); }));
  if (survives_closing()) {
    ASSERT_TRUE(reopen());
  }
  EXPECT_EQ(store::find_booking(sql(), "bkg_1").value()->under_way, one.from);
}

TEST_P(Bookings, concern_environments_by_name_or_labels_until_they_are_over) {
  insert(booking("bkg_1", 9h, 2h));
  Booking other = booking("bkg_2", 9h, 2h, "FREQ=DAILY;COUNT=2");
  other.environment.clear();
  other.labels = {{"team", "pay"}};
  insert(other);
  other.id = "bkg_3";
  other.labels = {{"team", "web"}};
  insert(other);
  Booking elsewhere = booking("bkg_4", 9h, 2h);
  elsewhere.environment = "uat";
  insert(elsewhere);
  EXPECT_EQ(ids(store::bookings_of(sql(), staging(), kMonday)), (Texts{"bkg_1", "bkg_2"}));
  EXPECT_EQ(ids(store::bookings_of(sql(), staging(), kMonday + 11h)), Texts{"bkg_2"});
  EXPECT_EQ(ids(store::bookings_of(sql(), staging(), kMonday + 35h)), Texts{});
  EXPECT_EQ(store::live_bookings(sql(), kMonday + 10h).value(), 4);
  EXPECT_EQ(store::live_bookings(sql(), kMonday + 11h).value(), 2);
}

TEST_P(Bookings, windows_are_those_under_way_and_within_the_longest_hold) {
  insert(booking("bkg_1", 9h, 2h, "FREQ=DAILY"));
  insert(booking("bkg_2", 11h, 1h));
  EXPECT_EQ(windows(staging(), 8h), Texts{});
  EXPECT_EQ(windows(staging(), 9h), Texts{"bkg_1"});
  EXPECT_EQ(windows(staging(), 33h), Texts{"bkg_1"});
  EXPECT_EQ(windows(staging(1h), 8h), Texts{});
  EXPECT_EQ(windows(staging(1h + 1ms), 8h), Texts{"bkg_1"});
  EXPECT_EQ(windows(staging(4h), 8h), (Texts{"bkg_1", "bkg_2"}));
  EXPECT_EQ(windows(staging(1h + 1ms), 10h), (Texts{"bkg_1", "bkg_2"}));
}

TEST_P(Bookings, those_that_are_long_over_are_removed) {
  insert(booking("bkg_1", 9h, 2h));
  insert(booking("bkg_2", 9h, 2h, "FREQ=DAILY"));
  insert(booking("bkg_3", 9h, 2h, "FREQ=DAILY;UNTIL=20260304"));
  const auto removed = [&](Duration before) {
    return commit([&](store::Tx& tx) {
             return store::remove_bookings_before(tx, kMonday + before, 10);
           }).value();
  };
  EXPECT_EQ(removed(11h), 0);
  EXPECT_EQ(removed(11h + 1ms), 1);
  EXPECT_EQ(removed(1'000h), 1);
  EXPECT_EQ(ids(store::list_bookings(sql(), "", 10)), Texts{"bkg_2"});
}

INSTANTIATE_TEST_SUITE_P(Store, Bookings,
                         ::testing::Values(Backend::sqlite_memory, Backend::sqlite_disk,
                                           Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
