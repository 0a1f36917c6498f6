// SPDX-License-Identifier: MIT
#pragma once
// Waiting for a run as a person or a pipeline does: progress on a terminal, a line every 30 s
// otherwise, failures as they happen, a summary and the exit code of the contract.
#include <optional>

#include "cli/signals.h"
#include "cli/verb.h"
#include "client/api_client.h"

namespace baton::cli {

struct FollowOptions {
  std::optional<Duration> timeout;  // stop waiting after it: exit code 124
  bool cancel_on_signal = false;    // cancel the run on SIGINT or SIGTERM
  bool logs = false;                // print each log line
  bool fail_on_flaky = false;
  /// false: it ends with this process, so `baton runs …` is no advice, and a run that is not waited
  /// for any longer is cancelled.
  bool server_stays = true;
  Output output = Output::table;
};

/// Waits for the end of the run and prints its summary on stdout (or the run as JSON or YAML).
/// Result: the exit code.
int follow(const client::Endpoint& endpoint, std::int64_t run, const FollowOptions& options);

/// The exit code of a finished run document.
int exit_code_of_run(const boost::json::value& run, bool fail_on_flaky);

/// Writes a run's JUnit file to `path`.
Result<void> save_junit(const client::Endpoint& endpoint, std::int64_t run,
                        const std::string& path);

}  // namespace baton::cli
