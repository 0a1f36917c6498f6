// SPDX-License-Identifier: MIT
#pragma once
// Operations on deliveries: the outbox. A delivery that is due has the event delivery.due; whoever
// brings it out reports each attempt. It is brought at least once.
#include <optional>
#include <string>
#include <string_view>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/delivery.h"
#include "model/gate.h"

namespace baton::engine {

/// How an attempt ended.
struct Attempted {
  enum class Kind { delivered, again, dead };
  Kind kind = Kind::delivered;
  model::ErrorClass error_class = model::ErrorClass::none;
  int status = 0;
  std::string error;
  std::optional<Duration> after;  // again: when the peer said so
  std::string memo;               // replaces the old one unless empty
  bool is_progress = false;       // again, but nothing failed
};

/// Notes an attempt: it is delivered, or comes again by the retry rule, or is dead. A delivery that
/// ended meanwhile (its gate was superseded) stays as it is, but for what was delivered after all,
/// and for what has just been shown and would stand for ever.
/// Errors: not_found.
Result<model::Delivery> delivery_attempted(Context& context, const Rules& rules,
                                           std::string_view id, const Attempted& attempt);

/// A dead delivery gets its full time again, `wait` from now; a queued one waits no longer than
/// that. With a verdict comes back what was skipped because nobody took it.
/// Errors: not_found, conflict (delivered, skipped, or its turn is still to come).
Result<model::Delivery> redrive_delivery(Context& context, std::string_view id,
                                         Duration wait = Duration{0});

/// The call that it answers came again: one that was delivered, or is dead, is brought once more.
Result<void> repeat_delivery(Context& context, const model::Delivery& delivery, Duration wait);

/// A delivery without a gate, due at once: what a legacy route took for a peer. With a lane it is
/// due when the ones before it in the lane have ended.
Result<model::Delivery> take_delivery(Context& context, model::Target target,
                                      std::string_view lane = "");

/// The gate has its verdict: its deliveries are due, stage by stage, or skipped.
Result<void> deliver_verdict(Context& context, const model::Gate& gate);
/// Nothing of the gate is to be told, but what was shown of it and would stand for ever.
Result<void> skip_deliveries(Context& context, const model::Gate& gate);
/// There is news for those who are told of progress.
Result<void> deliver_progress(Context& context, const model::Gate& gate);

/// The deadline of a delivery.
Result<void> delivery_due(Context& context, std::string_view id);

/// After a start: every delivery with a next attempt has its deadline again.
Result<void> recover_deliveries(Context& context);

}  // namespace baton::engine
