// SPDX-License-Identifier: MIT
#pragma once
// Tables environment, slot and slot_period. Writes append events of subject "environment:NAME".
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/environment.h"
#include "model/lease.h"
#include "store/tx.h"

namespace baton::store {

std::string environment_subject(std::string_view name);
/// "" when the subject is none.
std::string environment_of_subject(std::string_view subject);

Result<std::optional<model::Environment>> find_environment(Session& session,
                                                           std::string_view name);
/// By name, after the name `after`, at most `limit`.
Result<std::vector<model::Environment>> list_environments(Session& session, std::string_view after,
                                                          int limit);
/// Inserts or replaces the row, with the event `kind` ("environment.declared" …) and its data.
Result<void> put_environment(Tx& tx, const model::Environment& environment, std::string_view kind,
                             std::string_view data);
/// With its slots and periods. Event environment.deleted. The history of its leases stays.
Result<void> remove_environment(Tx& tx, std::string_view name);

/// A slot as it is now.
struct SlotRow {
  std::string environment;
  int number = 1;  // from 1
  model::SlotState state = model::SlotState::free;
  model::LeaseMode mode = model::LeaseMode::exclusive;  // of its holders
  int holders = 0;
  TimePoint since;      // wall clock: of the state
  std::string lease;    // the one that holds it, or held it last
  int failures = 0;     // of the hook that runs, in a row
  std::string message;  // why it is broken
};

Result<std::vector<SlotRow>> slots_of(Session& session, std::string_view environment);
Result<std::optional<SlotRow>> find_slot(Session& session, std::string_view environment,
                                         int number);
/// All that are neither free nor held, of every environment.
Result<std::vector<SlotRow>> busy_slots(Session& session);
Result<void> insert_slot(Tx& tx, const SlotRow& slot);
Result<void> remove_slot(Tx& tx, std::string_view environment, int number);
/// One more holder of a free or shared slot; no event (the lease's says it).
Result<void> take_slot(Tx& tx, std::string_view environment, int number, model::LeaseMode mode,
                       std::string_view lease);
/// One holder less: with none left it is free.  Result: how many hold it still.
Result<int> leave_slot(Tx& tx, std::string_view environment, int number);
/// Another state than free and held, or back to free: with the event slot.STATE and the period that
/// ends or begins.
Result<void> put_slot(Tx& tx, const SlotRow& slot, model::SlotState before);

/// Failures and message of a slot whose state stays; no event.
Result<void> note_slot(Tx& tx, const SlotRow& slot);

/// What kept a slot from use, and when; slot 0 = the whole environment (maintenance, draining).
struct Period {
  int slot = 0;
  model::SlotState state = model::SlotState::free;  // of a slot
  model::EnvironmentState environment_state = model::EnvironmentState::enabled;  // of slot 0
  TimePoint from;
  std::optional<TimePoint> to;
};
Result<void> open_period(Tx& tx, std::string_view environment, int slot, std::int64_t state);
Result<void> close_periods(Tx& tx, std::string_view environment, int slot);
/// Those that overlap [from, to), by their beginning.
Result<std::vector<Period>> periods(Session& session, std::string_view environment, TimePoint from,
                                    TimePoint to);
/// Events about the environment since `from`, oldest first, at most `limit`.
Result<std::vector<model::Event>> environment_events(Session& session, std::string_view environment,
                                                     TimePoint from, int limit);
Result<int> remove_periods_before(Tx& tx, TimePoint before, int limit);

}  // namespace baton::store
