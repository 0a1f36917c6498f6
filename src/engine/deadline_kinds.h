// SPDX-License-Identifier: MIT
#pragma once
// The kinds of deadline rows and what their subjects are. deadline_ops.h says what each does.
#include <string_view>

#include "store/tx.h"

namespace baton::engine {

inline constexpr std::string_view kRunnerLost = "runner_lost";    // run:N
inline constexpr std::string_view kRunTimeout = "run_timeout";    // run:N
inline constexpr std::string_view kRunCancel = "run_cancel";      // run:N
inline constexpr std::string_view kScheduleDue = "schedule";      // schedule:NAME
inline constexpr std::string_view kLeaseExpiry = store::kInLeaseRow;  // lease:ID, as the next four
inline constexpr std::string_view kLeaseHold = "lease_hold";      // max_hold is over
inline constexpr std::string_view kLeaseWait = "lease_wait";      // the wait time-out
inline constexpr std::string_view kLeaseSilent = "lease_silent";  // the waiter was not heard of
inline constexpr std::string_view kLeaseClaim = "lease_claim";    // the grant was not seen
inline constexpr std::string_view kSlotRest = "slot_rest";        // slot:N:NAME, as the next three
inline constexpr std::string_view kSlotRetry = "slot_retry";
inline constexpr std::string_view kSlotProbe = "slot_probe";
inline constexpr std::string_view kSlotIdle = "slot_idle";
inline constexpr std::string_view kBookingEdge = "booking_edge";  // booking:ID
inline constexpr std::string_view kGateDue = "gate";          // gate:ID
inline constexpr std::string_view kDeliveryDue = "delivery";  // delivery:ID
inline constexpr std::string_view kHousekeeping = "housekeeping";  // server

}  // namespace baton::engine
