// SPDX-License-Identifier: MIT
#pragma once
// The process between `lock exec` and its command, which ends the command with all that it started
// when the lease's time is over, also while `lock exec` is stopped, and at once when it is gone. It
// is the command's parent and a subreaper in a session (on a terminal: a process group) of its own,
// reads no network and holds nothing but a timer. Linux only; one thread at a time.
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "client/boot_clock.h"

namespace baton::cli {

/// When the command is asked to end (SIGTERM for all of it), and when it is killed.
struct KillTimes {
  client::BootTime term;
  client::BootTime kill;
};

struct GuardedCommand {
  std::vector<std::string> argv;
  std::map<std::string, std::string> variables;  // beside what this process has
  KillTimes times;
  Duration grace{0};  // what is left when the command has ended by itself, or lock exec has gone
  /// Run with these variables after the tree is dead, when lock exec is gone: argv of this program.
  std::vector<std::string> farewell;
  std::map<std::string, std::string> farewell_variables;
};

/// What the guard reports once nothing of the command is alive.
struct GuardReport {
  bool launched = false;
  int error = 0;       // errno, when not launched
  int status = 0;      // of the command, as waitpid gives it
  bool ended = false;  // by the guard: the time was over
  bool lost = false;   // the guard itself is gone
};

class ExecGuard {
 public:
  /// Forks the guard: call it before any thread exists, with the signal mask that the command shall
  /// have. `on_terminal`: the command stays in this process's group, and so in its foreground.
  /// Errors: unavailable.
  static Result<ExecGuard> start(bool on_terminal);

  void launch(const GuardedCommand& command);
  /// New times, unless the end has begun already. Any thread.
  void set_times(const KillTimes& times);
  /// For the command's process alone. Any thread.
  void forward(int signal);

  /// Readable when there is something to report.
  int fd() const { return socket_.get(); }
  /// Reads one message: nothing for the news that the command runs. When the guard itself is gone,
  /// kills what it has left behind.
  std::optional<GuardReport> read();

 private:
  explicit ExecGuard(Fd socket) : socket_(std::move(socket)) {}
  void send(char type, const std::vector<std::string>& words);

  Fd socket_;
  std::unique_ptr<std::mutex> sending_ = std::make_unique<std::mutex>();  // it may be moved
};

}  // namespace baton::cli
