// SPDX-License-Identifier: MIT
#include "store/delivery_table.h"

#include "base/text.h"

namespace baton::store {
namespace {

using model::Delivery;

constexpr std::string_view kColumns =
    "SELECT seq, id, gate, link, op, fields, condition, stage, state, attempts, next_at, first_at, "
    "last_status, last_error, error_class, memo, created_at, ended_at, lane, failures, "
    "waited_ms FROM delivery ";

std::optional<TimePoint> time_at(const Row& row, std::size_t i) {
  const auto ms = row.optional_integer(i);
  return ms ? std::optional{from_ms(*ms)} : std::nullopt;
}

Value or_null(const std::optional<TimePoint>& time) {
  return time ? Value{to_ms(*time)} : Value{std::monostate{}};
}

Delivery delivery_of(const Row& row) {
  Delivery d;
  d.seq = row.integer(0);
  d.id = row.text(1);
  d.gate = row.text(2);
  d.target.link = row.text(3);
  d.target.op = row.text(4);
  d.target.fields = row.text(5);
  d.target.when = static_cast<model::When>(row.integer(6));
  d.target.stage = static_cast<model::Stage>(row.integer(7));
  d.state = static_cast<model::DeliveryState>(row.integer(8));
  d.attempts = static_cast<int>(row.integer(9));
  d.next_at = time_at(row, 10);
  d.first_at = time_at(row, 11);
  d.last_status = static_cast<int>(row.integer(12));
  d.last_error = row.text(13);
  d.error_class = static_cast<model::ErrorClass>(row.integer(14));
  d.memo = row.text(15);
  d.created_at = from_ms(row.integer(16));
  d.ended_at = time_at(row, 17);
  d.lane = row.text(18);
  d.failures = static_cast<int>(row.integer(19));
  d.waited = Duration{row.integer(20)};
  return d;
}

Result<std::vector<Delivery>> deliveries_where(Session& session, std::string_view where,
                                               std::span<const Value> args) {
  BATON_TRY(rows, session.query(std::string(kColumns) + std::string(where), args));
  std::vector<Delivery> deliveries;
  deliveries.reserve(rows.size());
  for (const Row& row : rows) deliveries.push_back(delivery_of(row));
  return deliveries;
}

std::string event_data(const Delivery& d) {
  std::string data = fmt::format(R"({{"delivery":{},"gate":{},"link":{},"op":{},"state":"{}",)"
                                 R"("attempts":{})",
                                 json_quote(d.id), json_quote(d.gate), json_quote(d.target.link),
                                 json_quote(d.target.op), name_of(d.state), d.attempts);
  if (d.last_status != 0) data += fmt::format(R"(,"status":{})", d.last_status);
  if (d.error_class != model::ErrorClass::none)
    data += fmt::format(R"(,"error_class":"{}","error":{})", name_of(d.error_class),
                        json_quote(d.last_error));
  return data + "}";
}

constexpr std::string_view kSubject = "delivery:";

}  // namespace

std::string delivery_subject(std::string_view id) { return fmt::format("{}{}", kSubject, id); }

std::string delivery_of_subject(std::string_view subject) {
  if (!subject.starts_with(kSubject)) return {};
  return std::string(subject.substr(kSubject.size()));
}

Result<void> insert_delivery(Tx& tx, Delivery& d) {
  BATON_TRY(
      seq, tx.sql().insert(
               "INSERT INTO delivery (id, gate, lane, link, op, fields, condition, stage, state, "
               "attempts, next_at, first_at, last_status, last_error, error_class, memo, "
               "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               "seq",
               {d.id, d.gate, d.lane, d.target.link, d.target.op, d.target.fields,
                static_cast<std::int64_t>(d.target.when), static_cast<std::int64_t>(d.target.stage),
                static_cast<std::int64_t>(d.state), std::int64_t{d.attempts}, or_null(d.next_at),
                or_null(d.first_at), std::int64_t{d.last_status}, d.last_error,
                static_cast<std::int64_t>(d.error_class), d.memo, to_ms(d.created_at)}));
  d.seq = seq;
  if (!d.gate.empty()) return {};
  BATON_TRY_VOID(tx.append("delivery.taken", delivery_subject(d.id), event_data(d)));
  return {};
}

Result<void> update_delivery(Tx& tx, const Delivery& d, std::string_view kind) {
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE delivery SET state = ?, attempts = ?, next_at = ?, first_at = ?, failures = ?, "
      "waited_ms = ?, last_status = ?, last_error = ?, error_class = ?, memo = ?, ended_at = ? "
      "WHERE seq = ?",
      {static_cast<std::int64_t>(d.state), std::int64_t{d.attempts}, or_null(d.next_at),
       or_null(d.first_at), std::int64_t{d.failures}, d.waited.count(),
       std::int64_t{d.last_status}, d.last_error, static_cast<std::int64_t>(d.error_class), d.memo,
       or_null(d.ended_at), d.seq}));
  if (kind.empty()) return {};
  BATON_TRY_VOID(tx.append(kind, delivery_subject(d.id), event_data(d)));
  return {};
}

Result<void> set_delivery_fields(Tx& tx, const Delivery& d) {
  return tx.sql().exec("UPDATE delivery SET fields = ? WHERE seq = ?", {d.target.fields, d.seq});
}

Result<std::optional<Delivery>> find_delivery(Session& session, std::string_view id) {
  const std::array<Value, 1> args{std::string(id)};
  BATON_TRY(found, deliveries_where(session, "WHERE id = ?", args));
  if (found.empty()) return std::optional<Delivery>{};
  return std::optional{std::move(found.front())};
}

Result<std::vector<Delivery>> deliveries_of(Session& session, std::string_view gate) {
  const std::array<Value, 1> args{std::string(gate)};
  return deliveries_where(session, "WHERE gate = ? ORDER BY seq", args);
}

Result<std::vector<Delivery>> due_deliveries(Session& session, int limit) {
  const std::array<Value, 1> args{std::int64_t{limit}};
  return deliveries_where(session, "WHERE next_at IS NOT NULL ORDER BY next_at, seq LIMIT ?", args);
}

Result<std::optional<Delivery>> first_of_lane(Session& session, std::string_view lane) {
  const std::array<Value, 1> args{std::string(lane)};
  BATON_TRY(found, deliveries_where(
                       session, "WHERE state = 0 AND lane <> '' AND lane = ? ORDER BY seq LIMIT 1",
                       args));
  if (found.empty()) return std::optional<Delivery>{};
  return std::optional{std::move(found.front())};
}

Result<std::vector<Delivery>> list_deliveries(Session& session, const DeliveryFilter& filter,
                                              std::int64_t before, int limit) {
  std::string where = "WHERE 1 = 1";
  std::vector<Value> args;
  const auto add = [&](std::string_view clause, Value value) {
    where += " AND ";
    where += clause;
    args.push_back(std::move(value));
  };
  if (before > 0) add("seq < ?", before);
  // In the text: the index of the dead ones is not found by a parameter.
  if (filter.state) where += fmt::format(" AND state = {}", static_cast<int>(*filter.state));
  if (!filter.gate.empty()) add("gate = ?", filter.gate);
  if (!filter.link.empty()) add("link = ?", filter.link);
  args.emplace_back(std::int64_t{limit});
  return deliveries_where(session, where + " ORDER BY seq DESC LIMIT ?", args);
}

Result<DeliveryCounts> count_deliveries(Session& session) {
  BATON_TRY(queued,
            session.query("SELECT COUNT(*) FROM delivery WHERE next_at IS NOT NULL"));
  BATON_TRY(dead, session.query("SELECT COUNT(*) FROM delivery WHERE state = 2"));
  return DeliveryCounts{queued.at(0).integer(0), dead.at(0).integer(0)};
}

}  // namespace baton::store
