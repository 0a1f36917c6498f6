// SPDX-License-Identifier: MIT
// The checks and the rest at the end. sim_actors.cc holds what the clients, runners and the
// executor do.
#include "testing/sim_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "engine/run_ops.h"
#include "engine/schedule_ops.h"
#include "engine/suite_ops.h"
#include "store/run_table.h"

namespace baton::sim {
namespace {

// At rest every iteration ends or heals something; this many mean that something hangs.
constexpr int kRestMax = 400;

}  // namespace

SimWorld::SimWorld(std::uint64_t seed) : SimFrame(seed) {
  rules_.running_runs = 1 + static_cast<std::int64_t>(pick(4));
  rules_.queued_runs = 3 + static_cast<std::int64_t>(pick(20));
  rules_.keep_last = chance(50) ? 2 + static_cast<int>(pick(10)) : 100;
  rules_.retention_age = chance(50) ? Duration{0} : Duration{std::chrono::hours{1}};
  if (chance(30)) rules_.journal_age = std::chrono::minutes{10};
  open_store();
  open();
  set_up();
}

void SimWorld::set_up() {
  std::map<std::string, int> limits;
  for (const char* name : {"a", "b", "c"}) {
    model::Suite suite;
    suite.namespace_ = "sim";
    suite.name = name;
    suite.command = {"./it"};
    suite.max_attempts = 1 + static_cast<int>(pick(3));
    suite.running_runs = name[0] == 'c' ? 1 : 0;
    if (chance(30)) suite.timeout = std::chrono::seconds{20 + pick(60)};
    if (suite.running_runs > 0) limits[suite.id()] = suite.running_runs;
    suites_.push_back(suite.id());
    submit<store::SuiteRow>(
        [suite](engine::Context& c) { return engine::declare_suite(c, suite); });
  }
  fold_.emplace(rules_.running_runs, limits);
  commit();
}

void SimWorld::clock_set() {
  submit<void>([](engine::Context& c) { return engine::rearm_schedules(c); });
}

void SimWorld::apply(const model::Event& event) {
  if (!fold_) return;
  if (auto problem = fold_->apply(event); !problem.empty()) wrong(std::move(problem));
  if (event.kind != "run.queued") return;
  const auto by = boost::json::parse(event.data).as_object().at("triggered_by").as_string();
  if (by.starts_with("key:") && !runs_of_keys_.emplace(std::string(by), event.seq).second)
    wrong(fmt::format("the idempotency {} made two runs", std::string(by)));
}

void SimWorld::check_tables() {
  if (!fold_) return;
  store::Session& session = store_->writer();
  for (const std::int64_t id : fold_->take_touched())
    if (auto problem = fold_->compare_run(session, RunId{id}); !problem.empty())
      wrong(fmt::format("run {}: {}", id, problem));
  if (auto problem = fold_->compare_counters(session); !problem.empty()) wrong(problem);
  if (auto problem = fold_->check_deadlines(session); !problem.empty()) wrong(problem);
}

std::string SimWorld::live(int steps) {
  for (int i = 0; i < steps && wrong_.empty(); ++i) {
    for (auto n = 1 + pick(4); n > 0; --n) act();
    commit();
    if (chance(60)) pass_time();
  }
  if (wrong_.empty()) rest();
  return wrong_;
}

// Everybody behaves from now on; every run must come to its verdict.
void SimWorld::rest() {
  for (const auto& [id, run] : fold_->runs()) {
    if (run.state == "finished") continue;
    submit<model::Run>([this, run_id = RunId{id}](engine::Context& c) {
      return engine::cancel_run(c, rules_, run_id, "time to rest");
    });
  }
  for (const auto& schedule : {"s0", "s1"})
    submit<void>([schedule](engine::Context& c) { return engine::delete_schedule(c, schedule); });
  const auto live_runs = [this] {
    return std::any_of(fold_->runs().begin(), fold_->runs().end(),
                       [](const auto& entry) { return entry.second.state != "finished"; });
  };
  for (int i = 0; i < kRestMax && wrong_.empty(); ++i) {
    step_and_check();
    if (!live_runs()) break;
    launch_runners(true);
    for (SimRunner& runner : runners_) {
      if (runner.claimed()) runner.work(random_, now_.wall);
      post(runner, true);
    }
    step_and_check();
    std::erase_if(runners_, [](const SimRunner& runner) { return runner.done(); });
    advance(Duration{5'000});
  }
  if (wrong_.empty() && live_runs()) wrong("not every run came to a verdict");
  for (const auto& [id, run] : fold_->runs())
    if (auto problem = fold_->compare_run(store_->writer(), RunId{id}); !problem.empty())
      wrong(fmt::format("at rest, run {}: {}", id, problem));
  check_acknowledged();
}

void SimWorld::remember(RunId run, const std::vector<model::Record>& records, std::int64_t acked) {
  for (const model::Record& record : records) {
    const auto* finished = std::get_if<model::AttemptFinished>(&record.body);
    if (finished != nullptr && record.seq <= acked)
      acknowledged_[raw(run)][{finished->test, finished->attempt}] = finished->outcome;
  }
}

void SimWorld::check_acknowledged() {
  for (const auto& [id, attempts] : acknowledged_) {
    const auto run = fold_->runs().find(id);
    if (run == fold_->runs().end()) continue;  // deleted
    for (const auto& [key, outcome] : attempts) {
      const auto found = run->second.cases.find(key.first);
      std::string stored = "absent";
      if (found != run->second.cases.end() && found->second.attempts.contains(key.second))
        stored = found->second.attempts.at(key.second).outcome;
      if (stored != name_of(outcome))
        wrong(fmt::format("run {}: attempt {} of {} was acknowledged as {} and is {}", id,
                          key.second, key.first, name_of(outcome), stored));
    }
  }
}

std::int64_t SimWorld::decided() const {
  return std::count_if(fold_->runs().begin(), fold_->runs().end(), [](const auto& entry) {
    return entry.second.verdict == "passed" || entry.second.verdict == "failed";
  });
}

}  // namespace baton::sim
