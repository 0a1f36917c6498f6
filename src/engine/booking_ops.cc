// SPDX-License-Identifier: MIT
#include "engine/booking_ops.h"

namespace baton::engine {
Result<void> booking_due(Context&, const Rules&, std::string_view) { return {}; }
Result<void> rearm_bookings(Context&) { return {}; }
}  // namespace baton::engine
