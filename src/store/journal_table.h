// SPDX-License-Identifier: MIT
#pragma once
// Who reads the journal up to where, forgetting what everybody has read, and looking up a deadline.
#include <cstdint>
#include <optional>
#include <string_view>

#include "store/tx.h"

namespace baton::store {

/// The position of a reader that must not miss an event (the launcher of runners, deliveries);
/// nothing when it never read. Readers that may miss some (streams) have none.
Result<std::optional<Seq>> reader_position(Session& session, std::string_view name);
/// Never goes back.
Result<void> set_reader_position(Tx& tx, std::string_view name, Seq seq);

/// Removes the oldest events, at most `limit`: older than `before` and read by every reader.
/// Result: how many.
Result<int> prune_journal(Tx& tx, TimePoint before, int limit);

/// When the deadline of (kind, subject) is due, if there is one.
Result<std::optional<TimePoint>> find_deadline(Session& session, std::string_view kind,
                                               std::string_view subject);

}  // namespace baton::store
