// SPDX-License-Identifier: MIT
#pragma once
// What happens to a slot between two leases: it rests after an end that was not clean (cooling), is
// reset (cleaning), looked at (checking), and is free or broken. The hooks themselves are run
// outside; they are told by the events slot.cleaning, slot.checking, slot.probe, slot.provisioning
// and slot.destroying, and say how they ended by hook_ended.
#include <string>
#include <string_view>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/lease.h"
#include "store/environment_table.h"

namespace baton::engine {

/// A broken slot with a health hook is looked at so often.
inline constexpr Duration kProbeEvery = std::chrono::seconds{60};

/// Subject of a slot's deadlines, and back.
std::string slot_subject(std::string_view environment, int number);
struct SlotName {
  std::string environment;
  int number = 0;
};
SlotName slot_of_subject(std::string_view subject);

/// The last holder of the slot has left it. clean: it can be used at once, as far as he knows.
Result<void> after_use(Context& context, const model::Grant& grant, const model::Lease& lease,
                       bool clean);

/// The hook that a slot is to be given to: which, or nothing when its state needs none.
std::optional<model::HookKind> hook_of(model::SlotState state);

/// A hook that was run for this slot ended. A word about a state that is over is ignored: hooks are
/// run at least once. After the last of its attempts has failed the slot is broken.
Result<void> hook_ended(Context& context, const Rules& rules, std::string_view environment,
                        int number, model::HookKind kind, bool ok, std::string_view message);

/// A deadline of the slot: the rest is over, a hook is to be tried again, a broken one looked at.
Result<void> slot_due(Context& context, const Rules& rules, const store::Deadline& deadline);

/// After a start: no slot waits longer than its environment says, though the clock was set back.
Result<void> recover_slots(Context& context);

/// Every broken slot is checked and free again. Errors: those of the store.
Result<void> restore_slots(Context& context, std::string_view environment);

/// Makes slots for those who wait, as far as the environment provisions on demand.
Result<void> provision_for_waiters(Context& context, const model::Environment& environment);

}  // namespace baton::engine
