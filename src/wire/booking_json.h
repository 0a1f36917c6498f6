// SPDX-License-Identifier: MIT
#pragma once
// Bookings as JSON. Pure.
#include <string_view>

#include "base/result.h"
#include "model/booking.h"
#include "wire/json_writer.h"

namespace baton::wire {

/// next: the window that is under way, or the next one.
void write_booking(JsonWriter& out, const model::Booking& booking,
                   const std::optional<model::Window>& next);

/// {environment|labels,from,to,rrule?,kind,owner,note}.  Errors: invalid with a pointer per field.
Result<model::Booking> parse_booking(std::string_view body);

}  // namespace baton::wire
