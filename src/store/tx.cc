// SPDX-License-Identifier: MIT
#include "store/tx.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "store/lease_table.h"
#include "store/row_cache.h"

namespace baton::store {

Result<Seq> Tx::append(std::string_view kind, std::string_view subject, std::string_view data) {
  BATON_TRY(seq,
            session_.insert("INSERT INTO event (at, kind, subject, data) VALUES (?, ?, ?, ?)",
                            "seq", {to_ms(now_.wall), std::string(kind), std::string(subject),
                                    std::string(data)}));
  last_seq_ = seq;
  if (std::find(kinds_.begin(), kinds_.end(), kind) == kinds_.end()) kinds_.emplace_back(kind);
  return last_seq_;
}

Result<void> Tx::set_deadline(std::string_view kind, std::string_view subject, TimePoint due) {
  note_due(due);
  if (kind == kInLeaseRow) return set_expiry(subject, to_ms(due));
  return session_.exec("INSERT INTO deadline (kind, subject, due) VALUES (?, ?, ?) "
                       "ON CONFLICT (kind, subject) DO UPDATE SET due = excluded.due",
                       {std::string(kind), std::string(subject), to_ms(due)});
}

Result<void> Tx::clear_deadline(std::string_view kind, std::string_view subject) {
  if (kind == kInLeaseRow) return set_expiry(subject, std::monostate{});
  return session_.exec("DELETE FROM deadline WHERE kind = ? AND subject = ?",
                       {std::string(kind), std::string(subject)});
}

Result<void> Tx::set_expiry(std::string_view subject, const Value& due) {
  const std::string id = lease_of_subject(subject);
  if (RowCache* cache = session_.cache()) cache->leases.drop(id);
  return session_.exec("UPDATE lease SET expires_at = ? WHERE id = ?", {due, id});
}

Result<std::optional<TimePoint>> next_deadline(Session& session) {
  std::optional<TimePoint> next;
  BATON_TRY(rows, session.query("SELECT due FROM deadline ORDER BY due LIMIT 1"));
  BATON_TRY(expiries, session.query("SELECT expires_at FROM lease WHERE expires_at IS NOT NULL "
                                    "ORDER BY expires_at, id LIMIT 1"));
  std::move(expiries.begin(), expiries.end(), std::back_inserter(rows));
  for (const Row& row : rows) {
    const TimePoint due = from_ms(row.integer(0));
    next = std::min(next.value_or(due), due);
  }
  return next;
}

Result<void> probe_write(Session& session, TimePoint now) {
  // Another value each time: SQLite does not write a page whose bytes stay.
  return session.exec(
      "INSERT INTO meta VALUES ('probed_at', ?) ON CONFLICT (key) DO UPDATE SET value = "
      "excluded.value",
      {std::to_string(to_ms(now))});
}

namespace {

std::vector<Deadline> deadlines_in(const Rows& rows) {
  std::vector<Deadline> deadlines;
  deadlines.reserve(rows.size());
  for (const Row& row : rows)
    deadlines.push_back({from_ms(row.integer(0)), row.text(1), row.text(2)});
  return deadlines;
}

}  // namespace

Result<std::vector<Deadline>> due_deadlines(Session& session, TimePoint at, int limit) {
  BATON_TRY(rows, session.query("SELECT due, kind, subject FROM deadline WHERE due <= ? "
                                "ORDER BY due, kind, subject LIMIT ?",
                                {to_ms(at), std::int64_t{limit}}));
  BATON_TRY(expiries,
            session.query("SELECT expires_at, id FROM lease WHERE expires_at IS NOT NULL AND "
                          "expires_at <= ? ORDER BY expires_at, id LIMIT ?",
                          {to_ms(at), std::int64_t{limit}}));
  std::vector<Deadline> deadlines = deadlines_in(rows);
  for (const Row& row : expiries)
    deadlines.push_back(
        {from_ms(row.integer(0)), std::string(kInLeaseRow), lease_subject(row.text(1))});
  std::sort(deadlines.begin(), deadlines.end(), [](const Deadline& a, const Deadline& b) {
    return std::tie(a.due, a.kind, a.subject) < std::tie(b.due, b.kind, b.subject);
  });
  if (deadlines.size() > static_cast<std::size_t>(limit))
    deadlines.resize(static_cast<std::size_t>(limit));
  return deadlines;
}

Result<std::vector<Deadline>> deadlines_after(Session& session, std::string_view kind,
                                              TimePoint at) {
  BATON_TRY(rows, session.query("SELECT due, kind, subject FROM deadline WHERE kind = ? AND "
                                "due > ?",
                                {std::string(kind), to_ms(at)}));
  return deadlines_in(rows);
}

Result<Seq> last_journal_seq(Session& session) {
  BATON_TRY(rows, session.query("SELECT seq FROM event ORDER BY seq DESC LIMIT 1"));
  return rows.empty() ? Seq{0} : rows[0].integer(0);
}

Result<std::vector<model::Event>> read_journal(Session& session, Seq after, int limit,
                                               std::string_view kinds_prefix,
                                               std::string_view subject) {
  std::string sql = "SELECT seq, at, kind, subject, data FROM event WHERE seq > ?";
  std::vector<Value> args{after};
  if (!kinds_prefix.empty()) {
    // A range and not LIKE, so that '%' and '_' mean themselves. U+10FFFF sorts behind every name.
    sql += " AND kind >= ? AND kind < ?";
    args.emplace_back(std::string(kinds_prefix));
    args.emplace_back(std::string(kinds_prefix) + "\xF4\x8F\xBF\xBF");
  }
  if (!subject.empty()) {
    sql += " AND subject = ?";
    args.emplace_back(std::string(subject));
  }
  sql += " ORDER BY seq LIMIT ?";
  args.emplace_back(std::int64_t{limit});
  BATON_TRY(rows, session.query(sql, args));
  std::vector<model::Event> events;
  events.reserve(rows.size());
  for (const Row& row : rows)
    events.push_back({row.integer(0), from_ms(row.integer(1)), row.text(2), row.text(3),
                      row.text(4)});
  return events;
}

}  // namespace baton::store
