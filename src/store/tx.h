// SPDX-License-Identifier: MIT
#pragma once
// Tx: the one way to change the database. Only the writer makes one; operations get it by
// reference. Every state row is written through a table function that takes a Tx and appends its
// event in the same transaction (docs/adr/0002-tables-with-journal.md).
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/event.h"
#include "store/session.h"

namespace baton::store {

/// A row of the one table of deadlines. `subject` and `kind` together are unique.
struct Deadline {
  TimePoint due;  // on the clock of Now::at
  std::string kind;     // "runner_lost", "schedule", "retention" …
  std::string subject;  // "run:17"
};

/// The kind of deadline that is no row but a column of the lease, which is written anyhow when it
/// begins and ends. Otherwise it is as any other.
inline constexpr std::string_view kInLeaseRow = "lease_expiry";

class Tx {
 public:
  /// For the writer and the simulation only. The session is inside a transaction.
  Tx(Session& session, Now now) : session_(session), now_(now) {}
  Tx(const Tx&) = delete;
  Tx& operator=(const Tx&) = delete;

  Session& sql() { return session_; }
  Now now() const { return now_; }

  /// Appends a fact to the journal. data: a JSON object.  Result: its position.
  Result<Seq> append(std::string_view kind, std::string_view subject, std::string_view data = "{}");

  /// Sets or moves the deadline of (kind, subject).
  Result<void> set_deadline(std::string_view kind, std::string_view subject, TimePoint due);
  Result<void> clear_deadline(std::string_view kind, std::string_view subject);

  /// The last journal position of this transaction, 0 when it appended nothing.
  Seq last_seq() const { return last_seq_; }
  /// Of which kinds the events are that it appended, each once.
  const std::vector<std::string>& kinds() const { return kinds_; }
  /// A deadline was written with another row.
  void note_due(TimePoint due) { earliest_due_ = std::min(earliest_due_.value_or(due), due); }
  /// The earliest that was set, nothing when none was.
  std::optional<TimePoint> earliest_due() const { return earliest_due_; }

 private:
  Result<void> set_expiry(std::string_view subject, const Value& due);

  Session& session_;
  Now now_;
  Seq last_seq_ = 0;
  std::vector<std::string> kinds_;
  std::optional<TimePoint> earliest_due_;
};

/// The earliest deadline, if any, and those due at `at`, earliest first, at most `limit`.
Result<std::optional<TimePoint>> next_deadline(Session& session);
/// A change that nobody reads, to learn whether the database takes changes.
Result<void> probe_write(Session& session, TimePoint now);
Result<std::vector<Deadline>> due_deadlines(Session& session, TimePoint at, int limit);
/// Those of the kind that are due after `at`.
Result<std::vector<Deadline>> deadlines_after(Session& session, std::string_view kind,
                                              TimePoint at);

/// The newest position of the journal, 0 when it is empty.
Result<Seq> last_journal_seq(Session& session);
/// Journal after `after`, in order, at most `limit`; kinds_prefix "" or such as "run.".
Result<std::vector<model::Event>> read_journal(Session& session, Seq after, int limit,
                                               std::string_view kinds_prefix = "",
                                               std::string_view subject = "");

}  // namespace baton::store
