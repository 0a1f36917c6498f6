// SPDX-License-Identifier: MIT
#include "store/schedule_table.h"

namespace baton::store {
namespace {

using model::Schedule;

constexpr std::string_view kColumns =
    "SELECT name, suite, cron, every_ms, time_zone, filter, max_runs, until_ms, overlap, catch_up, "
    "source, paused, waiting, next_at, last_run, run_count, revision FROM schedule ";

// Of the column `paused`: whether it is, and whether its file says so.
constexpr std::int64_t kPaused = 1;
constexpr std::int64_t kDeclaredPaused = 2;

std::int64_t pause_bits(const Schedule& s) {
  return (s.paused ? kPaused : 0) | (s.declared_paused ? kDeclaredPaused : 0);
}

template <class T>
Value or_null(const std::optional<T>& value, std::int64_t number) {
  return value ? Value{number} : Value{std::monostate{}};
}

Schedule schedule_of(const Row& row) {
  Schedule s;
  const auto time = [&](std::size_t i) {
    const auto ms = row.optional_integer(i);
    return ms ? std::optional{from_ms(*ms)} : std::nullopt;
  };
  s.name = row.text(0);
  s.suite = row.text(1);
  s.cron = row.text(2);
  if (const auto ms = row.optional_integer(3)) s.every = Duration{*ms};
  s.time_zone = row.text(4);
  s.filter = row.text(5);
  s.max_runs = row.integer(6);
  s.until = time(7);
  s.overlap = static_cast<model::Overlap>(row.integer(8));
  s.catch_up = static_cast<model::CatchUp>(row.integer(9));
  s.source = static_cast<model::SuiteSource>(row.integer(10));
  s.paused = (row.integer(11) & kPaused) != 0;
  s.declared_paused = (row.integer(11) & kDeclaredPaused) != 0;
  s.waiting = row.integer(12) != 0;
  s.next_at = time(13);
  if (const auto id = row.optional_integer(14)) s.last_run = RunId{*id};
  s.run_count = row.integer(15);
  s.revision = row.integer(16);
  return s;
}

std::vector<Schedule> schedules_in(const Rows& rows) {
  std::vector<Schedule> schedules;
  schedules.reserve(rows.size());
  for (const Row& row : rows) schedules.push_back(schedule_of(row));
  return schedules;
}

}  // namespace

std::string schedule_subject(std::string_view name) { return fmt::format("schedule:{}", name); }

std::string schedule_of_subject(std::string_view subject) {
  constexpr std::string_view kPrefix = "schedule:";
  if (!subject.starts_with(kPrefix)) return {};
  return std::string(subject.substr(kPrefix.size()));
}

Result<std::optional<Schedule>> find_schedule(Session& session, std::string_view name) {
  static const std::string kSql = std::string(kColumns) + "WHERE name = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(name)}));
  if (rows.empty()) return std::optional<Schedule>{};
  return std::optional{schedule_of(rows[0])};
}

Result<std::vector<Schedule>> list_schedules(Session& session, std::string_view after, int limit) {
  static const std::string kSql = std::string(kColumns) + "WHERE name > ? ORDER BY name LIMIT ?";
  BATON_TRY(rows, session.query(kSql, {std::string(after), std::int64_t{limit}}));
  return schedules_in(rows);
}

Result<std::vector<Schedule>> schedules_of(Session& session, std::string_view suite) {
  static const std::string kSql = std::string(kColumns) + "WHERE suite = ? ORDER BY name";
  BATON_TRY(rows, session.query(kSql, {std::string(suite)}));
  return schedules_in(rows);
}

Result<void> put_schedule(Tx& tx, const Schedule& s, std::string_view kind,
                          std::string_view data) {
  BATON_TRY_VOID(tx.sql().exec(
      "INSERT INTO schedule (name, suite, cron, every_ms, time_zone, filter, max_runs, until_ms, "
      "overlap, catch_up, source, paused, waiting, next_at, last_run, run_count, revision) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (name) DO UPDATE SET suite = excluded.suite, cron = excluded.cron, "
      "every_ms = excluded.every_ms, time_zone = excluded.time_zone, filter = excluded.filter, "
      "max_runs = excluded.max_runs, until_ms = excluded.until_ms, overlap = excluded.overlap, "
      "catch_up = excluded.catch_up, source = excluded.source, paused = excluded.paused, "
      "waiting = excluded.waiting, next_at = excluded.next_at, last_run = excluded.last_run, "
      "run_count = excluded.run_count, revision = excluded.revision",
      {s.name, s.suite, s.cron, or_null(s.every, s.every ? s.every->count() : 0), s.time_zone,
       s.filter, s.max_runs, or_null(s.until, s.until ? to_ms(*s.until) : 0),
       static_cast<std::int64_t>(s.overlap), static_cast<std::int64_t>(s.catch_up),
       static_cast<std::int64_t>(s.source), pause_bits(s), std::int64_t{s.waiting},
       or_null(s.next_at, s.next_at ? to_ms(*s.next_at) : 0),
       or_null(s.last_run, s.last_run ? raw(*s.last_run) : 0), s.run_count, s.revision}));
  BATON_TRY_VOID(tx.append(kind, schedule_subject(s.name), data));
  return {};
}

Result<void> remove_schedule(Tx& tx, std::string_view name) {
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM schedule WHERE name = ?", {std::string(name)}));
  BATON_TRY_VOID(tx.append("schedule.deleted", schedule_subject(name)));
  return {};
}

}  // namespace baton::store
