// SPDX-License-Identifier: MIT
// The frame: time, commits, crashes, checks, and the rest at the end. sim_actors.cc holds what the
// clients, runners and the executor do.
#include "testing/sim_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/fnv.h"
#include "engine/deadline_ops.h"
#include "engine/run_ops.h"
#include "engine/schedule_ops.h"
#include "engine/suite_ops.h"
#include "store/run_table.h"
#include "store/tx.h"
#include "testing/sim_submit.h"

namespace baton::sim {
namespace {

constexpr int kJournalPage = 10'000;
// At rest every iteration ends or heals something; this many mean that something hangs.
constexpr int kRestMax = 400;

std::uint64_t mix(std::uint64_t hash, std::string_view text) { return fnv1a(text, hash); }

}  // namespace

SimWorld::SimWorld(std::uint64_t seed) : random_(seed) {
  rules_.running_runs = 1 + static_cast<std::int64_t>(pick(4));
  rules_.queued_runs = 3 + static_cast<std::int64_t>(pick(20));
  rules_.keep_last = chance(50) ? 2 + static_cast<int>(pick(10)) : 100;
  rules_.retention_age = chance(50) ? Duration{0} : Duration{std::chrono::hours{1}};
  if (chance(30)) rules_.journal_age = std::chrono::minutes{10};
  store_ = store::Store::open({.data = ":memory:"}).value();
  open();
  set_up();
}

SimWorld::~SimWorld() = default;

void SimWorld::wrong(std::string what) {
  if (wrong_.empty()) wrong_ = std::move(what);
}

void SimWorld::open() {
  if (auto recovered = engine::recover(*store_, rules_, now_); !recovered)
    wrong("recover: " + recovered.error().message);
  writer_ = std::make_unique<engine::Writer>(
      *store_, feed_, [this] { return now_; }, Ids(random_.next()),
      [this](engine::Context& context, const store::Deadline& deadline) {
        auto result = engine::on_deadline(context, rules_, deadline);
        if (!result) wrong(fmt::format("deadline {}: {}", deadline.kind, result.error().message));
        return result;
      });
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

// The server ends: before the commit nothing has happened, after it nobody learns of it.
void SimWorld::crash() {
  losing_ = true;
  if (chance(70)) writer_->step(now_);
  writer_.reset();
  losing_ = false;
  if (chance(30)) {
    const auto down = Duration{static_cast<std::int64_t>(pick(600'000))};
    now_.at += down;
    now_.wall += down;
  }
  // The clock of a server that starts is the wall clock.
  now_.at = now_.wall;
  launcher_ = 0;
  open();
  check();
}

void SimWorld::commit() {
  if (chance(4)) return crash();
  losing_ = chance(5);
  writer_->step(now_);
  losing_ = false;
  check();
}

void SimWorld::advance(Duration by) {
  const TimePoint end = now_.at + by;
  while (wrong_.empty()) {
    const auto next = writer_->next_deadline().value();
    if (!next || *next > end) break;
    const TimePoint at = std::max(*next, now_.at);
    now_.wall += at - now_.at;
    now_.at = at;
    writer_->step(now_);
    check();
  }
  now_.wall += end - now_.at;
  now_.at = end;
}

void SimWorld::pass_time() {
  const auto ms = [&](std::size_t limit) {
    return Duration{static_cast<std::int64_t>(pick(limit))};
  };
  const std::size_t dice = pick(100);
  if (dice < 60) return advance(ms(3'000));
  if (dice < 85) return advance(ms(20'000));
  if (dice < 90) return advance(ms(30 * 60'000));
  if (dice < 95) {  // the server stands still
    const Duration pause = ms(120'000);
    now_.at += pause;
    now_.wall += pause;
    return commit();
  }
  // The wall clock is set, by at most two hours.
  now_.wall += ms(4 * 3'600'000) - Duration{std::chrono::hours{2}};
  submit<void>([](engine::Context& c) { return engine::rearm_schedules(c); });
  commit();
}

void SimWorld::check() {
  store::Session& session = store_->writer();
  const auto events = store::read_journal(session, seen_, kJournalPage).value();
  for (const model::Event& event : events) {
    seen_ = event.seq;
    hash_ = mix(mix(mix(hash_, event.kind), event.subject), event.data);
    if (!fold_) continue;
    if (auto problem = fold_->apply(event); !problem.empty()) wrong(std::move(problem));
    if (event.kind != "run.queued") continue;
    const auto by = boost::json::parse(event.data).as_object().at("triggered_by").as_string();
    if (by.starts_with("key:") && !runs_of_keys_.emplace(std::string(by), seen_).second)
      wrong(fmt::format("the idempotency {} made two runs", std::string(by)));
  }
  if (!fold_) return;
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
    writer_->step(now_);
    check();
    if (!live_runs()) break;
    launch_runners(true);
    for (SimRunner& runner : runners_) {
      if (runner.claimed()) runner.work(random_, now_.wall);
      post(runner, true);
    }
    writer_->step(now_);
    check();
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
