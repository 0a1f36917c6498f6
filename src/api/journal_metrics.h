// SPDX-License-Identifier: MIT
#pragma once
// Counts the runs that the journal says are finished, and the leases that were granted and ended.
// It reads on when the metrics are asked for: nobody pays between scrapes.
#include <mutex>
#include <optional>

#include "api/metrics.h"
#include "base/ids.h"
#include "model/event.h"
#include "store/store.h"

namespace baton::api {

class JournalMetrics {
 public:
  /// Counts what is appended after `from`.
  JournalMetrics(store::Store& store, Metrics& metrics, Seq from)
      : store_(store), metrics_(metrics), cursor_(from) {}

  /// Counts up to the end of the journal.  Errors: unavailable.  Any thread.
  Result<void> advance();

 private:
  Result<void> count(store::Session& session, const model::Event& event);
  Result<void> count_run(store::Session& session, RunId id);
  Result<void> count_delivery(store::Session& session, const model::Event& event);
  Result<void> count_gate(store::Session& session, const model::Event& event);
  Result<void> count_lease(store::Session& session, const model::Event& event);

  store::Store& store_;
  Metrics& metrics_;
  std::mutex mutex_;
  Seq cursor_;
};

}  // namespace baton::api
