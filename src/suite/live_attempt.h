// SPDX-License-Identifier: MIT
#pragma once
// An attempt, setup or teardown that is running: its pipes, what it has told so far, and its
// deadline. Owned and driven by the supervisor.
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "suite/json.h"
#include "suite/results.h"

namespace baton::suite {

using Clock = std::chrono::steady_clock;

/// The first and the last part of an output, so that an endless one cannot fill the memory.
class OutputKeeper {
 public:
  static constexpr std::size_t kPart = 256 * 1024;
  void add(std::string_view bytes);
  std::string text() const;

 private:
  std::string head_;
  std::string tail_;
  std::uint64_t dropped_ = 0;
};

class LiveAttempt {
 public:
  /// Makes the two pipes. Errors: unavailable.
  static Result<LiveAttempt> start(int number);

  // The ends that the suite's process writes to; closed once they are sent.
  Fd out_write, events_write;
  Fd out_read, events_read;

  std::size_t test = 0;  // index of its case
  pid_t pid = 0;         // 0 until the fork server has told
  std::string dir;
  std::optional<Clock::time_point> deadline;
  std::optional<Clock::time_point> kill_at;  // SIGTERM is sent; SIGKILL follows
  bool killed = false;
  /// Why it is being stopped, when it is.
  std::optional<Verdict> stopped_as;
  std::string stop_message;

  /// Reads what is there without waiting; false at the end of both pipes.
  bool read_available();
  /// `wait_status` as waitpid gives it.
  AttemptResult finish(int wait_status);

 private:
  explicit LiveAttempt(int number);
  bool read_pipe(Fd& pipe, bool is_events);
  void take_events(bool at_end);
  void take(const Json& event);
  void take_timeout(std::int64_t ms);
  void take_finished(const Json& event);

  AttemptResult result_;
  Clock::time_point started_;
  OutputKeeper output_;
  std::string pending_events_;
  std::string failures_;
  std::unordered_map<std::string, std::size_t> value_places_;  // by key, in result_.values
  bool finished_ = false;
  bool failed_ = false;  // a check failed, here or in a process that the test has forked
};

/// "killed by signal 11 (SIGSEGV)", "exited with code 3 before the test ended".
std::string describe_death(int wait_status);

}  // namespace baton::suite
