// SPDX-License-Identifier: MIT
#pragma once
// SIGINT and SIGTERM for verbs that wait: the first asks them to stop through a stop token, the
// second ends the process at once with 130 or 143.
#include <memory>
#include <stop_token>

namespace baton::cli {

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
