// SPDX-License-Identifier: MIT
#pragma once
// SIGINT and SIGTERM for verbs that wait: the first asks them to stop through a stop token, the
// second ends the process at once with 130 or 143.
#include <signal.h>

#include <memory>
#include <stop_token>

namespace baton::cli {

/// Holds both signals back in this thread and those that it starts, while it exists: no thread
/// takes one that is meant for Signals, which sees it as soon as there is one.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

class Signals {
 public:
  /// Blocks both signals in this thread (and those it starts) and watches for them.
  Signals();
  ~Signals();
  std::stop_token token() const;
  /// The signal that came, 0 for none.
  int received() const;
  /// 130 or 143 after a signal, else `otherwise`.
  int exit_code(int otherwise) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::cli
