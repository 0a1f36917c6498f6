// SPDX-License-Identifier: MIT
#pragma once
// Table schedule. Every write appends its event, of subject "schedule:NAME".
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/schedule.h"
#include "store/tx.h"

namespace baton::store {

std::string schedule_subject(std::string_view name);
/// "" when the subject is none.
std::string schedule_of_subject(std::string_view subject);

Result<std::optional<model::Schedule>> find_schedule(Session& session, std::string_view name);
/// By name, after the name `after`, at most `limit`.
Result<std::vector<model::Schedule>> list_schedules(Session& session, std::string_view after,
                                                    int limit);
/// Those of one suite, by its full name.
Result<std::vector<model::Schedule>> schedules_of(Session& session, std::string_view suite);

/// Inserts or replaces the whole row, with the event `kind` ("schedule.declared",
/// "schedule.paused", "schedule.fired" …) and its data.
Result<void> put_schedule(Tx& tx, const model::Schedule& schedule, std::string_view kind,
                          std::string_view data);
/// Event schedule.deleted.
Result<void> remove_schedule(Tx& tx, std::string_view name);

}  // namespace baton::store
