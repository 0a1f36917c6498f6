// SPDX-License-Identifier: MIT
#include "base/time.h"

#include <gtest/gtest.h>

namespace baton {
namespace {

TEST(Time, rfc3339_round_trips_and_accepts_offsets) {
  EXPECT_EQ(format_rfc3339(from_ms(1'772'366'400'250)), "2026-03-01T12:00:00.250Z");
  EXPECT_EQ(to_ms(*parse_rfc3339("2026-03-01T13:00:00.25+01:00")), 1'772'366'400'250);
  EXPECT_EQ(to_ms(*parse_rfc3339("2016-12-31T23:59:60Z")), 1'483'228'800'000);
}

TEST(Time, rfc3339_refuses_what_is_no_time) {
  for (const char* text : {"", "2026", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
                           "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "x026-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(Time, durations_round_trip) {
  EXPECT_EQ(*parse_duration("1h30m"), Duration{5'400'000});
  EXPECT_EQ(*parse_duration("250ms"), Duration{250});
  EXPECT_EQ(*parse_duration("0"), Duration{0});
  EXPECT_EQ(format_duration(Duration{5'400'000}), "1h30m");
  EXPECT_EQ(format_duration(Duration{0}), "0s");
  EXPECT_EQ(describe_duration(Duration{72'000}), "1 m 12 s");
}

TEST(Time, durations_refuse_nonsense_with_a_fix) {
  for (const char* text :
       {"", "-5s", "5", "5x", "30m1h", "5s5s", "1.5h", "9999999d", "99999999999999999s"}) {
    const auto result = parse_duration(text);
    ASSERT_FALSE(result) << text;
    EXPECT_FALSE(result.error().fix.empty());
  }
}

}  // namespace
}  // namespace baton
