// SPDX-License-Identifier: MIT
#include "testing/sim_runner.h"

#include <fmt/format.h>

#include <algorithm>

namespace baton::sim {
namespace {

// Cases of the simulation's suites; few, so that they meet often.
constexpr int kCases = 4;

model::Outcome outcome_of(std::uint64_t dice) {
  using enum model::Outcome;
  switch (dice % 10) {
    case 0:
    case 1: return failed;
    case 2: return errored;
    case 3: return skipped;
    case 4: return timed_out;
    default: return passed;
  }
}

}  // namespace

void SimRunner::say(model::RecordBody body) { unacked_.push_back({next_seq_++, std::move(body)}); }

void SimRunner::inherit(std::vector<model::RecordBody> spool) {
  for (model::RecordBody& body : spool) say(std::move(body));
}

std::vector<model::RecordBody> SimRunner::spool() const {
  std::vector<model::RecordBody> bodies;
  for (const model::Record& record : unacked_)
    // An end is not inherited: it spoke for the predecessor.
    if (!std::holds_alternative<model::FinishedRecord>(record.body)) bodies.push_back(record.body);
  return bodies;
}

void SimRunner::take(const engine::Job& job, Ids& random) {
  claimed_ = true;
  const int max = job.run.request.max_attempts.value_or(job.suite.max_attempts);
  model::PlanRecord plan;
  const auto cases = job.progress.empty() ? random.next() % (kCases + 1) : 0;
  if (job.progress.empty()) {
    for (std::uint64_t i = 0; i < cases; ++i) todo_.push_back({fmt::format("case {}", i), 1, max});
  } else {
    for (const model::CaseProgress& one : job.progress)
      if (!one.finished)
        todo_.push_back({one.name, one.attempts + 1, std::max(1, max - one.counted)});
  }
  for (const Todo& one : todo_) {
    model::Case entry;
    entry.name = one.name;
    plan.cases.push_back(std::move(entry));
  }
  say(std::move(plan));
}

void SimRunner::end(model::Ending ending, TimePoint wall) {
  todo_.clear();
  ended_ = true;
  say(model::FinishedRecord{ending, "", wall});
}

void SimRunner::cancel(TimePoint wall) {
  if (!ended_) end(model::Ending::cancelled, wall);
}

void SimRunner::work(Ids& random, TimePoint wall) {
  if (ended_ || !claimed_) return;
  for (auto n = 1 + random.next() % 4; n > 0 && !todo_.empty(); --n) {
    Todo& one = todo_.front();
    if (!one.under_way) {
      say(model::AttemptStarted{one.name, one.attempt, wall});
      one.under_way = true;
      continue;
    }
    if (random.next() % 4 == 0) say(std::monostate{});  // output
    model::AttemptFinished finished;
    finished.test = one.name;
    finished.attempt = one.attempt;
    finished.outcome = outcome_of(random.next());
    finished.soft_failure = finished.outcome == model::Outcome::failed && random.next() % 4 == 0;
    finished.at = wall;
    finished.duration = Duration{static_cast<std::int64_t>(random.next() % 1'000)};
    finished.message = finished.outcome == model::Outcome::passed ? "" : "it differs";
    const bool again = finished.outcome != model::Outcome::passed &&
                       finished.outcome != model::Outcome::skipped && one.left > 1;
    finished.final_ = !again;
    say(finished);
    if (again) todo_.push_back({one.name, one.attempt + 1, one.left - 1});
    todo_.pop_front();
  }
  if (!todo_.empty()) return;
  const bool odd = random.next() % 16 == 0;
  end(odd ? model::Ending::errored : model::Ending::completed, wall);
}

void SimRunner::acked(std::int64_t seq) {
  std::erase_if(unacked_, [&](const model::Record& record) { return record.seq <= seq; });
}

}  // namespace baton::sim
