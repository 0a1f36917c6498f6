// SPDX-License-Identifier: MIT
#include "model/booking.h"

#include <gtest/gtest.h>

#include <chrono>

#include "model/recurrence.h"

namespace baton::model {
namespace {

using namespace std::chrono_literals;  // NOLINT: test code only
using Texts = std::vector<std::string>;

TimePoint at(std::string_view text) { return *parse_rfc3339(text); }

Booking booking(std::string_view from, Duration length, std::string rrule = "") {
  Booking booking;
  booking.id = "bkg_1";
  booking.environment = "staging";
  booking.from = at(from);
  booking.to = booking.from + length;
  booking.rrule = std::move(rrule);
  booking.owner = "team pay";
  return booking;
}

// The begins of the windows that overlap [from, to), to the minute.
Texts windows(const Booking& booking, std::string_view from, std::string_view to,
              int limit = 100) {
  const auto found = occurrences(booking, at(from), at(to), limit);
  if (!found) return {found.error().message};
  Texts texts;
  for (const Window& window : *found) texts.push_back(format_rfc3339(window.from).substr(0, 16));
  return texts;
}

// The first n days of the rule from a begin at 09:00.
Texts days(std::string_view first, std::string rrule, int n) {
  const Booking rule = booking(std::string(first) + "T09:00:00Z", 1h, std::move(rrule));
  Texts texts = windows(rule, "1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z", n);
  for (std::string& text : texts)
    if (text.ends_with("T09:00")) text.resize(10);
  return texts;
}

// Pointers of what is wrong with the booking.
Texts wrong(const Booking& booking) {
  const auto checked = check_booking(booking);
  Texts pointers;
  if (!checked)
    for (const ErrorDetail& detail : checked.error().details) pointers.push_back(detail.pointer);
  return pointers;
}

std::string why_not(std::string rrule) {
  const auto checked = check_booking(booking("2026-03-02T09:00:00Z", 1h, std::move(rrule)));
  return checked ? "" : checked.error().message;
}

TEST(Booking, once_is_one_window) {
  const Booking once = booking("2026-03-02T09:00:00Z", 2h);
  EXPECT_TRUE(check_booking(once));
  EXPECT_EQ(windows(once, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            Texts{"2026-03-02T09:00"});
  EXPECT_EQ(windows(once, "2026-03-02T10:59:59Z", "2026-03-02T12:00:00Z").size(), 1U);
  EXPECT_TRUE(windows(once, "2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z").empty());
  EXPECT_TRUE(windows(once, "2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z").empty());
  EXPECT_EQ(*end_of(once).value(), once.to);
}

TEST(Booking, an_occurrence_that_began_before_the_question_is_found) {
  const Booking nights = booking("2026-03-02T22:00:00Z", 8h, "FREQ=DAILY");
  EXPECT_EQ(windows(nights, "2026-03-05T02:00:00Z", "2026-03-05T23:00:00Z"),
            (Texts{"2026-03-04T22:00", "2026-03-05T22:00"}));
  const Booking long_one = booking("2026-01-31T00:00:00Z", 240h, "FREQ=MONTHLY;BYDAY=-1SA");
  EXPECT_EQ(windows(long_one, "2026-03-05T00:00:00Z", "2026-03-06T00:00:00Z"),
            Texts{"2026-02-28T00:00"});
}

TEST(Booking, days_weeks_and_months_with_intervals) {
  EXPECT_EQ(days("2026-02-27", "FREQ=DAILY;INTERVAL=2", 3),
            (Texts{"2026-02-27", "2026-03-01", "2026-03-03"}));
  EXPECT_EQ(days("2026-12-30", "FREQ=WEEKLY", 2), (Texts{"2026-12-30", "2027-01-06"}));
  EXPECT_EQ(days("2026-11-15", "FREQ=MONTHLY;INTERVAL=3", 3),
            (Texts{"2026-11-15", "2027-02-15", "2027-05-15"}));
}

TEST(Booking, several_weekdays) {
  // 2026-03-04 is a Wednesday: the Monday before it is no occurrence.
  EXPECT_EQ(days("2026-03-04", "FREQ=WEEKLY;BYDAY=FR,MO,WE,MO", 5),
            (Texts{"2026-03-04", "2026-03-06", "2026-03-09", "2026-03-11", "2026-03-13"}));
  EXPECT_EQ(days("2026-03-04", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO", 4),
            (Texts{"2026-03-08", "2026-03-16", "2026-03-22", "2026-03-30"}));
  EXPECT_EQ(days("2026-03-06", "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", 3),
            (Texts{"2026-03-06", "2026-03-09", "2026-03-10"}));
  EXPECT_EQ(days("2026-03-06", "freq=weekly;byday=th", 2), (Texts{"2026-03-12", "2026-03-19"}));
}

TEST(Booking, weekdays_of_a_month) {
  EXPECT_EQ(days("2026-03-01", "FREQ=MONTHLY;BYDAY=2TU", 3),
            (Texts{"2026-03-10", "2026-04-14", "2026-05-12"}));
  EXPECT_EQ(days("2026-03-01", "FREQ=MONTHLY;BYDAY=-1FR,+1MO", 4),
            (Texts{"2026-03-02", "2026-03-27", "2026-04-06", "2026-04-24"}));
  EXPECT_EQ(days("2026-02-10", "FREQ=MONTHLY;BYDAY=MO", 4),
            (Texts{"2026-02-16", "2026-02-23", "2026-03-02", "2026-03-09"}));
  EXPECT_EQ(days("2026-03-01", "FREQ=MONTHLY;BYDAY=5SU", 3),
            (Texts{"2026-03-29", "2026-05-31", "2026-08-30"}));
}

TEST(Booking, months_without_the_day_are_passed_over_and_not_counted) {
  EXPECT_EQ(days("2026-01-31", "FREQ=MONTHLY;COUNT=4", 10),
            (Texts{"2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"}));
  EXPECT_EQ(days("2024-02-29", "FREQ=MONTHLY;INTERVAL=12", 3),
            (Texts{"2024-02-29", "2028-02-29", "2032-02-29"}));
  EXPECT_EQ(days("2096-02-29", "FREQ=MONTHLY;INTERVAL=12", 2),
            (Texts{"2096-02-29", "2104-02-29"}));
  EXPECT_EQ(days("2028-02-28", "FREQ=DAILY", 3), (Texts{"2028-02-28", "2028-02-29", "2028-03-01"}));
}

TEST(Booking, count_counts_from_the_first_occurrence) {
  EXPECT_EQ(days("2026-03-04", "FREQ=WEEKLY;BYDAY=MO;COUNT=2", 10),
            (Texts{"2026-03-09", "2026-03-16"}));
  for (const std::string rule :
       {"FREQ=DAILY;COUNT=37", "FREQ=DAILY;INTERVAL=3;BYDAY=MO,FR;COUNT=37",
        "FREQ=WEEKLY;BYDAY=TU,SU;COUNT=37", "FREQ=MONTHLY;COUNT=37",
        "FREQ=MONTHLY;BYDAY=5MO,-1FR;COUNT=37"}) {
    Booking counted = booking("2020-01-31T09:00:00Z", 1h, rule);
    const auto all = occurrences(counted, at("2020-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z"),
                                 1'000).value();
    ASSERT_EQ(all.size(), 37U) << rule;
    // Whoever asks from the middle sees the rest, and not 37 from there.
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto rest = occurrences(counted, all[i].from, at("2100-01-01T00:00:00Z"), 1'000);
      ASSERT_EQ(rest->size(), 37 - i) << rule;
      EXPECT_EQ((*rest)[0].from, all[i].from) << rule;
    }
    EXPECT_EQ(*end_of(counted).value(), all.back().to) << rule;
    EXPECT_FALSE(*window_at(counted, all.back().to)) << rule;
  }
}

TEST(Booking, until_is_part_of_it) {
  EXPECT_EQ(days("2026-03-02", "FREQ=DAILY;UNTIL=20260304T090000Z", 10).size(), 3U);
  EXPECT_EQ(days("2026-03-02", "FREQ=DAILY;UNTIL=20260304T085959Z", 10).size(), 2U);
  EXPECT_EQ(days("2026-03-02", "FREQ=DAILY;UNTIL=20260304", 10).size(), 3U);
  const Booking until = booking("2026-03-02T09:00:00Z", 1h, "FREQ=DAILY;UNTIL=20260304T090000Z");
  EXPECT_EQ(format_rfc3339(*end_of(until).value()), "2026-03-04T10:00:00.000Z");
  EXPECT_FALSE(*end_of(booking("2026-03-02T09:00:00Z", 1h, "FREQ=DAILY")));
}

TEST(Booking, rules_that_began_long_ago_cost_no_more) {
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string rule :
       {"FREQ=DAILY", "FREQ=DAILY;BYDAY=MO,FR", "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,FR",
        "FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=-1SU", "FREQ=DAILY;BYDAY=MO,FR;COUNT=10000",
        "FREQ=MONTHLY;BYDAY=1MO;COUNT=10000"}) {
    const Booking old = booking("1970-01-01T09:00:00Z", 1h, rule);
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(windows(old, "2050-06-01T00:00:00Z", "2051-01-01T00:00:00Z", 1).size(), 1U) << rule;
  }
  // Walking through all of them would take many times as long.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(Booking, the_middle_of_a_rule_is_the_same_as_from_its_begin) {
  for (const std::string rule :
       {"FREQ=DAILY;INTERVAL=5", "FREQ=DAILY;INTERVAL=3;BYDAY=MO,FR",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU", "FREQ=MONTHLY;INTERVAL=5",
        "FREQ=MONTHLY;BYDAY=1MO,-1MO,3WE"}) {
    const Booking one = booking("2024-01-31T09:00:00Z", 3h, rule);
    const auto all =
        occurrences(one, one.from, at("2034-01-01T00:00:00Z"), 10'000).value();
    for (int day = 0; day < 3'000; day += 7) {
      const TimePoint from = one.from + std::chrono::days{day} + 1h;
      const auto found = *window_at(one, from).value();
      const auto expected = std::find_if(all.begin(), all.end(),
                                         [&](const Window& window) { return window.to > from; });
      ASSERT_EQ(found.from, expected->from) << rule << " " << format_rfc3339(from);
    }
  }
}

TEST(Booking, every_rule_ends) {
  EXPECT_TRUE(days("2026-03-03", "FREQ=DAILY;INTERVAL=7;BYDAY=MO", 1).empty());
  EXPECT_TRUE(days("2026-03-03", "FREQ=DAILY;UNTIL=20200101", 1).empty());
  EXPECT_EQ(days("2026-02-01", "FREQ=MONTHLY;INTERVAL=996;BYDAY=5MO", 1'000'000),
            (Texts{"3188-02-29", "7504-02-29", "7836-02-29", "8168-02-29"}));
  EXPECT_EQ(days("9999-12-30", "FREQ=DAILY;INTERVAL=1000", 10), Texts{"9999-12-30"});
  EXPECT_EQ(days("9999-12-01", "FREQ=MONTHLY;INTERVAL=1000", 10), Texts{"9999-12-01"});
  EXPECT_EQ(windows(booking("2026-03-02T09:00:00Z", 1h, "FREQ=WEEKLY"), "2026-03-02T00:00:00Z",
                    "9999-01-01T00:00:00Z", 3).size(), 3U);
}

TEST(Booking, unknown_rules_are_refused_with_what_is_allowed) {
  EXPECT_NE(why_not("FREQ=YEARLY").find("DAILY, WEEKLY or MONTHLY"), std::string::npos);
  EXPECT_NE(why_not("FREQ=DAILY;BYHOUR=3").find("FREQ, INTERVAL, BYDAY, COUNT or UNTIL"),
            std::string::npos);
  EXPECT_NE(why_not("FREQ=WEEKLY;BYDAY=MON").find("MO TU WE"), std::string::npos);
  EXPECT_NE(why_not("FREQ=WEEKLY;BYDAY=2MO").find("FREQ=MONTHLY"), std::string::npos);
  EXPECT_NE(why_not("FREQ=DAILY;UNTIL=20261301").find("20301231"), std::string::npos);
  for (const std::string rule :
       {"DAILY", "INTERVAL=2", "FREQ=DAILY;", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;INTERVAL=1001", "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=10001", "FREQ=DAILY;COUNT=99999999999999999999", "FREQ=WEEKLY;BYDAY=",
        "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=6MO", "FREQ=MONTHLY;BYDAY=+-1MO",
        "FREQ=DAILY;UNTIL=2030-12-31", "FREQ=DAILY;UNTIL=20301231T235959", "FREQ=DAILY;COUNT=1x",
        "FREQ=DAILY;COUNT=2;UNTIL=20301231", "FREQ=DAILY;UNTIL=20250101",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU", " FREQ=DAILY"})
    EXPECT_EQ(wrong(booking("2026-03-02T09:00:00Z", 1h, rule)), Texts{"/rrule"}) << rule;
}

TEST(Booking, a_rule_reads_back_as_it_is_written) {
  for (const std::string rule :
       {"", "FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;COUNT=3",
        "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=DAILY;UNTIL=20301231T120000Z"})
    EXPECT_EQ(Recurrence::parse(rule)->text(), rule);
  EXPECT_EQ(Recurrence::parse("until=20301231;byday=su,2mo;freq=monthly;interval=1")->text(),
            "FREQ=MONTHLY;BYDAY=2MO,SU;UNTIL=20301231T235959Z");
}

TEST(Booking, problems_come_with_their_place) {
  Booking both = booking("2026-03-02T09:00:00Z", 0h);
  both.labels = {{"a=b", "c"}};
  both.owner.clear();
  both.note = "\xff";
  EXPECT_EQ(wrong(both), (Texts{"/environment", "/labels/a=b", "/to", "/owner", "/note"}));
  Booking neither = booking("2026-03-02T09:00:00Z", -1h);
  neither.environment.clear();
  EXPECT_EQ(wrong(neither), (Texts{"/environment", "/to"}));
  Booking far = booking("2026-03-02T09:00:00Z", 1h);
  far.from = from_ms(-1);
  far.to = from_ms(INT64_MAX);
  EXPECT_EQ(wrong(far), (Texts{"/from", "/to"}));
  Booking blackout = booking("2026-03-02T09:00:00Z", 1h);
  blackout.owner.clear();
  blackout.kind = BookingKind::blackout;
  EXPECT_TRUE(check_booking(blackout));
}

TEST(Booking, a_window_longer_than_its_repetition_is_refused) {
  EXPECT_TRUE(check_booking(booking("2026-03-02T09:00:00Z", 24h, "FREQ=DAILY")));
  EXPECT_EQ(wrong(booking("2026-03-02T09:00:00Z", 24h + 1ms, "FREQ=DAILY")), Texts{"/to"});
  EXPECT_TRUE(check_booking(booking("2026-03-02T09:00:00Z", 48h, "FREQ=WEEKLY;BYDAY=MO,WE")));
  EXPECT_EQ(wrong(booking("2026-03-02T09:00:00Z", 49h, "FREQ=WEEKLY;BYDAY=MO,WE")), Texts{"/to"});
  EXPECT_EQ(wrong(booking("2026-03-02T09:00:00Z", 29 * 24h, "FREQ=MONTHLY")), Texts{"/to"});
  EXPECT_TRUE(check_booking(booking("2026-03-02T09:00:00Z", 800h, "FREQ=DAILY;COUNT=1")));
}

TEST(Booking, keeps_out_whoever_is_not_the_owner) {
  Window window{at("2026-03-02T09:00:00Z"), at("2026-03-02T10:00:00Z"), BookingKind::booking,
                "team pay", "bkg_1"};
  EXPECT_FALSE(keeps_out(window, "ci", window.from - 1ms, {}));
  EXPECT_TRUE(keeps_out(window, "ci", window.from, {}));
  EXPECT_TRUE(keeps_out(window, "ci", window.to - 1ms, {}));
  EXPECT_FALSE(keeps_out(window, "ci", window.to, 100h));
  EXPECT_FALSE(keeps_out(window, "team pay", window.from, {}));
  EXPECT_FALSE(keeps_out(window, "ci", window.from - 1h, 1h));
  EXPECT_TRUE(keeps_out(window, "ci", window.from - 1h, 1h + 1ms));
  window.kind = BookingKind::maintenance;
  EXPECT_TRUE(keeps_out(window, "team pay", window.from, {}));
}

TEST(Booking, overlaps_are_found_through_all_recurrences) {
  const TimePoint now = at("2026-03-01T00:00:00Z");
  const Booking mondays = booking("2026-03-02T09:00:00Z", 2h, "FREQ=WEEKLY");
  const auto meets = [&](const Booking& other, TimePoint wall) -> std::string {
    const auto one = first_overlap(mondays, other, wall).value();
    const auto same = first_overlap(other, mondays, wall).value();
    EXPECT_EQ(one.has_value(), same.has_value());
    return one ? format_rfc3339(one->second.from).substr(0, 16) : "never";
  };
  EXPECT_EQ(meets(booking("2026-06-01T10:59:00Z", 1h), now), "2026-06-01T10:59");
  EXPECT_EQ(meets(booking("2026-06-01T11:00:00Z", 1h), now), "never");
  EXPECT_EQ(meets(booking("2026-06-02T09:00:00Z", 2h), now), "never");
  EXPECT_EQ(meets(booking("2026-06-02T09:00:00Z", 2h, "FREQ=MONTHLY"), now), "2026-11-02T09:00");
  EXPECT_EQ(meets(booking("2026-03-03T08:00:00Z", 1h, "FREQ=DAILY"), now), "never");
  EXPECT_EQ(meets(booking("2026-03-02T10:00:00Z", 1h), now), "2026-03-02T10:00");
  EXPECT_EQ(meets(booking("2026-03-02T10:00:00Z", 1h), at("2026-03-02T11:00:00Z")), "never");
  EXPECT_EQ(meets(booking("2026-02-01T00:00:00Z", 8760h), now), "2026-02-01T00:00");
}

TEST(Booking, concerns_environments_by_name_or_labels) {
  Environment environment;
  environment.name = "staging";
  environment.labels = {{"team", "pay"}, {"size", "l"}};
  Booking one = booking("2026-03-02T09:00:00Z", 1h);
  EXPECT_TRUE(concerns(one, environment));
  one.environment = "uat";
  EXPECT_FALSE(concerns(one, environment));
  one.environment.clear();
  one.labels = {{"team", "pay"}};
  EXPECT_TRUE(concerns(one, environment));
  one.labels = {{"team", "web"}};
  EXPECT_FALSE(concerns(one, environment));
}

}  // namespace
}  // namespace baton::model
