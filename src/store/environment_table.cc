// SPDX-License-Identifier: MIT
#include "store/environment_table.h"

#include "base/text.h"
#include "store/lease_json.h"
#include "store/row_cache.h"

namespace baton::store {
namespace {

using model::Environment;
using model::SlotState;

constexpr std::string_view kColumns =
    "SELECT name, slots, state, reason, actor, source, revision, created_at, state_since, "
    "definition FROM environment ";
constexpr std::string_view kSlotColumns =
    "SELECT environment, number, state, mode, holders, since, lease, failures, message FROM slot ";

Result<Environment> environment_of(const Row& row) {
  Environment e;
  e.name = row.text(0);
  e.slots = static_cast<int>(row.integer(1));
  e.state = static_cast<model::EnvironmentState>(row.integer(2));
  e.state_reason = row.text(3);
  e.state_by = row.text(4);
  e.source = static_cast<model::SuiteSource>(row.integer(5));
  e.revision = row.integer(6);
  e.created_at = from_ms(row.integer(7));
  e.state_since = from_ms(row.integer(8));
  BATON_TRY_VOID(decode_environment(row.text(9), e));
  return e;
}

SlotRow slot_of(const Row& row) {
  SlotRow slot;
  slot.environment = row.text(0);
  slot.number = static_cast<int>(row.integer(1));
  slot.state = static_cast<SlotState>(row.integer(2));
  slot.mode = static_cast<model::LeaseMode>(row.integer(3));
  slot.holders = static_cast<int>(row.integer(4));
  slot.since = from_ms(row.integer(5));
  slot.lease = row.text(6);
  slot.failures = static_cast<int>(row.integer(7));
  slot.message = row.text(8);
  return slot;
}

std::vector<SlotRow> slots_in(const Rows& rows) {
  std::vector<SlotRow> slots;
  slots.reserve(rows.size());
  for (const Row& row : rows) slots.push_back(slot_of(row));
  return slots;
}

bool has_period(SlotState state) { return state != SlotState::free && state != SlotState::held; }

void forget_slots(Tx& tx, std::string_view environment) {
  if (RowCache* cache = tx.sql().cache()) cache->slots.drop(environment);
}

// The remembered slot that is about to be written; nothing when it is not remembered.
SlotRow* written_slot(Tx& tx, std::string_view environment, int number) {
  RowCache* cache = tx.sql().cache();
  std::vector<SlotRow>* slots = cache ? cache->slots.find(environment) : nullptr;
  if (!slots) return nullptr;
  cache->slots.touch(environment);
  for (SlotRow& slot : *slots)
    if (slot.number == number) return &slot;
  return nullptr;
}

}  // namespace

std::string environment_subject(std::string_view name) {
  return fmt::format("environment:{}", name);
}

std::string environment_of_subject(std::string_view subject) {
  constexpr std::string_view kPrefix = "environment:";
  if (!subject.starts_with(kPrefix)) return {};
  return std::string(subject.substr(kPrefix.size()));
}

Result<std::optional<Environment>> find_environment(Session& session, std::string_view name) {
  RowCache* cache = session.cache();
  if (cache)
    if (const Environment* known = cache->environments.find(name)) return std::optional{*known};
  static const std::string kSql = std::string(kColumns) + "WHERE name = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(name)}));
  if (rows.empty()) return std::optional<Environment>{};
  BATON_TRY(found, environment_of(rows[0]));
  if (cache) cache->environments.remember(name, found);
  return std::optional{std::move(found)};
}

Result<std::vector<Environment>> list_environments(Session& session, std::string_view after,
                                                   int limit) {
  static const std::string kSql = std::string(kColumns) + "WHERE name > ? ORDER BY name LIMIT ?";
  BATON_TRY(rows, session.query(kSql, {std::string(after), std::int64_t{limit}}));
  std::vector<Environment> all;
  for (const Row& row : rows) {
    BATON_TRY(one, environment_of(row));
    all.push_back(std::move(one));
  }
  return all;
}

Result<void> put_environment(Tx& tx, const Environment& e, std::string_view kind,
                             std::string_view data) {
  if (RowCache* cache = tx.sql().cache()) cache->environments.drop(e.name);
  BATON_TRY_VOID(tx.sql().exec(
      "INSERT INTO environment (name, slots, state, reason, actor, source, revision, created_at, "
      "state_since, definition) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (name) DO UPDATE SET slots = excluded.slots, state = excluded.state, "
      "reason = excluded.reason, actor = excluded.actor, source = excluded.source, "
      "revision = excluded.revision, state_since = excluded.state_since, "
      "definition = excluded.definition",
      {e.name, std::int64_t{e.slots}, static_cast<std::int64_t>(e.state), e.state_reason,
       e.state_by, static_cast<std::int64_t>(e.source), e.revision, to_ms(e.created_at),
       to_ms(e.state_since), encode_environment(e)}));
  BATON_TRY_VOID(tx.append(kind, environment_subject(e.name), data));
  return {};
}

Result<void> remove_environment(Tx& tx, std::string_view name) {
  if (RowCache* cache = tx.sql().cache()) cache->environments.drop(name);
  forget_slots(tx, name);
  const std::string text(name);
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM environment WHERE name = ?", {text}));
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM slot WHERE environment = ?", {text}));
  BATON_TRY_VOID(tx.sql().exec("DELETE FROM slot_period WHERE environment = ?", {text}));
  BATON_TRY_VOID(tx.append("environment.deleted", environment_subject(name)));
  return {};
}

Result<std::vector<SlotRow>> slots_of(Session& session, std::string_view environment) {
  RowCache* cache = session.cache();
  if (cache)
    if (const auto* known = cache->slots.find(environment)) return *known;
  static const std::string kSql =
      std::string(kSlotColumns) + "WHERE environment = ? ORDER BY number";
  BATON_TRY(rows, session.query(kSql, {std::string(environment)}));
  std::vector<SlotRow> slots = slots_in(rows);
  if (cache) cache->slots.remember(environment, slots);
  return slots;
}

Result<std::optional<SlotRow>> find_slot(Session& session, std::string_view environment,
                                         int number) {
  if (RowCache* cache = session.cache()) {
    if (const auto* known = cache->slots.find(environment)) {
      for (const SlotRow& slot : *known)
        if (slot.number == number) return std::optional{slot};
      return std::optional<SlotRow>{};
    }
  }
  static const std::string kSql =
      std::string(kSlotColumns) + "WHERE environment = ? AND number = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(environment), std::int64_t{number}}));
  if (rows.empty()) return std::optional<SlotRow>{};
  return std::optional{slot_of(rows[0])};
}

Result<std::vector<SlotRow>> busy_slots(Session& session) {
  static const std::string kSql =
      std::string(kSlotColumns) + "WHERE state > 1 ORDER BY environment, number";
  BATON_TRY(rows, session.query(kSql));
  return slots_in(rows);
}

Result<void> insert_slot(Tx& tx, const SlotRow& slot) {
  forget_slots(tx, slot.environment);
  BATON_TRY_VOID(tx.sql().exec(
      "INSERT INTO slot (environment, number, state, mode, holders, since, lease, failures, "
      "message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {slot.environment, std::int64_t{slot.number}, static_cast<std::int64_t>(slot.state),
       static_cast<std::int64_t>(slot.mode), std::int64_t{slot.holders}, to_ms(tx.now().wall),
       slot.lease, std::int64_t{slot.failures}, slot.message}));
  if (!has_period(slot.state)) return {};
  return open_period(tx, slot.environment, slot.number, static_cast<std::int64_t>(slot.state));
}

Result<void> remove_slot(Tx& tx, std::string_view environment, int number) {
  forget_slots(tx, environment);
  BATON_TRY_VOID(close_periods(tx, environment, number));
  return tx.sql().exec("DELETE FROM slot WHERE environment = ? AND number = ?",
                       {std::string(environment), std::int64_t{number}});
}

Result<void> take_slot(Tx& tx, std::string_view environment, int number, model::LeaseMode mode,
                       std::string_view lease) {
  if (SlotRow* slot = written_slot(tx, environment, number)) {
    slot->state = SlotState::held;
    slot->mode = mode;
    ++slot->holders;
    slot->since = tx.now().wall;
    slot->lease = std::string(lease);
  }
  return tx.sql().exec(
      "UPDATE slot SET state = 1, mode = ?, holders = holders + 1, since = ?, lease = ? "
      "WHERE environment = ? AND number = ?",
      {static_cast<std::int64_t>(mode), to_ms(tx.now().wall), std::string(lease),
       std::string(environment), std::int64_t{number}});
}

Result<int> leave_slot(Tx& tx, std::string_view environment, int number) {
  BATON_TRY(found, find_slot(tx.sql(), environment, number));
  const int holders = found ? found->holders - 1 : -1;
  if (holders < 0) return fail(Code::internal, "slot {} of {} has no holder", number, environment);
  const SlotState state = holders > 0 ? found->state : SlotState::free;
  if (SlotRow* slot = written_slot(tx, environment, number)) {
    slot->holders = holders;
    slot->state = state;
    slot->since = tx.now().wall;
  }
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE slot SET holders = ?, state = ?, since = ? WHERE environment = ? AND number = ?",
      {std::int64_t{holders}, static_cast<std::int64_t>(state), to_ms(tx.now().wall),
       std::string(environment), std::int64_t{number}}));
  return holders;
}

Result<void> put_slot(Tx& tx, const SlotRow& slot, SlotState before) {
  forget_slots(tx, slot.environment);
  if (has_period(before)) BATON_TRY_VOID(close_periods(tx, slot.environment, slot.number));
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE slot SET state = ?, since = ?, lease = ?, failures = ?, message = ? "
      "WHERE environment = ? AND number = ?",
      {static_cast<std::int64_t>(slot.state), to_ms(tx.now().wall), slot.lease,
       std::int64_t{slot.failures}, slot.message, slot.environment, std::int64_t{slot.number}}));
  if (has_period(slot.state))
    BATON_TRY_VOID(
        open_period(tx, slot.environment, slot.number, static_cast<std::int64_t>(slot.state)));
  BATON_TRY_VOID(tx.append(
      fmt::format("slot.{}", name_of(slot.state)), environment_subject(slot.environment),
      fmt::format(R"({{"slot":{},"lease":{},"message":{}}})", slot.number, json_quote(slot.lease),
                  json_quote(slot.message))));
  return {};
}

Result<void> note_slot(Tx& tx, const SlotRow& slot) {
  forget_slots(tx, slot.environment);
  return tx.sql().exec(
      "UPDATE slot SET failures = ?, message = ? WHERE environment = ? AND number = ?",
      {std::int64_t{slot.failures}, slot.message, slot.environment, std::int64_t{slot.number}});
}

Result<void> open_period(Tx& tx, std::string_view environment, int slot, std::int64_t state) {
  // The same state may come and go within a millisecond.
  return tx.sql().exec(
      "INSERT INTO slot_period (environment, slot, from_at, to_at, state) VALUES (?, ?, ?, NULL, "
      "?) ON CONFLICT (environment, slot, from_at, state) DO UPDATE SET to_at = NULL",
      {std::string(environment), std::int64_t{slot}, to_ms(tx.now().wall), state});
}

Result<void> close_periods(Tx& tx, std::string_view environment, int slot) {
  return tx.sql().exec(
      "UPDATE slot_period SET to_at = ? WHERE environment = ? AND slot = ? AND to_at IS NULL",
      {to_ms(tx.now().wall), std::string(environment), std::int64_t{slot}});
}

Result<std::vector<Period>> periods(Session& session, std::string_view environment, TimePoint from,
                                    TimePoint to) {
  BATON_TRY(rows, session.query("SELECT slot, from_at, to_at, state FROM slot_period "
                                "WHERE environment = ? AND from_at < ? AND "
                                "(to_at IS NULL OR to_at > ?) ORDER BY from_at, slot",
                                {std::string(environment), to_ms(to), to_ms(from)}));
  std::vector<Period> list;
  for (const Row& row : rows) {
    Period period;
    period.slot = static_cast<int>(row.integer(0));
    period.from = from_ms(row.integer(1));
    if (const auto ms = row.optional_integer(2)) period.to = from_ms(*ms);
    if (period.slot == 0)
      period.environment_state = static_cast<model::EnvironmentState>(row.integer(3));
    else
      period.state = static_cast<SlotState>(row.integer(3));
    list.push_back(period);
  }
  return list;
}

Result<std::vector<model::Event>> environment_events(Session& session, std::string_view environment,
                                                     TimePoint from, int limit) {
  BATON_TRY(rows, session.query("SELECT seq, at, kind, subject, data FROM event WHERE subject = ? "
                                "AND at >= ? ORDER BY seq LIMIT ?",
                                {environment_subject(environment), to_ms(from),
                                 std::int64_t{limit}}));
  std::vector<model::Event> events;
  for (const Row& row : rows)
    events.push_back(
        {row.integer(0), from_ms(row.integer(1)), row.text(2), row.text(3), row.text(4)});
  return events;
}

Result<int> remove_periods_before(Tx& tx, TimePoint before, int limit) {
  BATON_TRY(rows,
            tx.sql().query("SELECT environment, slot, from_at, state FROM slot_period "
                           "WHERE to_at IS NOT NULL AND to_at < ? LIMIT ?",
                           {to_ms(before), std::int64_t{limit}}));
  for (const Row& row : rows)
    BATON_TRY_VOID(tx.sql().exec("DELETE FROM slot_period WHERE environment = ? AND slot = ? AND "
                                 "from_at = ? AND state = ?",
                                 {row.text(0), row.integer(1), row.integer(2), row.integer(3)}));
  return static_cast<int>(rows.size());
}

}  // namespace baton::store
