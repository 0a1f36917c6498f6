// SPDX-License-Identifier: MIT
#include "model/schedule.h"

#include <gtest/gtest.h>

namespace baton::model {
namespace {

Schedule nightly() {
  Schedule schedule;
  schedule.name = "nightly";
  schedule.suite = "pay/checkout";
  schedule.cron = "0 2 * * *";
  schedule.time_zone = "Europe/Vienna";
  return schedule;
}
TimePoint at(std::string_view text) { return *parse_rfc3339(text); }

TEST(Schedule, exactly_one_of_cron_and_every) {
  EXPECT_TRUE(check_schedule(nightly()));
  Schedule both = nightly();
  both.every = Duration{60'000};
  EXPECT_FALSE(check_schedule(both));
  Schedule neither = nightly();
  neither.cron.clear();
  EXPECT_FALSE(check_schedule(neither));
  neither.every = Duration{60'000};
  EXPECT_TRUE(check_schedule(neither));
}

TEST(Schedule, an_expression_that_never_fires_is_refused) {
  Schedule schedule = nightly();
  schedule.cron = "0 0 31 2 *";
  const auto checked = check_schedule(schedule);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("never fires"), std::string::npos);
  schedule.cron = "0 0 29 2 *";
  EXPECT_TRUE(check_schedule(schedule));
}

TEST(Schedule, problems_come_with_their_place) {
  Schedule schedule = nightly();
  schedule.name = "a b";
  schedule.cron = "61 * * * *";
  schedule.time_zone = "Mars/Olympus";
  schedule.max_runs = -1;
  const auto checked = check_schedule(schedule);
  ASSERT_FALSE(checked);
  ASSERT_EQ(checked.error().details.size(), 4U);
  EXPECT_EQ(checked.error().details[1].pointer, "/cron");
}

TEST(Schedule, ends_by_count_or_date) {
  Schedule schedule = nightly();
  EXPECT_EQ(**next_fire(schedule, at("2026-03-01T12:00:00Z")), at("2026-03-02T01:00:00Z"));
  schedule.until = at("2026-03-02T00:59:59Z");
  EXPECT_FALSE(next_fire(schedule, at("2026-03-01T12:00:00Z"))->has_value());
  schedule.until.reset();
  schedule.max_runs = 3;
  schedule.run_count = 3;
  EXPECT_FALSE(next_fire(schedule, at("2026-03-01T12:00:00Z"))->has_value());
}

}  // namespace
}  // namespace baton::model
