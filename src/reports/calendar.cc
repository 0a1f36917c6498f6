// SPDX-License-Identifier: MIT
#include "reports/calendar.h"

#include "base/text.h"
#include "model/recurrence.h"

namespace baton::reports {
namespace {

using model::Booking;
using model::BookingKind;

constexpr std::size_t kLineMax = 75;  // octets without the line end; RFC 5545, 3.1

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// One content line: broken where it gets too long, never inside a character.
void put(std::string& out, std::string_view line) {
  std::size_t room = kLineMax;
  while (line.size() > room) {
    std::size_t cut = room;
    while (continues_character(line[cut])) --cut;
    out.append(line.substr(0, cut)).append("\r\n ");
    line.remove_prefix(cut);
    room = kLineMax - 1;  // the blank counts
  }
  out.append(line).append("\r\n");
}

std::string escaped(std::string_view raw_text) {
  std::string out;
  for (const char c : to_valid_utf8(raw_text)) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\\' || c == ';' || c == ',')
      out += {'\\', c};
    else if (c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f))
      out += c;
  }
  return out;
}

// 20260302T090000Z
std::string time_text(TimePoint time) {
  std::string text = format_rfc3339(time).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

std::string target_of(const Booking& booking) {
  if (!booking.environment.empty()) return booking.environment;
  std::string text;
  for (const auto& [key, value] : booking.labels)
    text += (text.empty() ? "" : ", ") + key + "=" + value;
  return text;
}

std::string summary_of(const Booking& booking) {
  const std::string target = target_of(booking);
  if (booking.kind == BookingKind::booking) return target + ": " + booking.owner;
  return fmt::format("{}: {}", target, name_of(booking.kind));
}

std::string description_of(const Booking& booking) {
  std::string text = booking.note;
  if (booking.kind == BookingKind::booking || booking.owner.empty()) return text;
  return text + (text.empty() ? "" : "\n") + "Owner: " + booking.owner;
}

void put_event(std::string& out, const Booking& booking) {
  // The begin may be a day that the rule does not name, which programs read in different ways.
  const auto first = model::window_at(booking, booking.from);
  const auto rule = model::Recurrence::parse(booking.rrule);
  if (!first || !*first || !rule) return;
  const auto field = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) put(out, fmt::format("{}:{}", name, value));
  };
  put(out, "BEGIN:VEVENT");
  field("UID", booking.id + "@baton");
  field("DTSTAMP", time_text(booking.created_at));
  field("DTSTART", time_text((*first)->from));
  // An event may not be empty: a begun second counts.
  field("DTEND", time_text(std::chrono::ceil<std::chrono::seconds>((*first)->to)));
  field("RRULE", rule->text());
  field("SUMMARY", escaped(summary_of(booking)));
  field("DESCRIPTION", escaped(description_of(booking)));
  field("LOCATION", escaped(booking.environment));
  field("CATEGORIES", name_of(booking.kind));
  put(out, "END:VEVENT");
}

}  // namespace

std::string calendar_of(const std::vector<Booking>& bookings) {
  std::string out;
  put(out, "BEGIN:VCALENDAR");
  put(out, "VERSION:2.0");
  put(out, "PRODID:-//Baton//Bookings//EN");
  put(out, "CALSCALE:GREGORIAN");
  put(out, "X-WR-CALNAME:Baton");
  for (const Booking& booking : bookings) put_event(out, booking);
  put(out, "END:VCALENDAR");
  return out;
}

}  // namespace baton::reports
