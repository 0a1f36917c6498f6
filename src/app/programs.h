// SPDX-License-Identifier: MIT
#pragma once
// Asking suites' programs what is in them, in a runner process of its own (`exec --discover`), so
// that a program that crashes or floods the listing does no harm to the server. Blocking.
#include <string>
#include <vector>

#include "config/config.h"
#include "store/store.h"
#include "wire/job.h"

namespace baton::app {

/// How to start a runner: the program that knows the runner's verb, and that verb.
struct RunnerProgram {
  std::string program;            // the server's own
  std::vector<std::string> verb;  // {"exec"}
  std::string list_key;           // marks what it starts (runner::kListKeyVariable)
};

/// The key of the server whose files are in `folder`, made there the first time. Kills what an
/// earlier server that was killed has left of its questions. The caller holds the database's lock.
Result<std::string> open_list_key(const std::string& folder);

/// The suite with its cases; of a cpp binary every suite. `stop_fd`: when it becomes readable, the
/// process is killed and the answer is an error.
/// Errors: unprocessable (what the tool said), timeout, and those of starting a process.
Result<wire::Discovery> ask_program(const RunnerProgram& runner, const model::Suite& suite,
                                    int timeout_ms, int stop_fd = -1);

/// The suites of a configuration as they are declared: those of kind cpp get from their binary what
/// the file does not state, and an entry without a name becomes every suite of its binary. A binary
/// that does not answer leaves what is known of it in `store`.
std::vector<model::Suite> complete_suites(const config::Config& config, const RunnerProgram& runner,
                                          store::Store& store);

}  // namespace baton::app
