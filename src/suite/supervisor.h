// SPDX-License-Identifier: MIT
#pragma once
// Runs one suite headless: starts its fork server, keeps `workers` attempts in flight, enforces
// time-outs, retries, and leaves no process behind. One thread; it is the only parent.
#include <sys/types.h>

#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "suite/channel.h"
#include "suite/live_attempt.h"
#include "suite/options.h"
#include "suite/progress.h"
#include "suite/results.h"

namespace baton::suite {

/// Between SIGTERM and SIGKILL.
inline constexpr std::chrono::milliseconds kKillGrace{2'000};

/// SIGINT, SIGTERM and SIGHUP as a descriptor, and what came. The second one stops at once instead
/// of after teardown. One at a time in a process.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  int fd() const { return fd_.get(); }
  /// Reads what is there.
  void take();
  int count() const { return count_; }
  int signal() const { return signal_; }

 private:
  Fd fd_;
  int count_ = 0;
  int signal_ = 0;
};

class Supervisor {
 public:
  /// All references outlive it. `scratch`: an existing folder for the attempts' files.
  Supervisor(const SuiteSpec& suite, const RunOptions& options, Interrupts& interrupts,
             Progress& progress, std::string scratch);

  /// `cases`: in the order in which they start.
  SuiteResult run(const std::vector<const CaseSpec*>& cases);

 private:
  struct Waiting {
    std::size_t test;
    int number;
    Clock::time_point not_before;
  };
  bool start_server();
  void stop_server();
  /// Collects its exit status; kills it when it is still there after `patience`.
  void wait_for_server(std::chrono::milliseconds patience);
  /// Setup or teardown; the result is passed, failed, errored, timed_out or cancelled.
  AttemptResult run_hook(const char* op, std::optional<Clock::time_point> deadline);
  void run_cases();
  void start_due();
  bool start_attempt(const Waiting& waiting);
  void step(std::optional<Clock::time_point> wake);
  std::optional<Clock::time_point> next_wake() const;
  void read_control();
  void read_services();
  void on_exited(std::int64_t id, int wait_status);
  void finish_attempt(LiveAttempt attempt, int wait_status);
  void retry_or_report(std::size_t test);
  void keep_artifacts(const CaseSpec& test, AttemptResult& result);
  void check_deadlines();
  void stop_attempt(LiveAttempt& attempt, Verdict as, std::string message);
  void stop_all(Ending ending, const std::string& message);
  void on_server_gone();

  const SuiteSpec& suite_;
  const RunOptions& options_;
  Interrupts& interrupts_;
  Progress& progress_;
  const std::string scratch_;
  SuiteResult result_;
  Fd control_;
  pid_t server_ = 0;
  int server_status_ = 0;
  std::optional<Clock::time_point> suite_deadline_;
  std::list<Waiting> waiting_;
  std::map<std::int64_t, LiveAttempt> live_;
  std::int64_t next_id_ = 1;
  std::optional<bool> hook_ok_;
  LiveAttempt* hook_ = nullptr;
  Fd service_out_;  // what the setup's services write to after it
  OutputKeeper service_output_;
};

}  // namespace baton::suite
