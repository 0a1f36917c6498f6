// SPDX-License-Identifier: MIT
#include "engine/delivery_ops.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "engine/deadline_kinds.h"
#include "engine/gate_ops.h"
#include "model/sealed.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/journal_table.h"

namespace baton::engine {
namespace {

using model::Delivery;
using model::DeliveryState;
using model::ErrorClass;
using model::Gate;
using model::GateState;
using model::Stage;

// It is under way again, and due later.
constexpr std::string_view kRedriven = "delivery.redriven";

Result<Delivery> get_delivery(store::Session& session, std::string_view id) {
  BATON_TRY(found, store::find_delivery(session, id));
  if (!found)
    return fail_with_fix(Code::not_found, "`baton gate ls` and GET /deliveries show what there is",
                         "the delivery {} is unknown", json_quote(id));
  return *std::move(found);
}

// Its time begins: with the verdict, at a redelivery, when progress was told.
void begin_time(Delivery& d, TimePoint at) {
  d.first_at = at;
  d.failures = 0;
  d.waited = Duration{0};
}

// Called while the gate is pending, whenever there is news.
bool follows(const Delivery& d) {
  return d.target.stage == Stage::progress || d.target.stage == Stage::status;
}

int rank(Stage stage) {
  return stage == Stage::progress ? 0 : stage == Stage::after ? 2 : 1;
}

// Not due yet. Only its deadline tells: the wall clock, which says when, may be set back.
Result<bool> has_deadline(Context& context, const Delivery& d) {
  BATON_TRY(due, store::find_deadline(context.tx.sql(), kDeliveryDue,
                                      store::delivery_subject(d.id)));
  return due.has_value();
}

// It is due `wait` from now; at once needs no deadline. kind: the event that tells of the wait.
Result<void> schedule(Context& context, Delivery& d, Duration wait, std::string_view kind = "") {
  d.next_at = context.now.wall + wait;
  const std::string subject = store::delivery_subject(d.id);
  if (wait > Duration{0}) {
    BATON_TRY_VOID(store::update_delivery(context.tx, d, kind));
    return context.tx.set_deadline(kDeliveryDue, subject, context.now.at + wait);
  }
  if (!follows(d) && !d.first_at) d.first_at = context.now.wall;
  BATON_TRY_VOID(context.tx.clear_deadline(kDeliveryDue, subject));
  return store::update_delivery(context.tx, d, "delivery.due");
}

// A dead one may be redriven, and needs them.
Result<void> drop_secrets(Context& context, Delivery& d) {
  std::string left = model::hide_sealed(d.target.fields);
  if (left == d.target.fields) return {};
  d.target.fields = std::move(left);
  return store::set_delivery_fields(context.tx, d);
}

Result<void> end(Context& context, Delivery& d, DeliveryState state) {
  d.state = state;
  d.next_at.reset();
  d.ended_at = context.now.wall;
  if (state != DeliveryState::dead) BATON_TRY_VOID(drop_secrets(context, d));
  BATON_TRY_VOID(context.tx.clear_deadline(kDeliveryDue, store::delivery_subject(d.id)));
  return store::update_delivery(context.tx, d, fmt::format("delivery.{}", name_of(state)));
}

bool is_for(model::When when, model::GateVerdict verdict) {
  switch (when) {
    case model::When::always:
      return true;
    case model::When::passed:
      return verdict == model::GateVerdict::passed;
    case model::When::failed:
      return verdict != model::GateVerdict::passed;
  }
  return true;
}

// Of the deliveries to one link those of the lowest stage that still has one under way are due;
// the others wait for them.
Result<void> advance(Context& context, std::vector<Delivery>& deliveries,
                     std::string_view link) {
  int current = rank(Stage::after);
  for (const Delivery& d : deliveries)
    if (d.target.link == link && d.state == DeliveryState::queued)
      current = std::min(current, rank(d.target.stage));
  for (Delivery& d : deliveries) {
    if (d.target.link != link || d.state != DeliveryState::queued) continue;
    if (d.target.stage == Stage::status) {
      // It was due with the verdict.
      if (!d.next_at) BATON_TRY_VOID(schedule(context, d, Duration{0}));
    } else if (rank(d.target.stage) == current) {
      bool is_due = !d.next_at;
      if (!is_due && !follows(d) && d.failures == 0) {
        // It waits for the stage before it, not because it has failed.
        BATON_TRY(waits, has_deadline(context, d));
        is_due = waits;
      }
      if (is_due) BATON_TRY_VOID(schedule(context, d, Duration{0}));
    } else if (d.target.stage == Stage::verdict && !d.next_at) {
      // Progress that cannot be told does not hold the verdict up for ever.
      BATON_TRY_VOID(schedule(context, d, model::kProgressGrace));
    }
  }
  return {};
}

// What follows a verdict is of no use when nobody took that.
Result<void> skip_after(Context& context, std::vector<Delivery>& deliveries,
                        std::string_view link) {
  for (Delivery& d : deliveries)
    if (d.target.link == link && d.target.stage == Stage::after &&
        d.state == DeliveryState::queued)
      BATON_TRY_VOID(end(context, d, DeliveryState::skipped));
  return {};
}

// A verdict that is redriven together with the log before it lets that go first.
Result<bool> follows_log(Context& context, const Delivery& verdict) {
  if (verdict.gate.empty() || verdict.target.stage != Stage::verdict) return false;
  BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), verdict.gate));
  return std::any_of(deliveries.begin(), deliveries.end(), [&](const Delivery& d) {
    return d.target.link == verdict.target.link && d.target.stage == Stage::progress &&
           d.state == DeliveryState::queued;
  });
}

// The verdict is on its way again: what was to follow it follows it after all.
Result<void> revive_after(Context& context, const Delivery& verdict) {
  if (verdict.gate.empty() || verdict.target.stage != Stage::verdict) return {};
  BATON_TRY(gate, store::find_gate(context.tx.sql(), verdict.gate));
  if (!gate) return {};
  BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), verdict.gate));
  for (Delivery& d : deliveries) {
    if (d.target.link != verdict.target.link || d.target.stage != Stage::after ||
        d.state != DeliveryState::skipped || !is_for(d.target.when, gate->verdict) ||
        model::has_hidden(d.target.fields))
      continue;
    d.state = DeliveryState::queued;
    d.ended_at.reset();
    BATON_TRY_VOID(store::update_delivery(context.tx, d, kRedriven));
  }
  return {};
}

// One of the gate's deliveries has ended: the next stage of its link is due, and when it was the
// last of all the gate is closed.
Result<void> go_on(Context& context, const Rules& rules, const Delivery& ended) {
  if (!ended.lane.empty()) {
    BATON_TRY(next, store::first_of_lane(context.tx.sql(), ended.lane));
    if (next && !next->next_at) BATON_TRY_VOID(schedule(context, *next, Duration{0}));
  }
  if (ended.gate.empty()) return {};
  BATON_TRY(gate, store::find_gate(context.tx.sql(), ended.gate));
  if (!gate || gate->state == GateState::pending) return {};
  BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), ended.gate));
  if (ended.target.stage == Stage::verdict && ended.state == DeliveryState::dead)
    BATON_TRY_VOID(skip_after(context, deliveries, ended.target.link));
  BATON_TRY_VOID(advance(context, deliveries, ended.target.link));
  return close_if_delivered(context, rules, *gate);
}

bool is_over(const Rules& rules, const Delivery& d) {
  return d.waited >= rules.retry.give_up_after;
}

Result<void> finish(Context& context, const Rules& rules, Delivery& d, DeliveryState state) {
  BATON_TRY_VOID(end(context, d, state));
  return go_on(context, rules, d);
}

// Progress is called again when there is news, or soon once the gate has ended.
Result<void> progressed(Context& context, const Rules& rules, Delivery& d,
                        const Attempted& attempt) {
  BATON_TRY(gate, store::find_gate(context.tx.sql(), d.gate));
  const bool pending = gate && gate->state == GateState::pending;
  // The first attempt that is told of after the end may have begun before it, and know nothing of
  // the verdict. What it asks for is no reason to wait then.
  const bool may_not_know = follows(d) && gate && !pending && d.first_at == gate->decided_at;
  const Duration wait = attempt.after.value_or(model::kProgressPause);
  if (follows(d)) begin_time(d, context.now.wall);
  if (may_not_know) {
    // Within the millisecond of the end, too, the next one knows.
    d.first_at = std::max(context.now.wall, *gate->decided_at + Duration{1});
    return schedule(context, d, Duration{0});
  }
  if (pending && !attempt.after) {
    BATON_TRY(has_news, has_deadline(context, d));
    if (!has_news) d.next_at.reset();
    return store::update_delivery(context.tx, d, "");
  }
  if (!follows(d)) {
    // It was sent, and the peer does not show that it was taken.
    if (is_over(rules, d)) {
      d.last_error = "the peer never confirmed it";
      d.error_class = ErrorClass::transient;
      return finish(context, rules, d, DeliveryState::dead);
    }
    d.waited += wait;
  }
  return schedule(context, d, wait);
}

Result<void> try_again(Context& context, const Rules& rules, Delivery& d,
                       const Attempted& attempt) {
  const double share =
      static_cast<double>(context.ids.next()) /
      static_cast<double>(std::numeric_limits<std::uint64_t>::max());
  if (is_over(rules, d)) {
    BATON_TRY(gate, store::find_gate(context.tx.sql(), d.gate));
    // While the gate is open the verdict is still to come, and with it a time of its own.
    const bool is_open = gate && gate->state == GateState::pending;
    if (!is_open) return finish(context, rules, d, DeliveryState::dead);
  }
  // A peer may ask for a longer wait, and gets it even as the last, but for no shorter one.
  const Duration asked = std::min(attempt.after.value_or(Duration{0}), model::kRetryAfterMax);
  const Duration wait = std::max(asked, model::retry_wait(rules.retry, ++d.failures, share));
  d.waited += wait;
  return schedule(context, d, wait, "delivery.failed");
}

// Its gate was superseded during the attempt that showed it: the peer must hear of that. A lost
// answer may have been such an attempt.
bool is_shown_in_vain(const Delivery& d, const Attempted& attempt) {
  return d.state == DeliveryState::skipped && d.target.stage == Stage::status &&
         d.target.when == model::When::always && attempt.kind == Attempted::Kind::again &&
         (attempt.is_progress || attempt.status == 0);
}

}  // namespace

Result<Delivery> delivery_attempted(Context& context, const Rules& rules, std::string_view id,
                                    const Attempted& attempt) {
  BATON_TRY(d, get_delivery(context.tx.sql(), id));
  const bool queued = d.state == DeliveryState::queued;
  if (is_shown_in_vain(d, attempt)) {
    if (!attempt.memo.empty()) d.memo = attempt.memo;
    d.state = DeliveryState::queued;
    d.ended_at.reset();
    begin_time(d, context.now.wall);
    BATON_TRY_VOID(schedule(context, d, Duration{0}));
    return std::move(d);
  }
  if (!queued && (attempt.kind != Attempted::Kind::delivered ||
                  d.state == DeliveryState::delivered))
    return std::move(d);
  if (!attempt.memo.empty()) d.memo = attempt.memo;
  d.last_status = attempt.status;
  if (attempt.kind == Attempted::Kind::again && attempt.is_progress) {
    BATON_TRY_VOID(progressed(context, rules, d, attempt));
    return std::move(d);
  }
  d.attempts += 1;
  d.error_class = attempt.error_class;
  d.last_error = attempt.error.substr(0, model::kDeliveryErrorMax);
  if (attempt.kind == Attempted::Kind::again) {
    BATON_TRY_VOID(try_again(context, rules, d, attempt));
    return std::move(d);
  }
  const bool taken = attempt.kind == Attempted::Kind::delivered;
  BATON_TRY_VOID(
      finish(context, rules, d, taken ? DeliveryState::delivered : DeliveryState::dead));
  return std::move(d);
}

namespace {

Result<Delivery> send_again(Context& context, Delivery d, Duration wait) {
  d.state = DeliveryState::queued;
  d.ended_at.reset();
  begin_time(d, context.now.wall);
  BATON_TRY_VOID(schedule(context, d, wait, kRedriven));
  return d;
}

}  // namespace

Result<Delivery> redrive_delivery(Context& context, std::string_view id, Duration wait) {
  BATON_TRY(d, get_delivery(context.tx.sql(), id));
  if (d.state == DeliveryState::delivered || d.state == DeliveryState::skipped)
    return fail_with_fix(Code::conflict, "only dead deliveries, and those that wait, are redriven",
                         "the delivery {} is {}", d.id, name_of(d.state));
  if (d.state == DeliveryState::queued && !d.next_at)
    return fail_with_fix(Code::conflict,
                         "wait for the verdict of its gate, and for the deliveries before it",
                         "it is not the turn of the delivery {} yet", d.id);
  if (d.state == DeliveryState::dead) {
    BATON_TRY_VOID(revive_after(context, d));
    BATON_TRY(waits, follows_log(context, d));
    if (waits) wait = std::max(wait, model::kProgressGrace);
  }
  return send_again(context, std::move(d), wait);
}

Result<void> repeat_delivery(Context& context, const Delivery& d, Duration wait) {
  if (d.state == DeliveryState::dead) {
    BATON_TRY(again, redrive_delivery(context, d.id, wait));
  } else if (d.state == DeliveryState::delivered) {
    BATON_TRY(again, send_again(context, d, wait));
  }
  return {};
}

Result<Delivery> take_delivery(Context& context, model::Target target, std::string_view lane) {
  Delivery d;
  d.lane = lane;
  d.id = context.ids.make("del_");
  d.target = std::move(target);
  d.created_at = context.now.wall;
  BATON_TRY_VOID(store::insert_delivery(context.tx, d));
  if (!lane.empty()) {
    BATON_TRY(first, store::first_of_lane(context.tx.sql(), lane));
    if (first && first->id != d.id) return d;
  }
  BATON_TRY_VOID(schedule(context, d, Duration{0}));
  return d;
}

Result<void> deliver_verdict(Context& context, const Gate& gate) {
  BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), gate.id));
  std::vector<std::string> links;
  for (Delivery& d : deliveries) {
    if (d.state != DeliveryState::queued) continue;
    if (!is_for(d.target.when, gate.verdict)) {
      BATON_TRY_VOID(end(context, d, DeliveryState::skipped));
    } else if (follows(d)) {
      // Its time to be delivered begins now, whatever was told before.
      begin_time(d, context.now.wall);
      BATON_TRY_VOID(schedule(context, d, Duration{0}));
    }
    if (std::find(links.begin(), links.end(), d.target.link) == links.end())
      links.push_back(d.target.link);
  }
  for (const std::string& link : links) BATON_TRY_VOID(advance(context, deliveries, link));
  return {};
}

Result<void> skip_deliveries(Context& context, const Gate& gate) {
  BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), gate.id));
  for (Delivery& d : deliveries) {
    if (d.state != DeliveryState::queued) continue;
    const bool was_shown = d.target.stage == Stage::status && d.first_at &&
                           d.target.when == model::When::always;
    if (was_shown) {
      begin_time(d, context.now.wall);
      BATON_TRY_VOID(schedule(context, d, Duration{0}));
    } else {
      BATON_TRY_VOID(end(context, d, DeliveryState::skipped));
    }
  }
  return {};
}

Result<void> deliver_progress(Context& context, const Gate& gate) {
  BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), gate.id));
  for (Delivery& d : deliveries) {
    if (!follows(d) || d.state != DeliveryState::queued) continue;
    if (d.next_at) {
      // It is under way, and may have looked already: once more then.
      BATON_TRY(is_waiting, has_deadline(context, d));
      if (!is_waiting) BATON_TRY_VOID(schedule(context, d, model::kProgressPause));
      continue;
    }
    const TimePoint told = d.first_at.value_or(TimePoint{});
    const Duration since = context.now.wall - told;
    // A clock that was set back must not silence it.
    const Duration wait = since < Duration{0} ? Duration{0} : model::kProgressPause - since;
    BATON_TRY_VOID(schedule(context, d, std::max(Duration{0}, wait)));
  }
  return {};
}

Result<void> delivery_due(Context& context, std::string_view id) {
  BATON_TRY(found, store::find_delivery(context.tx.sql(), id));
  if (!found || found->state != DeliveryState::queued || !found->next_at) return {};
  if (found->target.stage == Stage::verdict && !found->gate.empty()) {
    // The grace of the progress before it is over.
    BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), found->gate));
    for (Delivery& d : deliveries)
      if (d.target.link == found->target.link && d.target.stage == Stage::progress &&
          d.state == DeliveryState::queued) {
        if (d.last_error.empty()) d.last_error = "the verdict did not wait for it any longer";
        if (d.error_class == ErrorClass::none) d.error_class = ErrorClass::transient;
        BATON_TRY_VOID(end(context, d, DeliveryState::dead));
      }
  }
  return schedule(context, *found, Duration{0});
}

Result<void> recover_deliveries(Context& context) {
  // Whoever brings them out asks for those that are due already at its start.
  BATON_TRY(due, store::due_deliveries(context.tx.sql(), std::numeric_limits<int>::max()));
  for (const Delivery& d : due) {
    BATON_TRY(is_waiting, has_deadline(context, d));
    if (!is_waiting) continue;
    const Duration left = std::max(Duration{0}, *d.next_at - context.now.wall);
    BATON_TRY_VOID(context.tx.set_deadline(kDeliveryDue, store::delivery_subject(d.id),
                                           context.now.at + left));
  }
  return {};
}

}  // namespace baton::engine
