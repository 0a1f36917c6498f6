// SPDX-License-Identifier: MIT
#include "model/booking.h"

namespace baton::model {
std::string_view name_of(BookingKind kind) {
  return kind == BookingKind::booking ? "booking" : kind == BookingKind::maintenance ? "maintenance" : "blackout";
}
bool keeps_out(const Window&, std::string_view, TimePoint, const std::optional<Duration>&) {
  return false;
}
}  // namespace baton::model
