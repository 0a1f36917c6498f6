// SPDX-License-Identifier: MIT
#include "model/cron.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace baton::model {
namespace {

TimePoint at(std::string_view text) { return *parse_rfc3339(text); }

// The next `n` fires after `from`, as text in UTC without milliseconds.
std::vector<std::string> fires(std::string_view expression, std::string_view zone,
                               std::string_view from, int n) {
  std::vector<std::string> texts;
  const auto cron = Cron::parse(expression);
  if (!cron) return {cron.error().message};
  TimePoint t = at(from);
  for (int i = 0; i < n; ++i) {
    const auto next = cron->next(t, zone);
    if (!next) return {next.error().message};
    if (!*next) break;
    t = **next;
    texts.push_back(format_rfc3339(t).substr(0, 19));
  }
  return texts;
}
using Texts = std::vector<std::string>;

TEST(Cron, five_fields_six_fields_names_steps_and_lists) {
  EXPECT_EQ(fires("30 2 * * *", "UTC", "2026-03-01T00:00:00Z", 2),
            (Texts{"2026-03-01T02:30:00", "2026-03-02T02:30:00"}));
  EXPECT_EQ(fires("*/20 30 2 * * *", "UTC", "2026-03-01T02:30:00Z", 3),
            (Texts{"2026-03-01T02:30:20", "2026-03-01T02:30:40", "2026-03-02T02:30:00"}));
  EXPECT_EQ(fires("0 9-17/4 * * mon-FRI", "UTC", "2026-03-06T13:00:00Z", 3),
            (Texts{"2026-03-06T17:00:00", "2026-03-09T09:00:00", "2026-03-09T13:00:00"}));
  EXPECT_EQ(fires("0 0 1 JAN,jul ?", "UTC", "2026-03-01T00:00:00Z", 2),
            (Texts{"2026-07-01T00:00:00", "2027-01-01T00:00:00"}));
  EXPECT_EQ(fires("5/25 * * * *", "UTC", "2026-03-01T00:00:00Z", 3),
            (Texts{"2026-03-01T00:05:00", "2026-03-01T00:30:00", "2026-03-01T00:55:00"}));
  EXPECT_EQ(fires("0 0 * * 7", "UTC", "2026-03-02T00:00:00Z", 1), (Texts{"2026-03-08T00:00:00"}));
}

TEST(Cron, both_day_fields_restricted_means_either) {
  EXPECT_EQ(fires("0 0 13 * FRI", "UTC", "2026-02-12T12:00:00Z", 3),
            (Texts{"2026-02-13T00:00:00", "2026-02-20T00:00:00", "2026-02-27T00:00:00"}));
}

TEST(Cron, macros) {
  EXPECT_EQ(fires("@hourly", "UTC", "2026-03-01T00:30:00Z", 1), (Texts{"2026-03-01T01:00:00"}));
  EXPECT_EQ(fires("@Weekly", "UTC", "2026-03-02T00:30:00Z", 1), (Texts{"2026-03-08T00:00:00"}));
  EXPECT_EQ(fires("@every 1m30s", "UTC", "2026-03-01T00:00:00Z", 2),
            (Texts{"2026-03-01T00:01:30", "2026-03-01T00:03:00"}));
}

TEST(Cron, leap_days_are_found_and_impossible_days_end) {
  EXPECT_EQ(fires("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), (Texts{"2104-02-29T00:00:00"}));
  EXPECT_EQ(fires("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", 1), Texts{});
}

// Vienna: 2026-03-29 02:00 CET becomes 03:00 CEST (01:00 UTC); 2026-10-25 03:00 CEST becomes 02:00
// CET (01:00 UTC).
TEST(Cron, a_skipped_local_time_fires_once_when_the_gap_ends) {
  EXPECT_EQ(fires("30 2 * * *", "Europe/Vienna", "2026-03-28T00:00:00Z", 3),
            (Texts{"2026-03-28T01:30:00", "2026-03-29T01:00:00", "2026-03-30T00:30:00"}));
  EXPECT_EQ(fires("0,30 2,3 * * *", "Europe/Vienna", "2026-03-29T00:00:00Z", 3),
            (Texts{"2026-03-29T01:00:00", "2026-03-29T01:30:00", "2026-03-30T00:00:00"}));
  // A search that starts in the very second before the gap's end still finds it.
  EXPECT_EQ(fires("30 2 * * *", "Europe/Vienna", "2026-03-29T00:59:59Z", 1),
            (Texts{"2026-03-29T01:00:00"}));
}

TEST(Cron, a_repeated_local_time_fires_once_at_the_first) {
  EXPECT_EQ(fires("30 2 * * *", "Europe/Vienna", "2026-10-24T12:00:00Z", 2),
            (Texts{"2026-10-25T00:30:00", "2026-10-26T01:30:00"}));
  EXPECT_EQ(fires("30 2 * * *", "Europe/Vienna", "2026-10-25T01:10:00Z", 1),
            (Texts{"2026-10-26T01:30:00"}));
}

TEST(Cron, a_wildcard_hour_follows_elapsed_time) {
  EXPECT_EQ(fires("30 * * * *", "Europe/Vienna", "2026-03-29T00:00:00Z", 3),
            (Texts{"2026-03-29T00:30:00", "2026-03-29T01:30:00", "2026-03-29T02:30:00"}));
  EXPECT_EQ(fires("30 * * * *", "Europe/Vienna", "2026-10-25T00:00:00Z", 3),
            (Texts{"2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-25T02:30:00"}));
  EXPECT_EQ(fires("0 */2 * * *", "Europe/Vienna", "2026-10-24T23:00:00Z", 3),
            (Texts{"2026-10-25T00:00:00", "2026-10-25T01:00:00", "2026-10-25T03:00:00"}));
}

TEST(Cron, a_day_that_a_zone_skipped_fires_at_its_end) {
  // Samoa had no 30 December 2011.
  EXPECT_EQ(fires("0 12 30 12 *", "Pacific/Apia", "2011-12-30T09:59:00Z", 1),
            (Texts{"2011-12-30T10:00:00"}));
}

TEST(Cron, what_is_wrong_is_said) {
  const auto message = [](std::string_view expression) {
    const auto cron = Cron::parse(expression);
    return cron ? std::string{"accepted"} : cron.error().message;
  };
  EXPECT_NE(message("* * *").find("3 fields"), std::string::npos) << message("* * *");
  EXPECT_NE(message("60 * * * *").find("60 is not a minute: it must be 0 to 59"),
            std::string::npos);
  EXPECT_NE(message("* * * foo *").find("\"foo\" is not a month"), std::string::npos);
  EXPECT_NE(message("5-1 * * * *").find("runs backwards"), std::string::npos);
  EXPECT_NE(message("*/0 * * * *").find("not a step"), std::string::npos);
  for (const char* bad :
       {"", "* * * * * * *", "@never", "@every", "@every 10ms", "@every x", "1,,2 * * * *",
        "-1 * * * *", "* * L * *", "* * * * 5#2", "1- * * * *", "99999999999999999999 * * * *"})
    EXPECT_NE(message(bad), "accepted") << bad;
  EXPECT_FALSE(Cron::every(Duration{999}));
  EXPECT_EQ(message("1/2147483647 * * * *"), "accepted") << "minute 1 alone, and no overflow";
}

TEST(Cron, an_unknown_zone_is_refused_with_the_nearest) {
  const auto checked = check_time_zone("Europe/Viena");
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().fix.find("Europe/Vienna"), std::string::npos);
  EXPECT_FALSE(check_time_zone(""));
  EXPECT_FALSE(check_time_zone("../../etc/passwd"));
}

RC_GTEST_PROP(CronProperty, fires_rise_and_never_lie_in_the_past, ()) {
  const std::string expression =
      fmt::format("{} {} {} * *", *rc::gen::element<std::string>("*", "0", "*/7", "30", "5-50/9"),
                  *rc::gen::element<std::string>("*", "2", "*/3", "0-23", "1,2,3"),
                  *rc::gen::element<std::string>("*", "1", "25-31", "*/10"));
  const auto zone = *rc::gen::element<std::string>("UTC", "Europe/Vienna", "America/New_York",
                                                   "Australia/Lord_Howe", "Asia/Kathmandu");
  const auto cron = Cron::parse(expression);
  RC_ASSERT(cron.has_value());
  const auto day = std::chrono::days{*rc::gen::inRange(0, 366)};
  TimePoint t = at("2026-01-01T00:00:00Z") + day + Duration{*rc::gen::inRange(0, 86'400'000)};
  for (int i = 0; i < 60; ++i) {
    const auto next = cron->next(t, zone);
    RC_ASSERT(next.has_value() && next->has_value());
    RC_ASSERT(**next > t);
    // Nothing fires between: searching from just before finds the same.
    RC_ASSERT(*cron->next(**next - Duration{1}, zone) == *next);
    t = **next;
  }
}

}  // namespace
}  // namespace baton::model
