// SPDX-License-Identifier: MIT
#pragma once
// SIGTERM, SIGINT and SIGHUP (the terminal is gone) of a serving process: the first lets it drain,
// a second ends it at once. Below nohup, SIGHUP stays ignored.
#include <signal.h>

#include <functional>

namespace baton::app {

class StopSignals {
 public:
  /// Blocks them in this thread and those it starts; ignores SIGPIPE and SIGXFSZ (a peer that hangs
  /// up and a full file system are errors to handle). Make it before any thread.
  StopSignals();

  /// Waits for a signal, or until `stopped` (asked five times a second; may be empty) is true.
  /// From then on another signal ends the process with 128 + its number.
  /// Result: the signal, 0 when `stopped`.
  int wait(const std::function<bool()>& stopped = {}) const;

 private:
  sigset_t set_{};
};

}  // namespace baton::app
