// SPDX-License-Identifier: MIT
#include "runner/cpp_driver.h"

#include <sys/wait.h>

#include <algorithm>

#include "runner/proc.h"
#include "suite/fork_server.h"

namespace baton::runner {
namespace {

using model::Ending;
using model::Outcome;

// Loading a large binary from a cold disk takes seconds, not a minute.
constexpr Duration kHelloMax{60'000};
// A fork server that keeps dying without finishing an attempt is broken.
constexpr int kRestartsMax = 3;
// Destructors of globals have this long after the teardown.
constexpr Duration kLeaveMax{5'000};

}  // namespace

std::unique_ptr<Driver> make_cpp_driver(RunContext& context, OnEnd on_end) {
  return std::make_unique<CppDriver>(context, std::move(on_end));
}

CppDriver::CppDriver(RunContext& context, OnEnd on_end) : c_(context), on_end_(std::move(on_end)) {}

CppDriver::~CppDriver() {
  if (retry_timer_) c_.loop.cancel(*retry_timer_);
}

void CppDriver::note(Ending ending, std::string message) {
  if (ending_ != Ending::completed) return;
  ending_ = ending;
  message_ = std::move(message);
}

void CppDriver::start() {
  if (c_.schedule.empty()) return end();
  if (auto started = start_server(); !started) {
    note(Ending::errored, started.error().message);
    end();
  }
}

ForkServerEvents CppDriver::server_events() {
  ForkServerEvents events;
  events.hello = [this](std::int64_t threads) {
    if (state_ != State::starting) return;
    warn_of_threads(suite::kThreadsBeforeSetup, threads);
    begin_hook(true);
  };
  events.setup_done = [this](bool ok, std::int64_t threads) {
    if (state_ == State::setup && ok) warn_of_threads(suite::kThreadsOfSetup, threads);
    setup_done(ok);
  };
  events.teardown_done = [this](bool ok) { teardown_done(ok); };
  events.started = [this](std::int64_t id, pid_t pid) {
    const auto found = attempts_.find(id);
    if (found == attempts_.end()) return;
    found->second->guard->planted(c_.forest.plant({pid, "", false, true, {}}));
    if (stopping_) found->second->guard->stop(*stopping_);
  };
  events.exited = [this](std::int64_t id, int status) {
    const auto found = attempts_.find(id);
    if (found == attempts_.end()) return;
    Attempt& attempt = *found->second;
    attempt.took = std::chrono::duration_cast<Duration>(Clock::now() - attempt.since);
    attempt.guard->exited(status);
  };
  events.closed = [this] { server_closed(); };
  return events;
}

Result<void> CppDriver::start_server() {
  BATON_TRY(pipe, PipeReader::make_pipe());
  const std::string mark = c_.next_mark();
  Launch launch;
  const model::Suite& suite = c_.job.suite;
  launch.command = suite.command;
  launch.folder = c_.folder;
  launch.cgroup = c_.cgroup;
  launch.environment = test_environment(c_.job, mark);
  launch.output = pipe.write.get();
  server_ = std::make_unique<ForkServer>(c_.loop, server_events());
  BATON_TRY(pid,
            server_->start(std::move(launch), wire::is_adhoc(suite) ? suite.name : suite.id()));
  suite_reader_ = std::make_unique<PipeReader>(
      c_.loop, c_.readers, std::move(pipe.read),
      [this](std::string_view bytes) { c_.suite_output.write(bytes); });
  suite_writer_ = std::move(pipe.write);
  server_guard_ = std::make_unique<Guard>(c_.loop, c_.forest, c_.job.suite.kill_grace, [this] {
    c_.loop.after(Duration{0}, [this] { server_dead(); });
  });
  Guard* const guard = server_guard_.get();
  Forest::Tree tree{pid, mark, true, false, {}};
  tree.on_exit = [guard](int status) { guard->exited(status); };
  server_guard_->planted(c_.forest.plant(std::move(tree)));
  server_guard_->limit(kHelloMax);
  state_ = State::starting;
  server_open_ = true;
  progressed_ = false;
  return {};
}

// Once for the suite: a fork server that is started again has them again.
void CppDriver::warn_of_threads(fmt::string_view text, std::int64_t threads) {
  if (threads < 2 || threads_told_) return;
  threads_told_ = true;
  c_.say(fmt::format(fmt::runtime(text), threads - 1));
}

void CppDriver::begin_hook(bool setup) {
  hook_ = std::make_unique<Hook>();
  hook_->at = wall_now();
  hook_->since = Clock::now();
  state_ = setup ? State::setup : State::teardown;
  auto pipe = PipeReader::make_pipe();
  auto dir = c_.make_scratch();
  if (!pipe || !dir) return server_guard_->stop(Outcome::errored);
  hook_->dir = *dir;
  hook_->events.on_timeout = [this](Duration time) { server_guard_->limit(time); };
  hook_->events.on_artifact = [this](std::string path, std::string name) {
    c_.artifacts.take({}, std::move(path), std::move(name), [this](const auto& problems) {
      for (const std::string& problem : problems) c_.say(problem);
    });
  };
  hook_->reader = std::make_unique<PipeReader>(
      c_.loop, c_.readers, std::move(pipe->read),
      [this](std::string_view bytes) { hook_->events.feed(bytes); });
  // As long as the run may take: attempt_timeout is of attempts.
  server_guard_->limit(Duration{0});
  if (!setup && stopping_) {
    c_.loop.at(stop_by_, [this] {
      if (state_ == State::teardown) server_guard_->stop(Outcome::timed_out, Duration{0});
    });
  }
  const bool sent = setup ? server_->setup(hook_->dir, suite_writer_.get(), pipe->write.get())
                          : server_->teardown(hook_->dir, suite_writer_.get(), pipe->write.get());
  if (!sent) server_guard_->stop(Outcome::errored);
}

void CppDriver::setup_done(bool ok) {
  if (state_ != State::setup) return;
  server_guard_->limit(Duration{0});
  hook_->reader->drain();
  const AttemptReport& report = hook_->events.report();
  const Outcome outcome = ok ? Outcome::passed
                          : report.finished && report.outcome != Outcome::passed ? report.outcome
                                                                                 : Outcome::failed;
  c_.recorder.add(wire::SetupRecord{
      outcome, kept_message(report.message),
      std::chrono::duration_cast<Duration>(Clock::now() - hook_->since), hook_->at});
  if (!ok) {
    note(Ending::setup_failed, kept_message(report.message));
    return leave();
  }
  state_ = State::running;
  fill();
}

void CppDriver::fill() {
  if (state_ != State::running) return;
  if (retry_timer_) c_.loop.cancel(*retry_timer_);
  retry_timer_.reset();
  const Instant now = Clock::now();
  while (!stopping_ && server_open_ && static_cast<int>(attempts_.size()) < c_.job.suite.workers) {
    const std::optional<Turn> turn = c_.schedule.take(now);
    if (!turn || !begin(*turn)) break;
  }
  // Without a fork server its end decides how to go on.
  if (!attempts_.empty() || !server_open_) return;
  if (const auto ready = c_.schedule.next_ready(); ready && !stopping_) {
    retry_timer_ = c_.loop.at(*ready, [this] {
      retry_timer_.reset();
      fill();
    });
    return;
  }
  begin_teardown();
}

// False when the fork server takes no more orders; the turn is given back then.
bool CppDriver::begin(const Turn& turn) {
  const std::int64_t id = ++last_id_;
  const model::Case& item = c_.schedule.at(turn.index);
  auto out = PipeReader::make_pipe();
  auto events = PipeReader::make_pipe();
  const std::string dir = c_.name_scratch();
  const bool ready = out && events;
  const Variables environment = {{"BATON_ATTEMPT", std::to_string(turn.attempt)}};
  if (ready && !server_->attempt(id, item.name, turn.attempt, dir, environment, out->write.get(),
                                 events->write.get())) {
    c_.schedule.give_back(turn);
    server_closed();
    return false;
  }
  Attempt& attempt = *attempts_.emplace(id, std::make_unique<Attempt>()).first->second;
  attempt.turn = turn;
  attempt.id = id;
  attempt.at = wall_now();
  attempt.since = Clock::now();
  attempt.output = c_.recorder.output(item.name, turn.attempt);
  attempt.guard = std::make_unique<Guard>(c_.loop, c_.forest, c_.job.suite.kill_grace,
                                          [this, id] { attempt_dead(id); });
  // A fork server that hangs is replaced; it must not hold up the run.
  attempt.guard->on_stuck([this](const std::string& state) {
    c_.say("the suite's process does not answer; an attempt was stopped, but " + state);
    server_guard_->stop(Outcome::errored, Duration{0});
  });
  c_.recorder.add(wire::AttemptStarted{item.name, turn.attempt, attempt.at});
  if (ready) {
    attempt.dir = dir;
    listen(attempt, item, std::move(out->read), std::move(events->read));
  } else {
    attempt.server_lost = "the attempt could not be started: " +
                          (out ? events : out).error().message;
    attempt.guard->exited(SIGKILL);
  }
  return true;
}

void CppDriver::listen(Attempt& attempt, const model::Case& item, Fd output, Fd events) {
  const std::int64_t id = attempt.id;
  attempt.output_reader = std::make_unique<PipeReader>(
      c_.loop, c_.readers, std::move(output),
      [&attempt](std::string_view bytes) { attempt.output->write(bytes); });
  attempt.events.on_timeout = [&attempt](Duration time) { attempt.guard->limit(time); };
  attempt.events.on_artifact = [this, &attempt, id, test = item.name](std::string path,
                                                                      std::string name) {
    ++attempt.copies;
    c_.artifacts.take({test, attempt.turn.attempt}, std::move(path), std::move(name),
                      [this, &attempt, id](const std::vector<std::string>& problems) {
                        for (const std::string& problem : problems) {
                          attempt.output->write(fmt::format("[baton: artifact: {}]\n", problem));
                        }
                        if (--attempt.copies == 0 && attempt.dead) conclude(id);
                      });
  };
  attempt.events_reader = std::make_unique<PipeReader>(
      c_.loop, c_.readers, std::move(events),
      [&attempt](std::string_view bytes) { attempt.events.feed(bytes); });
  attempt.guard->limit(c_.timeout_of(item));
}

void CppDriver::attempt_dead(std::int64_t id) {
  Attempt& attempt = *attempts_.at(id);
  if (attempt.output_reader) attempt.output_reader->drain();
  if (attempt.events_reader) attempt.events_reader->drain();
  attempt.dead = true;
  if (attempt.copies == 0) conclude(id);
}

void CppDriver::judge(const Attempt& attempt, wire::AttemptFinished& finished) const {
  const AttemptReport& report = const_cast<Attempt&>(attempt).events.report();
  const int status = attempt.guard->status().value_or(0);
  finished.outcome = report.outcome;
  finished.message = report.message;
  finished.file = report.file;
  finished.line = report.line;
  finished.soft_failure = report.soft_failure;
  finished.spans = report.spans;
  finished.values = report.values;
  const auto worse = [&finished](Outcome outcome, std::string why) {
    finished.outcome = outcome;
    finished.message =
        finished.message.empty() ? why : fmt::format("{}\n{}", why, finished.message);
  };
  if (attempt.guard->stopped()) {
    const Outcome outcome = *attempt.guard->stopped();
    const bool alone = outcome == Outcome::timed_out && !stopping_;
    worse(outcome, alone ? fmt::format("timed out after {}", describe_duration(attempt.took))
                         : outcome == Outcome::timed_out ? "the run's time-out was over"
                                                         : "the run was cancelled");
  } else if (!attempt.server_lost.empty()) {
    worse(Outcome::errored, attempt.server_lost);
  } else if (WIFSIGNALED(status)) {
    worse(Outcome::errored, describe_status(status));
  } else if (!report.finished) {
    worse(Outcome::errored, describe_status(status) + " before the test ended");
  }
}

void CppDriver::conclude(std::int64_t id) {
  Attempt& attempt = *attempts_.at(id);
  const model::Case& item = c_.schedule.at(attempt.turn.index);
  if (attempt.took == Duration{0}) {
    attempt.took = std::chrono::duration_cast<Duration>(Clock::now() - attempt.since);
  }
  wire::AttemptFinished finished;
  judge(attempt, finished);
  if (attempt.events.report().left_out) {
    attempt.output->write("[baton: spans or values beyond 2 MiB of this attempt are left out]\n");
  }
  attempt.output->finish();
  finished.test = item.name;
  finished.attempt = attempt.turn.attempt;
  finished.at = wall_now();
  finished.duration = attempt.took;
  finished.message = kept_message(finished.message);
  finished.log_bytes = attempt.output->kept();
  const bool final = c_.schedule.ended(attempt.turn, finished.outcome, Clock::now());
  finished.final_ = final || stopping_.has_value();
  c_.recorder.add(std::move(finished));
  c_.remove_scratch(attempt.dir);
  progressed_ = progressed_ || attempt.server_lost.empty();
  // The attempt's own callbacks are still on the stack.
  c_.loop.after(Duration{0}, [this, id] {
    attempts_.erase(id);
    if (state_ == State::leaving && attempts_.empty()) return server_dead();
    fill();
  });
}

void CppDriver::begin_teardown() {
  if (stopping_ && Clock::now() >= stop_by_) return leave();
  begin_hook(false);
}

void CppDriver::teardown_done(bool ok) {
  if (state_ != State::teardown) return;
  hook_->reader->drain();
  if (!ok) {
    const std::string message = hook_->events.report().message;
    // It is told and changes no verdict: the tests have theirs.
    c_.say(message.empty() ? "the teardown failed" : "the teardown failed: " + message);
  }
  leave();
}

// End of file on its channel makes the fork server exit.
void CppDriver::leave() {
  state_ = State::leaving;
  server_->close();
  server_guard_->limit(kLeaveMax);
}

void CppDriver::server_closed() {
  server_open_ = false;
  if (state_ == State::leaving || state_ == State::ended) return;
  // It is about to exit; when it only closed its channel it is of no use either.
  server_guard_->limit(Duration{1'000});
}

void CppDriver::server_dead() {
  if (state_ == State::ended) return;
  const int status = server_guard_->status().value_or(0);
  const std::string how = "the suite's process was lost: " + describe_status(status);
  if (!attempts_.empty()) {
    state_ = State::leaving;
    for (auto& [id, attempt] : attempts_) {
      if (attempt->dead || attempt->guard->status()) continue;
      attempt->server_lost = how;
      attempt->guard->exited(SIGKILL);
    }
    return;
  }
  if (suite_reader_) suite_reader_->drain();
  if (hook_ && hook_->reader) hook_->reader->drain();
  const bool in_setup = state_ == State::starting || state_ == State::setup;
  const auto stopped = server_guard_->stopped();
  if (in_setup && !stopping_) {
    const Outcome outcome = stopped.value_or(Outcome::errored);
    const std::string message =
        outcome == Outcome::timed_out
            ? "the setup timed out"
            : fmt::format("{} before the setup ended", describe_status(status));
    c_.recorder.add(wire::SetupRecord{
        outcome, message, hook_ ? std::chrono::duration_cast<Duration>(Clock::now() - hook_->since)
                                : Duration{0},
        wall_now()});
    note(Ending::setup_failed, message);
  } else if (state_ == State::teardown && !stopping_) {
    c_.say(stopped ? "the teardown timed out" : "the teardown failed: " + how);
  } else if (!stopping_ && !c_.schedule.empty() && ending_ == Ending::completed) {
    if (progressed_ || restarts_ < kRestartsMax) {
      restarts_ = progressed_ ? 0 : restarts_ + 1;
      c_.say(how + "; it is started again");
      if (auto started = start_server(); started) return;
    }
    note(Ending::errored, how);
  } else if (!stopping_ && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
    note(Ending::errored,
         fmt::format("the suite's process {} after its tests", describe_status(status)));
  }
  end();
}

void CppDriver::stop(Outcome outcome) {
  if (stopping_ || state_ == State::ended) return;
  stopping_ = outcome;
  stop_by_ = Clock::now() + c_.job.suite.kill_grace;
  if (state_ == State::starting || state_ == State::setup || state_ == State::teardown) {
    return server_guard_->stop(outcome);
  }
  for (auto& [id, attempt] : attempts_) attempt->guard->stop(outcome);
  // A fork server that does not even report dead children is killed with them.
  c_.loop.at(stop_by_ + kLeaveMax, [this] {
    if (state_ != State::ended) server_guard_->stop(Outcome::errored);
  });
  if (attempts_.empty()) fill();
}

void CppDriver::end() {
  state_ = State::ended;
  on_end_(ending_, message_);
}

}  // namespace baton::runner
