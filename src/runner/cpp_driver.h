// SPDX-License-Identifier: MIT
#pragma once
// Runs a C++ suite: one fork server that has done the setup, one forked process per attempt, then
// the teardown. A fork server that dies is started again while attempts make progress.
#include <fmt/core.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "runner/fork_server.h"
#include "runner/run_context.h"

namespace baton::runner {

class CppDriver final : public Driver {
 public:
  CppDriver(RunContext& context, OnEnd on_end);
  ~CppDriver() override;
  void start() override;
  void stop(model::Outcome outcome) override;

 private:
  enum class State { starting, setup, running, teardown, leaving, ended };
  struct Attempt {
    Turn turn;
    std::int64_t id = 0;
    std::string dir;
    TimePoint at;
    Instant since;
    Duration took{0};
    std::unique_ptr<Guard> guard;
    std::unique_ptr<OutputStream> output;
    EventReader events;
    std::unique_ptr<PipeReader> output_reader;
    std::unique_ptr<PipeReader> events_reader;
    int copies = 0;           // artifacts that are being copied
    bool dead = false;
    std::string server_lost;  // how the fork server died under it
  };
  // A setup or teardown and what it says.
  struct Hook {
    EventReader events;
    std::unique_ptr<PipeReader> reader;
    std::string dir;
    TimePoint at;
    Instant since;
    int copies = 0;
  };

  Result<void> start_server();
  ForkServerEvents server_events();
  void warn_of_threads(fmt::string_view text, std::int64_t threads);
  void begin_hook(bool setup);
  void setup_done(bool ok);
  void teardown_done(bool ok);
  void server_closed();
  void server_dead();
  void fill();
  bool begin(const Turn& turn);
  void listen(Attempt& attempt, const model::Case& item, Fd output, Fd events);
  void attempt_dead(std::int64_t id);
  void conclude(std::int64_t id);
  void judge(const Attempt& attempt, wire::AttemptFinished& finished) const;
  void begin_teardown();
  void leave();
  void end();
  void note(model::Ending ending, std::string message);

  RunContext& c_;
  OnEnd on_end_;
  State state_ = State::starting;
  std::unique_ptr<ForkServer> server_;
  std::unique_ptr<Guard> server_guard_;
  std::unique_ptr<PipeReader> suite_reader_;
  Fd suite_writer_;
  std::unique_ptr<Hook> hook_;
  std::map<std::int64_t, std::unique_ptr<Attempt>> attempts_;
  std::int64_t last_id_ = 0;
  int restarts_ = 0;
  bool server_open_ = false;
  bool threads_told_ = false;
  bool progressed_ = false;  // an attempt has ended under the present fork server
  std::optional<model::Outcome> stopping_;
  Instant stop_by_{};
  std::optional<Loop::Timer> retry_timer_;
  model::Ending ending_ = model::Ending::completed;
  std::string message_;
};

}  // namespace baton::runner
