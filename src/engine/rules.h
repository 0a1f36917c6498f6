// SPDX-License-Identifier: MIT
#pragma once
// The limits and times that operations go by: set once from the configuration, then constant.
#include <chrono>
#include <cstdint>

#include "base/time.h"
#include "model/delivery.h"

namespace baton::engine {

struct Rules {
  /// Runs under way at the same time; the composition root sets the number of cores.
  std::int64_t running_runs = 2;
  std::int64_t queued_runs = 100'000;

  /// A runner that is silent for so long is lost. It beats several times in that time.
  Duration runner_ttl = std::chrono::seconds{15};
  /// From the need of a runner to its first word. An executor that needs longer (a container is
  /// pulled) vouches for the runner meanwhile: runner_alive.
  Duration runner_start = std::chrono::seconds{30};
  /// A runner that was told to cancel may take its kill grace and this.
  Duration cancel_grace = std::chrono::seconds{30};
  /// The runner ends a run at its time-out; the server does so this much later.
  Duration timeout_grace = std::chrono::seconds{30};

  /// A lease may name an environment that nobody declared: it is made, with one slot.
  bool auto_create_environments = true;

  /// A finished run older than this is deleted unless it is among the newest `keep_last` of its
  /// suite. 0: no run is ever deleted.
  Duration retention_age = std::chrono::days{90};
  int keep_last = 100;
  /// How deliveries that failed are tried again.
  model::RetryRule retry = {};

  /// What is kept of leases and gates that have ended: history and utilisation.
  Duration lease_history = std::chrono::days{90};
  /// Events are kept at least so long, and until every reader has them.
  Duration journal_age = std::chrono::days{7};
};

}  // namespace baton::engine
