// SPDX-License-Identifier: MIT
#include "runner/tool_driver.h"

#include <algorithm>

namespace baton::runner {

using model::Kind;
using model::Outcome;

std::unique_ptr<Driver> make_tool_driver(RunContext& context, OnEnd on_end) {
  return std::make_unique<ToolDriver>(context, std::move(on_end));
}

ToolDriver::ToolDriver(RunContext& context, OnEnd on_end)
    : c_(context), on_end_(std::move(on_end)), traits_(traits_of(context.job.suite.kind)) {
  const model::Suite& suite = c_.job.suite;
  single_ = suite.kind == Kind::command ||
            (suite.isolate == model::Isolate::per_case && traits_.selects);
}

ToolDriver::~ToolDriver() {
  if (retry_timer_) c_.loop.cancel(*retry_timer_);
}

void ToolDriver::fill() {
  if (ended_) return;
  if (retry_timer_) c_.loop.cancel(*retry_timer_);
  retry_timer_.reset();
  const bool may_start = !stopping_ && !broken_;
  if (may_start && single_) {
    while (static_cast<int>(processes_.size()) < c_.job.suite.workers) {
      const std::optional<Turn> turn = c_.schedule.take(Clock::now());
      if (!turn || !start_single(*turn)) break;
    }
  } else if (may_start && processes_.empty()) {
    start_several();
  }
  if (!processes_.empty()) return;
  if (const auto ready = c_.schedule.next_ready(); ready && !stopping_ && !broken_) {
    retry_timer_ = c_.loop.at(*ready, [this] {
      retry_timer_.reset();
      fill();
    });
    return;
  }
  ended_ = true;
  on_end_(problem_.empty() ? model::Ending::completed : model::Ending::errored, problem_);
}

bool ToolDriver::start_single(const Turn& turn) {
  const bool select = c_.job.suite.kind != Kind::command;
  return launch({{turn}, true, false, select});
}

bool ToolDriver::start_several() {
  std::vector<Turn> turns;
  std::vector<std::string> names;
  while (const std::optional<Turn> turn = c_.schedule.take(Clock::now())) {
    turns.push_back(*turn);
    names.push_back(c_.schedule.at(turn->index).name);
  }
  if (c_.open && !began_) {
    began_ = true;
    return launch({std::move(turns), false, true, false});
  }
  if (turns.empty()) return false;
  const bool everything = c_.everything && !began_ && turns.size() == c_.schedule.size();
  began_ = true;
  if (everything || !traits_.selects) return launch({std::move(turns), false, false, false});
  const std::size_t fit = names_that_fit(c_.job.suite.kind, names);
  while (turns.size() > fit) {
    c_.schedule.give_back(turns.back());
    turns.pop_back();
  }
  return launch({std::move(turns), false, false, true});
}

bool ToolDriver::launch(ToolProcess::Order order) {
  const std::uint64_t id = ++last_id_;
  const std::vector<Turn> turns = order.turns;
  auto process = std::make_unique<ToolProcess>(
      c_, std::move(order), [this, id](const ToolProcess::End& end) { process_ended(id, end); });
  const auto started = process->start();
  if (started) {
    processes_.emplace(id, std::move(process));
    return true;
  }
  // What cannot be started once cannot be started for the next case either.
  broken_ = true;
  if (problem_.empty()) problem_ = started.error().message;
  for (const Turn& turn : turns) errored(turn, started.error().message);
  return false;
}

void ToolDriver::process_ended(std::uint64_t id, const ToolProcess::End& end) {
  processes_.erase(id);
  if (problem_.empty()) problem_ = end.problem;
  if (!stopping_) not_run(end);
  fill();
}

void ToolDriver::not_run(const ToolProcess::End& end) {
  // The process died under some case: the others are run without it, as long as that gets further.
  if (traits_.selects && end.ran_any) {
    for (auto turn = end.not_run.rbegin(); turn != end.not_run.rend(); ++turn) {
      c_.schedule.give_back(*turn);
    }
    return;
  }
  for (const Turn& turn : end.not_run) {
    errored(turn, end.problem.empty() ? "the tool gave no result for this case" : end.problem);
  }
}

void ToolDriver::errored(const Turn& turn, const std::string& why) {
  const std::string& name = c_.schedule.at(turn.index).name;
  c_.recorder.add(wire::AttemptStarted{name, turn.attempt, wall_now()});
  wire::AttemptFinished finished;
  finished.test = name;
  finished.attempt = turn.attempt;
  finished.outcome = Outcome::errored;
  finished.at = wall_now();
  finished.message = kept_message(why);
  finished.final_ = c_.schedule.ended(turn, Outcome::errored, Clock::now()) || broken_;
  c_.recorder.add(std::move(finished));
}

void ToolDriver::stop(Outcome outcome) {
  if (stopping_) return;
  stopping_ = outcome;
  for (auto& [id, process] : processes_) process->stop(outcome);
  if (processes_.empty()) fill();
}

}  // namespace baton::runner
