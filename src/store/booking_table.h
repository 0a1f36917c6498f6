// SPDX-License-Identifier: MIT
#pragma once
// Table booking. Writes append booking.created and booking.deleted, of subject "booking:ID".
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/booking.h"
#include "model/environment.h"
#include "store/tx.h"

namespace baton::store {

std::string booking_subject(std::string_view id);
std::string booking_of_subject(std::string_view subject);

Result<void> insert_booking(Tx& tx, const model::Booking& booking);
Result<void> remove_booking(Tx& tx, std::string_view id);
Result<std::optional<model::Booking>> find_booking(Session& session, std::string_view id);
/// By id, after `after`, at most `limit`.
Result<std::vector<model::Booking>> list_bookings(Session& session, std::string_view after,
                                                  int limit);
/// Those that concern the environment, by its name or labels.
Result<std::vector<model::Booking>> bookings_of(Session& session,
                                                const model::Environment& environment);
/// The windows that are under way at `wall`, and those that begin within the longest hold.
Result<std::vector<model::Window>> windows_of(Session& session,
                                              const model::Environment& environment,
                                              TimePoint wall);

}  // namespace baton::store
