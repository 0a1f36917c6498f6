// SPDX-License-Identifier: MIT
#pragma once
// What the hooks of an embedding program add after the fact: a value of an attempt, a label of a
// run. They are shown where values and labels are shown; outcome and verdict are never touched.
#include <string_view>

#include "base/ids.h"
#include "store/run_table.h"
#include "store/tx.h"

namespace baton::store {

/// Adds or replaces one value of a finished attempt. Event run.context.
/// Result: false when there is no such attempt.
Result<bool> add_attempt_value(Tx& tx, const RunRow& row, std::string_view test, int attempt,
                               std::string_view key, std::string_view value);

/// Adds or replaces one label of a run. Event run.context.
Result<void> add_label(Tx& tx, const RunRow& row, std::string_view key, std::string_view value);

}  // namespace baton::store
