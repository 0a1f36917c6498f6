// SPDX-License-Identifier: MIT
#include "engine/slot_ops.h"

#include <charconv>

#include "base/text.h"
#include "engine/deadline_kinds.h"
#include "engine/lease_grant.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Environment;
using model::HookKind;
using model::SlotState;
using store::SlotRow;

constexpr std::string_view kPrefix = "slot:";
// Shown with the environment wherever that is: some lines of output, of which the last tell most.
constexpr std::size_t kHookMessageMax = 4'000;

Result<void> move_to(Context& context, SlotRow& slot, SlotState state) {
  const SlotState before = slot.state;
  slot.state = state;
  return store::put_slot(context.tx, slot, before);
}

// The first of reset and health that there is, or free.
SlotState state_after(const Environment& environment, SlotState state) {
  const bool before_reset = state != SlotState::cleaning && state != SlotState::checking;
  if (before_reset && environment.hooks.contains(HookKind::reset)) return SlotState::cleaning;
  if (state != SlotState::checking && environment.hooks.contains(HookKind::health))
    return SlotState::checking;
  return SlotState::free;
}

Result<void> set_idle(Context& context, const Environment& environment, const SlotRow& slot) {
  if (!environment.hooks.contains(HookKind::destroy)) return {};
  return context.tx.set_deadline(kSlotIdle, slot_subject(slot.environment, slot.number),
                                 context.now.at + environment.provision.idle);
}

Result<void> next_state(Context& context, const Environment& environment, SlotRow& slot) {
  slot.failures = 0;
  slot.message.clear();
  const SlotState next = state_after(environment, slot.state);
  if (next == SlotState::free) BATON_TRY_VOID(set_idle(context, environment, slot));
  if (next == slot.state) return {};
  return move_to(context, slot, next);
}

Result<void> break_slot(Context& context, const Environment& environment, SlotRow& slot,
                        std::string_view message) {
  slot.message = std::string(message);
  BATON_TRY_VOID(move_to(context, slot, SlotState::broken));
  if (!environment.hooks.contains(HookKind::health)) return {};
  return context.tx.set_deadline(kSlotProbe, slot_subject(slot.environment, slot.number),
                                 context.now.at + kProbeEvery);
}

Result<void> append_again(Context& context, const SlotRow& slot, std::string_view kind) {
  BATON_TRY_VOID(context.tx.append(
      kind, store::environment_subject(slot.environment),
      fmt::format(R"({{"slot":{},"lease":{}}})", slot.number, json_quote(slot.lease))));
  return {};
}

Result<int> existing_slots(Context& context, std::string_view name) {
  BATON_TRY(slots, store::slots_of(context.tx.sql(), name));
  int existing = 0;
  for (const SlotRow& slot : slots)
    if (slot.state != SlotState::absent && slot.state != SlotState::destroying) ++existing;
  return existing;
}

// Nobody has used the slot for a while: it is destroyed, unless it is one of the last.
Result<void> slot_idle(Context& context, const Environment& environment, SlotRow& slot) {
  if (slot.state != SlotState::free || !environment.hooks.contains(HookKind::destroy)) return {};
  const TimePoint due = slot.since + environment.provision.idle;
  if (context.now.wall < due)
    return context.tx.set_deadline(kSlotIdle, slot_subject(slot.environment, slot.number),
                                   context.now.at + (due - context.now.wall));
  BATON_TRY(existing, existing_slots(context, slot.environment));
  if (existing <= environment.provision.min) return set_idle(context, environment, slot);
  return move_to(context, slot, SlotState::destroying);
}

// What a hook's success leads to.
Result<void> hook_succeeded(Context& context, const Rules& rules, const Environment& environment,
                            SlotRow& slot) {
  slot.failures = 0;
  slot.message.clear();
  if (slot.state == SlotState::destroying) return move_to(context, slot, SlotState::absent);
  if (slot.state == SlotState::provisioning || slot.state == SlotState::broken) {
    BATON_TRY_VOID(move_to(context, slot, SlotState::free));
    BATON_TRY_VOID(set_idle(context, environment, slot));
  } else {
    BATON_TRY_VOID(next_state(context, environment, slot));
  }
  if (slot.state != SlotState::free) return {};
  return settle(context, rules, {slot.environment});
}

Duration patience(std::string_view kind, const Environment& environment, SlotState state) {
  if (kind == kSlotRest) return environment.lock_delay;
  if (kind == kSlotProbe) return kProbeEvery;
  if (kind == kSlotIdle) return environment.provision.idle;
  const auto runs = hook_of(state);
  const auto hook = runs ? environment.hooks.find(*runs) : environment.hooks.end();
  return hook == environment.hooks.end() ? Duration{0} : hook->second.retry;
}

bool is_about(SlotState state, HookKind kind) {
  if (state == SlotState::broken) return kind == HookKind::health;
  return hook_of(state) == kind;
}

}  // namespace

std::string slot_subject(std::string_view environment, int number) {
  return fmt::format("{}{}:{}", kPrefix, number, environment);
}

SlotName slot_of_subject(std::string_view subject) {
  SlotName name;
  if (!subject.starts_with(kPrefix)) return name;
  subject.remove_prefix(kPrefix.size());
  const std::size_t colon = subject.find(':');
  if (colon == std::string_view::npos) return name;
  std::from_chars(subject.data(), subject.data() + colon, name.number);
  name.environment = std::string(subject.substr(colon + 1));
  return name;
}

std::optional<HookKind> hook_of(SlotState state) {
  switch (state) {
    case SlotState::cleaning: return HookKind::reset;
    case SlotState::checking: return HookKind::health;
    case SlotState::provisioning: return HookKind::provision;
    case SlotState::destroying: return HookKind::destroy;
    case SlotState::free:
    case SlotState::held:
    case SlotState::cooling:
    case SlotState::broken:
    case SlotState::absent: break;
  }
  return std::nullopt;
}

Result<void> after_use(Context& context, const model::Grant& grant, const model::Lease& lease,
                       bool clean) {
  store::Tx& tx = context.tx;
  BATON_TRY(environment, store::find_environment(tx.sql(), grant.environment));
  if (!environment) return {};
  if (grant.slot > environment->slots)
    return store::remove_slot(tx, grant.environment, grant.slot);
  const bool broken = lease.outcome == model::LeaseOutcome::broken;
  const bool rests = !clean && environment->lock_delay.count() > 0;
  const bool hooked = environment->hooks.contains(HookKind::reset) ||
                      environment->hooks.contains(HookKind::health) ||
                      environment->hooks.contains(HookKind::destroy);
  if (!broken && !rests && !hooked) return {};
  BATON_TRY(found, store::find_slot(tx.sql(), grant.environment, grant.slot));
  if (!found) return {};
  SlotRow& slot = *found;
  slot.lease = lease.id;
  if (broken)
    return break_slot(context, *environment, slot,
                      lease.note.empty() ? "its last holder left it broken" : lease.note);
  if (!rests) return next_state(context, *environment, slot);
  BATON_TRY_VOID(move_to(context, slot, SlotState::cooling));
  return tx.set_deadline(kSlotRest, slot_subject(slot.environment, slot.number),
                         context.now.at + environment->lock_delay);
}

Result<void> hook_ended(Context& context, const Rules& rules, std::string_view name, int number,
                        HookKind kind, bool ok, std::string_view message) {
  BATON_TRY(environment, store::find_environment(context.tx.sql(), name));
  BATON_TRY(slot, store::find_slot(context.tx.sql(), name, number));
  if (!environment || !slot || !is_about(slot->state, kind)) return {};
  if (ok) return hook_succeeded(context, rules, *environment, *slot);
  if (slot->state == SlotState::broken)
    return context.tx.set_deadline(kSlotProbe, slot_subject(name, number),
                                   context.now.at + kProbeEvery);
  const auto hook = environment->hooks.find(kind);
  ++slot->failures;
  if (message.size() > kHookMessageMax) message.remove_prefix(message.size() - kHookMessageMax);
  slot->message = to_valid_utf8(message);
  if (hook != environment->hooks.end() && slot->failures < hook->second.attempts) {
    BATON_TRY_VOID(store::note_slot(context.tx, *slot));
    return context.tx.set_deadline(kSlotRetry, slot_subject(name, number),
                                   context.now.at + hook->second.retry);
  }
  return break_slot(context, *environment, *slot,
                    fmt::format("its {} hook failed {} times: {}", name_of(kind), slot->failures,
                                message));
}

Result<void> slot_due(Context& context, const Rules& rules, const store::Deadline& deadline) {
  const SlotName name = slot_of_subject(deadline.subject);
  BATON_TRY(environment, store::find_environment(context.tx.sql(), name.environment));
  BATON_TRY(slot, store::find_slot(context.tx.sql(), name.environment, name.number));
  if (!environment || !slot) return {};
  if (deadline.kind == kSlotRest && slot->state == SlotState::cooling) {
    BATON_TRY_VOID(next_state(context, *environment, *slot));
    return settle(context, rules, {name.environment});
  }
  if (deadline.kind == kSlotRetry && hook_of(slot->state))
    return append_again(context, *slot, fmt::format("slot.{}", name_of(slot->state)));
  if (deadline.kind == kSlotProbe && slot->state == SlotState::broken &&
      environment->hooks.contains(HookKind::health))
    return append_again(context, *slot, "slot.probe");
  if (deadline.kind == kSlotIdle) return slot_idle(context, *environment, *slot);
  return {};
}

Result<void> recover_slots(Context& context) {
  for (const std::string_view kind : {kSlotRest, kSlotRetry, kSlotProbe, kSlotIdle}) {
    BATON_TRY(deadlines, store::deadlines_after(context.tx.sql(), kind, context.now.at));
    for (const store::Deadline& deadline : deadlines) {
      const SlotName name = slot_of_subject(deadline.subject);
      BATON_TRY(environment, store::find_environment(context.tx.sql(), name.environment));
      BATON_TRY(slot, store::find_slot(context.tx.sql(), name.environment, name.number));
      if (!environment || !slot) continue;
      const TimePoint latest = context.now.at + patience(kind, *environment, slot->state);
      if (deadline.due > latest)
        BATON_TRY_VOID(context.tx.set_deadline(kind, deadline.subject, latest));
    }
  }
  return {};
}

Result<void> restore_slots(Context& context, std::string_view name) {
  BATON_TRY(environment, store::find_environment(context.tx.sql(), name));
  if (!environment) return {};
  BATON_TRY(slots, store::slots_of(context.tx.sql(), name));
  for (SlotRow& slot : slots) {
    if (slot.state != SlotState::broken) continue;
    BATON_TRY_VOID(context.tx.clear_deadline(kSlotProbe, slot_subject(name, slot.number)));
    slot.failures = 0;
    slot.message.clear();
    const bool checked = environment->hooks.contains(HookKind::health);
    BATON_TRY_VOID(move_to(context, slot, checked ? SlotState::checking : SlotState::free));
  }
  return {};
}

Result<void> provision_for_waiters(Context& context, const Environment& environment) {
  if (!environment.hooks.contains(HookKind::provision)) return {};
  BATON_TRY(slots, store::slots_of(context.tx.sql(), environment.name));
  BATON_TRY(waiting, store::queue_length(context.tx.sql(), environment.name));
  int existing = 0;
  int coming = 0;
  for (const SlotRow& slot : slots) {
    if (slot.state != SlotState::absent && slot.state != SlotState::destroying) ++existing;
    if (slot.state == SlotState::provisioning || slot.state == SlotState::free) ++coming;
  }
  for (SlotRow& slot : slots) {
    const bool needed = coming < waiting || existing < environment.provision.min;
    if (!needed || slot.state != SlotState::absent) continue;
    BATON_TRY_VOID(move_to(context, slot, SlotState::provisioning));
    ++coming;
    ++existing;
  }
  return {};
}

}  // namespace baton::engine
