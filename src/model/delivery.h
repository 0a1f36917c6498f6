// SPDX-License-Identifier: MIT
#pragma once
// A delivery: one message of a gate to an outside system, tried until it is there or cannot be.
// Plain data and rules.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "model/gate.h"

namespace baton::model {

/// All but queued are ends; dead ones wait for a person to redeliver them. skipped: its `when` does
/// not fit the verdict, or the gate was superseded.
enum class DeliveryState { queued, delivered, dead, skipped };
std::string_view name_of(DeliveryState state);
Result<DeliveryState> parse_delivery_state(std::string_view text);

/// Why an attempt failed. transient: may work next time; throttled: the peer asks to wait; auth: it
/// refuses who we are; peer_gone: nobody waits there any more; rejected: it does not take this
/// message; misconfigured: it, or we, must be set up otherwise.
enum class ErrorClass { none, transient, throttled, auth, peer_gone, rejected, misconfigured };
std::string_view name_of(ErrorClass error_class);  // "" for none

/// Progress that cannot be told holds the verdict up for so long at most.
inline constexpr Duration kProgressGrace = std::chrono::seconds{10};
/// Progress is told at most this often.
inline constexpr Duration kProgressPause = std::chrono::seconds{2};
/// No peer makes a delivery wait for longer.
inline constexpr Duration kRetryAfterMax = std::chrono::hours{24};
inline constexpr std::size_t kDeliveryErrorMax = 2'000;

struct Delivery {
  std::string id;
  std::int64_t seq = 0;
  std::string gate;  // "" for what a legacy route took
  std::string lane;  // those of one lane go out one after the other; "" = at any time
  Target target;
  DeliveryState state = DeliveryState::queued;
  int attempts = 0;
  std::optional<TimePoint>
      next_at;  // wall clock; nothing while the gate is pending, and at the end
  /// When it was first due (since it was redelivered); of progress, when it was last told.
  std::optional<TimePoint> first_at;
  int failures = 0;  // attempts since then that are to be repeated
  /// What it has waited since then: its budget (RetryRule::give_up_after) is of waits, so that
  /// neither a jump of the clock nor a server that is down uses it up.
  Duration waited{0};
  int last_status = 0;                // of HTTP, 0 = none
  std::string last_error;
  ErrorClass error_class = ErrorClass::none;
  std::string memo = "{}";  // what its attempts learned (the id of a log, of a comment): JSON
  TimePoint created_at;
  std::optional<TimePoint> ended_at;
};

/// deliveries.retry of baton.yaml.
struct RetryRule {
  Duration first = std::chrono::seconds{1};
  double factor = 2;
  Duration max = std::chrono::minutes{5};
  Duration give_up_after = std::chrono::hours{1};
};

/// The wait after so many failures in a row. share: 0 to 1, drawn by the caller; waits
/// spread over their upper half, so that peers do not all come back at once.
Duration retry_wait(const RetryRule& rule, int failures, double share);

}  // namespace baton::model
