// SPDX-License-Identifier: MIT
// A tool's process while it lives: its start, its output, its stop. Its end is in tool_results.cc.
#include "runner/tool_process.h"

#include <algorithm>

#include "base/file.h"

namespace baton::runner {
namespace {

using model::Kind;
using model::Outcome;
using reports::LiveEvent;

// A longer line is given to the parser in pieces.
constexpr std::size_t kLineMax = 64 << 10;

// Kinds whose output is more than text: in single mode, too, it must be interpreted.
bool needs_parser(Kind kind, bool single) {
  if (!single) return true;
  return kind == Kind::catch2 || kind == Kind::doctest || kind == Kind::go || kind == Kind::tap;
}

}  // namespace

ToolProcess::ToolProcess(RunContext& context, Order order, OnEnd on_end)
    : c_(context), order_(std::move(order)), on_end_(std::move(on_end)) {}

ToolProcess::~ToolProcess() = default;

Result<void> ToolProcess::start() {
  started_at_ = wall_now();
  since_ = Clock::now();
  for (const Turn& turn : order_.turns) {
    auto run = std::make_unique<CaseRun>();
    run->turn = turn;
    in_order_.push_back(run.get());
    cases_.emplace(c_.schedule.at(turn.index).name, std::move(run));
  }
  BATON_TRY(scratch, c_.make_scratch());
  scratch_ = scratch;
  Launch launch;
  BATON_TRY_VOID(prepare(launch));
  BATON_TRY(pipe, PipeReader::make_pipe());
  launch.output = pipe.write.get();
  BATON_TRY(pid, runner::launch(launch));
  guard_ = std::make_unique<Guard>(c_.loop, c_.forest, c_.job.suite.kill_grace,
                                   [this] { c_.loop.after(Duration{0}, [this] { dead(); }); });
  Forest::Tree tree{pid, launch.environment.at(kMarkVariable), false, false, {}};
  tree.on_exit = [guard = guard_.get()](int status) { guard->exited(status); };
  guard_->planted(c_.forest.plant(std::move(tree)));
  reader_ = std::make_unique<PipeReader>(c_.loop, c_.readers, std::move(pipe.read),
                                         [this](std::string_view bytes) { on_bytes(bytes); });
  if (needs_parser(c_.job.suite.kind, order_.single)) {
    parser_ = reports::make_live_parser(c_.job.suite.kind);
  }
  if (order_.single) begin(*in_order_.front(), Duration{0});
  rearm();
  return {};
}

Result<void> ToolProcess::prepare(Launch& launch) {
  std::vector<std::string> names;
  if (order_.select) {
    for (const CaseRun* run : in_order_) names.push_back(c_.schedule.at(run->turn.index).name);
  }
  BATON_TRY(step, run_step(c_.job.suite, names, scratch_));
  step_ = std::move(step);
  launch.command = step_.command;
  launch.folder = c_.folder;
  launch.cgroup = c_.cgroup;
  launch.environment = test_environment(c_.job, c_.next_mark());
  for (const auto& [name, value] : step_.environment) launch.environment[name] = value;
  int attempt = 1;
  for (const Turn& turn : order_.turns) attempt = std::max(attempt, turn.attempt);
  launch.environment["BATON_ATTEMPT"] = std::to_string(attempt);
  return {};
}

void ToolProcess::on_bytes(std::string_view bytes) {
  last_line_.feed(bytes);
  if (parser_) return feed_lines(bytes);
  in_order_.front()->output->write(bytes);
}

void ToolProcess::feed_lines(std::string_view bytes) {
  const reports::OnEvent handler = [this](const LiveEvent& event) { on_event(event); };
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::size_t size = newline == std::string_view::npos ? bytes.size() : newline + 1;
    if (partial_.empty() && newline != std::string_view::npos) {
      parser_->line(bytes.substr(0, size), handler);
    } else {
      partial_ += bytes.substr(0, size);
      if (newline != std::string_view::npos || partial_.size() >= kLineMax) {
        parser_->line(partial_, handler);
        partial_.clear();
      }
    }
    bytes.remove_prefix(size);
  }
}

// Subtests ("pkg.TestA/sub") belong to the case above them that discovery knows.
ToolProcess::CaseRun* ToolProcess::find_case(std::string_view name) {
  std::string key(name);
  if (const auto found = cases_.find(key); found != cases_.end()) return found->second.get();
  if (c_.job.suite.kind != Kind::go) return nullptr;
  for (std::size_t slash; (slash = key.rfind('/')) != std::string::npos;) {
    key.resize(slash);
    if (const auto found = cases_.find(key); found != cases_.end()) return found->second.get();
  }
  return nullptr;
}

ToolProcess::CaseRun* ToolProcess::admit(const std::string& name) {
  if (!order_.open || !model::check_case_name(name)) return nullptr;
  const bool wanted = !c_.wanted || c_.wanted(name);
  if (c_.schedule.find(name) || !wanted) return nullptr;
  model::Case item;
  item.name = name;
  const std::size_t index = c_.schedule.add_running(item);
  c_.recorder.add(wire::PlanRecord{{item}});
  auto run = std::make_unique<CaseRun>();
  run->turn = {index, 1};
  in_order_.push_back(run.get());
  return cases_.emplace(name, std::move(run)).first->second.get();
}

void ToolProcess::begin(CaseRun& run, Duration ago) {
  run.started = true;
  running_.push_back(&run);
  run.at = wall_now() - ago;
  run.since = Clock::now() - ago;
  const std::string& name = c_.schedule.at(run.turn.index).name;
  run.output = c_.recorder.output(name, run.turn.attempt);
  c_.recorder.add(wire::AttemptStarted{name, run.turn.attempt, run.at});
}

void ToolProcess::on_event(const LiveEvent& event) {
  switch (event.kind) {
    case LiveEvent::Kind::plan: return;
    case LiveEvent::Kind::bail_out:
      end_.problem = fmt::format("the tool gave up: {}", event.message);
      return;
    case LiveEvent::Kind::case_output: {
      if (order_.single) return in_order_.front()->output->write(event.text);
      CaseRun* run = event.test.empty() ? nullptr : find_case(event.test);
      const bool goes = run != nullptr && run->started && !run->ended && !run->held;
      return goes ? run->output->write(event.text) : c_.suite_output.write(event.text);
    }
    case LiveEvent::Kind::case_started: {
      if (order_.single) return;
      CaseRun* run = find_case(event.test);
      if (run == nullptr) run = admit(std::string(event.test));
      if (run != nullptr && !run->started && !run->ended) begin(*run, Duration{0});
      return rearm();
    }
    case LiveEvent::Kind::case_finished: return live_finished(event);
  }
}

void ToolProcess::live_finished(const LiveEvent& event) {
  CaseRun* run = find_case(event.test);
  if (run == nullptr && !order_.single) run = admit(std::string(event.test));
  // A subtest does not end its test.
  if (run != nullptr && c_.schedule.at(run->turn.index).name != event.test) return;
  if (run == nullptr || run->ended) return not_counted(event, run);
  Finding finding;
  finding.outcome = event.outcome;
  finding.duration = event.duration;
  finding.message = event.message;
  if (!event.details.empty() && event.details != event.message) {
    if (!finding.message.empty()) finding.message += '\n';
    finding.message += event.details;
  }
  finding.file = event.file;
  finding.line = event.line;
  if (!run->started) begin(*run, event.duration);
  const bool after_stop = guard_->stopped() && finding.outcome == Outcome::errored;
  if (after_stop && stopped_for_another(*run)) return interrupt(*run);
  run->live = after_stop ? stopped_finding(*run) : finding;
  const bool good = finding.outcome == Outcome::passed || finding.outcome == Outcome::skipped;
  const bool complete = good || traits_of(c_.job.suite.kind).live_failures || step_.report.empty();
  if (order_.single || !complete || run->held) {
    run->held = true;
  } else {
    record(*run, run->live, false);
  }
  rearm();
}

// No result of this process's cases, and a failure must not be lost.
void ToolProcess::not_counted(const LiveEvent& event, const CaseRun* run) {
  if (!is_failure(event.outcome) || guard_->stopped()) return;
  if (run != nullptr) {
    if (!run->failed && end_.problem.empty()) {
      end_.problem = fmt::format("{} failed when it ran once more", event.test);
    }
    return;
  }
  const std::string name(event.test);
  const bool unwanted = c_.wanted && !c_.wanted(name);
  // The tool ran more than it was asked for: that is why it fails, and no concern of this run.
  if (order_.select || unwanted || c_.schedule.find(name)) {
    failed_other_ = true;
  } else if (traits_of(c_.job.suite.kind).live_failures && end_.problem.empty()) {
    end_.problem = fmt::format("{} failed, which is none of the suite's cases", name);
  }
}

// Its own time was not over when the process was stopped, and it can be run again by itself.
bool ToolProcess::stopped_for_another(const CaseRun& run) const {
  if (run_stopped_ || !limit_at_ || guard_->stopped() != Outcome::timed_out) return false;
  const Duration own = c_.timeout_of(c_.schedule.at(run.turn.index));
  const bool had_time = own <= Duration{0} || run.since + own > *limit_at_;
  return had_time && traits_of(c_.job.suite.kind).selects;
}

void ToolProcess::interrupt(CaseRun& run) {
  Finding finding = stopped_finding(run);
  finding.outcome = Outcome::cancelled;
  finding.message = "interrupted: another case of its process timed out; it is run again";
  c_.schedule.interrupted(run.turn, Clock::now());
  record(run, finding, true);
  run.ended = true;
}

// The limit of the attempts in flight; before the first and between two, the suite's.
void ToolProcess::rearm() {
  if (!guard_ || guard_->stopped()) return;
  std::erase_if(running_,
                [](const CaseRun* run) { return !run->started || run->ended || run->held; });
  Duration limit = c_.job.suite.attempt_timeout;
  std::optional<Instant> ends;
  for (const CaseRun* run : running_) {
    const Duration own = c_.timeout_of(c_.schedule.at(run->turn.index));
    if (own <= Duration{0}) continue;
    const Instant end = run->since + own;
    ends = ends ? std::min(*ends, end) : end;
  }
  if (ends) {
    limit = std::max(Duration{1}, std::chrono::ceil<Duration>(*ends - Clock::now()));
  } else if (!running_.empty()) {
    limit = Duration{0};
  }
  limit_at_ = ends;
  guard_->limit(limit);
}

void ToolProcess::stop(Outcome outcome) {
  run_stopped_ = true;
  if (guard_) guard_->stop(outcome);
}

}  // namespace baton::runner
