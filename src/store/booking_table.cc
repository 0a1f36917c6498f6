// SPDX-License-Identifier: MIT
#include "store/booking_table.h"

#include <algorithm>

#include "base/text.h"
#include "store/lease_json.h"
#include "store/row_cache.h"
#include "store/row_members.h"

namespace baton::store {
namespace {

using model::Booking;
using model::Window;

constexpr std::string_view kColumns =
    "SELECT id, environment, labels, from_at, to_at, rrule, kind, owner, note, created_at, "
    "created_by, under_way FROM booking ";

Result<Booking> booking_of(const Row& row) {
  Booking booking;
  booking.id = row.text(0);
  booking.environment = row.text(1);
  BATON_TRY(labels, decode_labels(row.text(2)));
  booking.labels = std::move(labels);
  booking.from = from_ms(row.integer(3));
  booking.to = from_ms(row.integer(4));
  booking.rrule = row.text(5);
  booking.kind = static_cast<model::BookingKind>(row.integer(6));
  booking.owner = row.text(7);
  booking.note = row.text(8);
  booking.created_at = from_ms(row.integer(9));
  booking.created_by = row.text(10);
  if (const auto ms = row.optional_integer(11)) booking.under_way = from_ms(*ms);
  return booking;
}

Result<std::vector<Booking>> bookings_in(const Rows& rows) {
  std::vector<Booking> bookings;
  bookings.reserve(rows.size());
  for (const Row& row : rows) {
    BATON_TRY(booking, booking_of(row));
    bookings.push_back(std::move(booking));
  }
  return bookings;
}

Value or_null(const std::optional<TimePoint>& time) {
  return time ? Value{to_ms(*time)} : Value{std::monostate{}};
}

MemberWriter members_of(const Booking& booking, TimePoint from, TimePoint to) {
  MemberWriter out;
  out.text("environment", booking.environment);
  out.texts("labels", booking.labels);
  out.text("from", format_rfc3339(from));
  out.text("to", format_rfc3339(to));
  out.text("kind", name_of(booking.kind));
  out.text("owner", booking.owner);
  return out;
}

}  // namespace

std::string booking_subject(std::string_view id) { return fmt::format("booking:{}", id); }

std::string booking_of_subject(std::string_view subject) {
  constexpr std::string_view kPrefix = "booking:";
  if (!subject.starts_with(kPrefix)) return {};
  return std::string(subject.substr(kPrefix.size()));
}

std::string booking_event_data(const Booking& booking) {
  MemberWriter out = members_of(booking, booking.from, booking.to);
  out.text("rrule", booking.rrule);
  out.text("note", booking.note);
  out.text("by", booking.created_by);
  return out.serialize();
}

Result<void> insert_booking(Tx& tx, const Booking& booking) {
  BATON_TRY(ends_at, model::end_of(booking));
  if (RowCache* cache = tx.sql().cache()) cache->bookings = {.none = false, .written = true};
  BATON_TRY_VOID(tx.sql().exec(
      "INSERT INTO booking (id, environment, labels, from_at, to_at, rrule, kind, owner, note, "
      "created_at, created_by, ends_at, under_way) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "NULL)",
      {booking.id, booking.environment, encode_labels(booking.labels), to_ms(booking.from),
       to_ms(booking.to), booking.rrule, static_cast<std::int64_t>(booking.kind), booking.owner,
       booking.note, to_ms(booking.created_at), booking.created_by, or_null(ends_at)}));
  BATON_TRY_VOID(
      tx.append("booking.created", booking_subject(booking.id), booking_event_data(booking)));
  return {};
}

Result<void> remove_booking(Tx& tx, std::string_view id) {
  if (RowCache* cache = tx.sql().cache()) cache->bookings.written = true;
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM booking WHERE id = ?", {std::string(id)}));
  BATON_TRY_VOID(tx.append("booking.deleted", booking_subject(id)));
  return {};
}

Result<bool> tell_window(Tx& tx, Booking& booking, const std::optional<Window>& under_way) {
  const auto begin = under_way ? std::optional{under_way->from} : std::nullopt;
  if (begin == booking.under_way) return false;
  const auto tell = [&](std::string_view kind, TimePoint from) -> Result<void> {
    const MemberWriter data = members_of(booking, from, from + (booking.to - booking.from));
    BATON_TRY_VOID(tx.append(kind, booking_subject(booking.id), data.serialize()));
    return {};
  };
  if (booking.under_way) BATON_TRY_VOID(tell("booking.ended", *booking.under_way));
  if (begin) BATON_TRY_VOID(tell("booking.started", *begin));
  booking.under_way = begin;
  BATON_TRY_VOID(tx.sql().exec("UPDATE booking SET under_way = ? WHERE id = ?",
                               {or_null(begin), booking.id}));
  return true;
}

Result<std::optional<Booking>> find_booking(Session& session, std::string_view id) {
  static const std::string kSql = std::string(kColumns) + "WHERE id = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(id)}));
  if (rows.empty()) return std::optional<Booking>{};
  BATON_TRY(found, booking_of(rows[0]));
  return std::optional{std::move(found)};
}

Result<std::vector<Booking>> list_bookings(Session& session, std::string_view after, int limit) {
  static const std::string kSql = std::string(kColumns) + "WHERE id > ? ORDER BY id LIMIT ?";
  BATON_TRY(rows, session.query(kSql, {std::string(after), std::int64_t{limit}}));
  return bookings_in(rows);
}

Result<std::int64_t> live_bookings(Session& session, TimePoint wall) {
  BATON_TRY(rows,
            session.query("SELECT COUNT(*) FROM booking WHERE ends_at IS NULL OR ends_at > ?",
                          {to_ms(wall)}));
  return rows.at(0).integer(0);
}

Result<std::vector<Booking>> bookings_of(Session& session, const model::Environment& environment,
                                         TimePoint wall) {
  static const std::string kSql =
      std::string(kColumns) +
      "WHERE environment IN (?, '') AND (ends_at IS NULL OR ends_at > ?) ORDER BY id";
  BATON_TRY(rows, session.query(kSql, {environment.name, to_ms(wall)}));
  BATON_TRY(bookings, bookings_in(rows));
  std::erase_if(bookings,
                [&](const Booking& booking) { return !model::concerns(booking, environment); });
  return std::move(bookings);
}

Result<std::vector<Window>> windows_of(Session& session, const model::Environment& environment,
                                       TimePoint wall) {
  std::vector<Window> windows;
  // Asked at every grant, and most servers have none.
  RowCache* cache = session.cache();
  if (cache && cache->bookings.none) return windows;
  BATON_TRY(any, session.query("SELECT 1 FROM booking LIMIT 1"));
  if (cache) cache->bookings.none = any.empty();
  if (any.empty()) return windows;
  BATON_TRY(bookings, bookings_of(session, environment, wall));
  for (const Booking& booking : bookings) {
    BATON_TRY(window, model::window_at(booking, wall));
    if (!window) continue;
    const bool is_near = environment.max_hold && window->from - wall < *environment.max_hold;
    if (window->from <= wall || is_near) windows.push_back(*std::move(window));
  }
  std::sort(windows.begin(), windows.end(), [](const Window& a, const Window& b) {
    return std::tie(a.from, a.booking) < std::tie(b.from, b.booking);
  });
  return windows;
}

Result<int> remove_bookings_before(Tx& tx, TimePoint before, int limit) {
  BATON_TRY(rows, tx.sql().query("SELECT id FROM booking WHERE ends_at < ? ORDER BY ends_at "
                                 "LIMIT ?",
                                 {to_ms(before), std::int64_t{limit}}));
  for (const Row& row : rows) BATON_TRY_VOID(remove_booking(tx, row.text(0)));
  return static_cast<int>(rows.size());
}

}  // namespace baton::store
