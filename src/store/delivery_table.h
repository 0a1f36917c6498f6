// SPDX-License-Identifier: MIT
#pragma once
// Table delivery. Writes append their event, of subject "delivery:ID".
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/delivery.h"
#include "store/tx.h"

namespace baton::store {

std::string delivery_subject(std::string_view id);
/// "" when the subject is none.
std::string delivery_of_subject(std::string_view subject);

/// Gives it its seq. No event: the gate's opening tells of it; what a legacy route took appends
/// delivery.taken.
Result<void> insert_delivery(Tx& tx, model::Delivery& delivery);
/// Writes what changes. Event `kind` (delivery.due, delivery.failed, delivery.delivered …), or none
/// when it is "".
Result<void> update_delivery(Tx& tx, const model::Delivery& delivery, std::string_view kind);

/// Writes the fields of its target, which change only when secrets are dropped. No event.
Result<void> set_delivery_fields(Tx& tx, const model::Delivery& delivery);

Result<std::optional<model::Delivery>> find_delivery(Session& session, std::string_view id);
/// In the order in which they were made.
Result<std::vector<model::Delivery>> deliveries_of(Session& session, std::string_view gate);
/// Queued ones with a next attempt, by its time.
Result<std::vector<model::Delivery>> due_deliveries(Session& session, int limit);
/// The oldest queued one of the lane.
Result<std::optional<model::Delivery>> first_of_lane(Session& session, std::string_view lane);
struct DeliveryFilter {
  std::optional<model::DeliveryState> state;
  std::string gate;
  std::string link;
};
/// The newest first, before the seq `before` (0: from the newest), at most `limit`.
Result<std::vector<model::Delivery>> list_deliveries(Session& session,
                                                     const DeliveryFilter& filter,
                                                     std::int64_t before, int limit);
struct DeliveryCounts {
  std::int64_t queued = 0;  // with a next attempt
  std::int64_t dead = 0;
};
Result<DeliveryCounts> count_deliveries(Session& session);

}  // namespace baton::store
