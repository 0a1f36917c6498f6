// SPDX-License-Identifier: MIT
#include "reports/calendar.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace baton::reports {
namespace {

using model::Booking;

Booking booking() {
  Booking one;
  one.id = "bkg_1";
  one.environment = "staging";
  one.from = *parse_rfc3339("2026-03-02T09:00:00Z");
  one.to = *parse_rfc3339("2026-03-02T11:00:00Z");
  one.owner = "team pay";
  one.created_at = *parse_rfc3339("2026-02-01T12:30:00.250Z");
  return one;
}

// Each line as it is in the file, without its CRLF. Fails on any other line end.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    if (end == std::string::npos) {
      ADD_FAILURE() << "the last line does not end";
      break;
    }
    lines.push_back(text.substr(at, end - at));
    EXPECT_EQ(lines.back().find_first_of("\r\n"), std::string::npos);
    at = end + 2;
  }
  return lines;
}

// The value of the property in the only event, unfolded.
std::string value_of(const Booking& one, std::string_view name) {
  std::string text = calendar_of({one});
  for (std::size_t at; (at = text.find("\r\n ")) != std::string::npos;) text.erase(at, 3);
  const std::string key = fmt::format("\r\n{}:", name);
  const std::size_t at = text.find(key);
  if (at == std::string::npos) return "none";
  const std::size_t begin = at + key.size();
  return text.substr(begin, text.find("\r\n", begin) - begin);
}

TEST(Calendar, an_event_is_written_as_the_standard_says) {
  Booking one = booking();
  one.rrule = "freq=weekly;byday=mo,we;until=20261231";
  one.note = "release";
  EXPECT_EQ(calendar_of({one}),
            "BEGIN:VCALENDAR\r\n"
            "VERSION:2.0\r\n"
            "PRODID:-//Baton//Bookings//EN\r\n"
            "CALSCALE:GREGORIAN\r\n"
            "X-WR-CALNAME:Baton\r\n"
            "BEGIN:VEVENT\r\n"
            "UID:bkg_1@baton\r\n"
            "DTSTAMP:20260201T123000Z\r\n"
            "DTSTART:20260302T090000Z\r\n"
            "DTEND:20260302T110000Z\r\n"
            "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261231T235959Z\r\n"
            "SUMMARY:staging: team pay\r\n"
            "DESCRIPTION:release\r\n"
            "LOCATION:staging\r\n"
            "CATEGORIES:booking\r\n"
            "END:VEVENT\r\n"
            "END:VCALENDAR\r\n");
  EXPECT_EQ(lines_of(calendar_of({})).size(), 6U);
}

TEST(Calendar, text_is_escaped) {
  Booking one = booking();
  one.note = "a,b;c\\d\r\ne\nf:\"g\"\x01\x7f\t\xff";
  EXPECT_EQ(value_of(one, "DESCRIPTION"),
            "a\\,b\\;c\\\\d\\ne\\nf:\"g\"\t\xEF\xBF\xBD");
  one.environment = "uat\r\nEND:VCALENDAR";
  EXPECT_EQ(value_of(one, "LOCATION"), "uat\\nEND:VCALENDAR");
}

TEST(Calendar, long_lines_are_folded_between_characters) {
  for (std::size_t shift = 0; shift < 6; ++shift) {
    Booking one = booking();
    one.note = std::string(shift, 'x');
    for (int i = 0; i < 200; ++i) one.note += i % 3 ? "\xF0\x9F\x9A\x80" : "\xC3\xA4";
    for (const std::string& line : lines_of(calendar_of({one}))) {
      EXPECT_LE(line.size(), 75U);
      EXPECT_TRUE(is_valid_utf8(line));
    }
    EXPECT_EQ(value_of(one, "DESCRIPTION"), one.note);
  }
  Booking exact = booking();
  exact.note = std::string(75 - std::string_view("DESCRIPTION:").size(), 'x');
  EXPECT_EQ(lines_of(calendar_of({exact})).size(), 16U);
  exact.note += 'x';
  EXPECT_EQ(lines_of(calendar_of({exact})).size(), 17U);
}

TEST(Calendar, begins_with_the_first_window) {
  Booking one = booking();
  one.rrule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;COUNT=3";
  EXPECT_EQ(value_of(one, "DTSTART"), "20260308T090000Z");
  EXPECT_EQ(value_of(one, "DTEND"), "20260308T110000Z");
  EXPECT_EQ(value_of(one, "RRULE"), one.rrule);
  one.rrule = "";
  one.to = one.from + Duration{1};
  EXPECT_EQ(value_of(one, "DTEND"), "20260302T090001Z");
  EXPECT_EQ(value_of(one, "RRULE"), "none");
}

TEST(Calendar, says_what_is_kept_from_whom) {
  Booking one = booking();
  one.environment.clear();
  one.labels = {{"team", "pay"}, {"size", "l"}};
  EXPECT_EQ(value_of(one, "SUMMARY"), "size=l\\, team=pay: team pay");
  EXPECT_EQ(value_of(one, "LOCATION"), "none");
  one.kind = model::BookingKind::maintenance;
  EXPECT_EQ(value_of(one, "SUMMARY"), "size=l\\, team=pay: maintenance");
  EXPECT_EQ(value_of(one, "DESCRIPTION"), "Owner: team pay");
  EXPECT_EQ(value_of(one, "CATEGORIES"), "maintenance");
}

}  // namespace
}  // namespace baton::reports
