// SPDX-License-Identifier: MIT
#pragma once
// One run from its job to its last acknowledged record. One thread with an event loop, one that
// talks to the server, one for files, one for artifacts when there are any.
#include <memory>
#include <optional>
#include <string>

#include "base/cgroup.h"
#include "client/runner_calls.h"
#include "runner/list_task.h"
#include "runner/run_context.h"
#include "runner/uploader.h"

namespace baton::runner {

struct SupervisorOptions {
  std::string folder;  // the runner's own: spool, scratch, artifacts on their way
  int epoch = 0;
  client::MakeRunnerCalls make_calls;
  /// Once all is done, how long the server is waited for; a run's result is worth a day.
  Duration last_ack_max{24 * 3'600'000};
};

class Supervisor {
 public:
  explicit Supervisor(SupervisorOptions options);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Returns when the server has everything, or the run is not ours any more. Blocks SIGTERM and
  /// SIGINT, which cancel the run: a server that is away then finds its end in the spool. Nothing
  /// that the run started is alive afterwards.
  /// Result: the exit code of the process (0; 7 when another runner owns the run; 6 when the server
  /// stayed away). Errors: the folder cannot be used, or the server refuses the runner.
  Result<int> run();

 private:
  Result<void> open_folder();
  Result<void> open_cgroup();
  void watch_signals();
  void send_old_spools();
  bool send_old(const OldSpool& old);
  void fetch_job(Duration wait);
  void job_arrived(wire::Job job);
  void refused(const Error& error);
  void list_cases();
  void plan(std::vector<model::Case> cases);
  void skip_disabled(const model::Case& item);
  void start_driver();
  void stop(model::Ending ending, std::string message);
  void asked_to_stop();
  void hurry();
  void leave_to_spool();
  void driver_ended(model::Ending ending, const std::string& message);
  void finish();
  void write_finished();
  void on_acknowledged();
  void lost(const Error& error);
  void leave(Result<int> result);

  SupervisorOptions options_;
  Loop loop_;
  Forest forest_;
  std::optional<Cgroup> cgroup_;
  std::string key_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Readers> readers_;
  std::unique_ptr<Background> background_;
  std::unique_ptr<Artifacts> artifacts_;
  std::unique_ptr<Uploader> uploader_;
  Fd signals_;
  std::vector<OldSpool> old_;
  std::size_t old_at_ = 0;           // of old_, what is being sent again
  std::optional<Resend> resend_;
  std::vector<OldSpool> sent_;       // wholly in the new spool
  std::int64_t old_last_seq_ = 0;
  wire::Job job_;
  std::unique_ptr<OutputStream> suite_output_;
  std::unique_ptr<Schedule> schedule_;
  std::unique_ptr<RunContext> context_;
  std::unique_ptr<ListTask> list_;
  std::unique_ptr<Driver> driver_;
  std::optional<model::Ending> ending_;  // set by stop()
  std::string message_;
  bool has_job_ = false;
  bool asked_ = false;  // by a signal
  bool away_ = false;   // the server, as far as is known
  bool finishing_ = false;
  bool finished_written_ = false;
  bool left_ = false;
  Result<int> result_ = 0;
};

}  // namespace baton::runner
