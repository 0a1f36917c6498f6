// SPDX-License-Identifier: MIT
// What the clients, the runners and the executor of the simulation do.
#include <fmt/format.h>

#include <algorithm>

#include "engine/idempotency_ops.h"
#include "engine/report_ops.h"
#include "engine/retention_ops.h"
#include "engine/run_ops.h"
#include "engine/schedule_ops.h"
#include "store/journal_table.h"
#include "testing/sim_world.h"

namespace baton::sim {
namespace {

constexpr int kJournalPage = 10'000;
constexpr std::string_view kLauncher = "launcher";

}  // namespace

// Nothing makes the database fail here, so `unavailable` is not among them.
bool SimWorld::is_expected(const Error& error) const {
  switch (error.code) {
    case Code::conflict:
    case Code::gone:
    case Code::not_found:
    case Code::limit: return true;
    default: return false;
  }
}

SimRunner* SimWorld::find_runner(RunId run, int epoch) {
  for (SimRunner& runner : runners_)
    if (runner.run() == run && runner.epoch() == epoch) return &runner;
  return nullptr;
}

std::optional<RunId> SimWorld::some_run() {
  if (fold_->runs().empty()) return std::nullopt;
  auto at = fold_->runs().begin();
  std::advance(at, static_cast<std::ptrdiff_t>(pick(fold_->runs().size())));
  return RunId{at->first};
}

void SimWorld::act() {
  const std::size_t dice = pick(100);
  if (dice < 35) return act_as_client();
  if (dice < 45) return launch_runners(false);
  if (dice < 92) return act_as_runner();
  if (dice < 97) return act_on_schedule();
  look_around();
}

void SimWorld::act_as_client() {
  const std::size_t dice = pick(100);
  if (dice < 30) return start_run();
  if (dice < 60) return start_with_key();
  if (dice < 95) return ask_of_run();
  import_report();
}

void SimWorld::start_run() {
  model::RunRequest request;
  request.suite = suites_[pick(suites_.size())];
  request.reference = fmt::format("build-{}", pick(5));
  if (chance(30)) request.labels = {{"lane", fmt::format("{}", pick(3))}};
  if (chance(30)) request.max_attempts = 1 + static_cast<int>(pick(3));
  if (chance(20)) request.allow_empty = true;
  submit<model::Run>(
      [this, request](engine::Context& c) { return engine::start_run(c, rules_, request); },
      [this](Result<model::Run> run) {
        if (!run && !is_expected(run.error())) wrong("start_run: " + run.error().message);
      });
}

// A new key, or a known one: as a client does that did not hear the answer.
void SimWorld::start_with_key() {
  if (keys_.empty() || chance(60))
    keys_.push_back({fmt::format("k{}", keys_made_++), suites_[pick(suites_.size())], {}});
  const std::size_t index = pick(keys_.size());
  const Key key = keys_[index];
  const bool another_body = chance(10);
  const engine::IdempotencyKey asked{"POST /runs", key.name, another_body ? "other" : key.suite,
                                     std::chrono::hours{24}};
  submit<engine::Answered>(
      [this, key, asked](engine::Context& c) {
        UniqueFunction<Result<store::StoredAnswer>(engine::Context&)> operation =
            [this, &key](engine::Context& inner) -> Result<store::StoredAnswer> {
          model::RunRequest request;
          request.suite = key.suite;
          request.triggered_by = "key:" + key.name;
          BATON_TRY(run, engine::start_run(inner, rules_, request));
          return store::StoredAnswer{201, fmt::format("{}", raw(run.id)), ""};
        };
        return engine::answer_once(c, asked, operation);
      },
      [this, index](Result<engine::Answered> answered) {
        if (!answered) {
          if (!is_expected(answered.error())) wrong("answer_once: " + answered.error().message);
          return;
        }
        const std::int64_t run = std::stoll(answered->answer.location);
        Key& known = keys_[index];
        if (known.run && (*known.run != run || !answered->replayed))
          wrong(fmt::format("key {} was answered with run {} and then {}", known.name, *known.run,
                            run));
        known.run = run;
      });
}

void SimWorld::ask_of_run() {
  const auto run = some_run();
  if (!run) return;
  const auto hear = [this](const Error& error) {
    if (!is_expected(error)) wrong("a request about a run: " + error.message);
  };
  const std::size_t dice = pick(100);
  if (dice < 40) {
    submit<model::Run>(
        [this, run](engine::Context& c) { return engine::cancel_run(c, rules_, *run, "why not"); },
        [hear](Result<model::Run> r) {
          if (!r) hear(r.error());
        });
  } else if (dice < 75) {
    const bool failed_only = chance(50);
    submit<model::Run>(
        [this, run, failed_only](engine::Context& c) {
          return engine::rerun(c, rules_, *run, failed_only, "ann");
        },
        [hear](Result<model::Run> r) {
          if (!r) hear(r.error());
        });
  } else {
    submit<void>([run](engine::Context& c) { return engine::delete_run(c, *run); });
  }
}

void SimWorld::import_report() {
  engine::ImportedReport report;
  report.request.suite = "sim/reports";
  report.cases.resize(pick(4));
  for (std::size_t i = 0; i < report.cases.size(); ++i) {
    report.cases[i].name = fmt::format("case {}", i);
    report.cases[i].attempts.resize(1 + pick(2));
    for (model::Attempt& attempt : report.cases[i].attempts)
      attempt.outcome = chance(70) ? model::Outcome::passed : model::Outcome::failed;
  }
  submit<model::Run>([report](engine::Context& c) { return engine::import_report(c, report); },
                     [this](Result<model::Run> run) {
                       if (!run && !is_expected(run.error()))
                         wrong("import: " + run.error().message);
                     });
}

void SimWorld::act_on_schedule() {
  const std::string name = fmt::format("s{}", pick(2));
  const std::size_t dice = pick(100);
  if (dice < 40) {
    model::Schedule schedule;
    schedule.name = name;
    schedule.suite = suites_[pick(suites_.size())];
    schedule.overlap = static_cast<model::Overlap>(pick(3));
    schedule.catch_up = static_cast<model::CatchUp>(pick(2));
    schedule.max_runs = static_cast<std::int64_t>(pick(4)) * 2;
    if (chance(50)) {
      schedule.every = std::chrono::minutes{1 + pick(10)};
    } else {
      schedule.cron = chance(50) ? "*/7 * * * *" : "0 15 2 * * *";
      schedule.time_zone = "Europe/Vienna";
    }
    submit<model::Schedule>(
        [this, schedule](engine::Context& c) {
          return engine::declare_schedule(c, rules_, schedule);
        },
        [this](Result<model::Schedule> declared) {
          if (!declared && !is_expected(declared.error()))
            wrong("declare_schedule: " + declared.error().message);
        });
  } else if (dice < 55) {
    submit<model::Schedule>([name](engine::Context& c) { return engine::pause_schedule(c, name); });
  } else if (dice < 75) {
    submit<model::Schedule>(
        [name](engine::Context& c) { return engine::resume_schedule(c, name); });
  } else if (dice < 90) {
    submit<model::Run>([this, name](engine::Context& c) {
      return engine::trigger_schedule(c, rules_, name, "ann");
    });
  } else {
    submit<void>([name](engine::Context& c) { return engine::delete_schedule(c, name); });
  }
}

// Lists are in order and hold nothing that was deleted.
void SimWorld::look_around() {
  store::RunQuery query;
  query.limit = 1 + static_cast<int>(pick(20));
  if (chance(30)) query.suite = suites_[pick(suites_.size())];
  if (chance(20)) query.state = static_cast<model::RunState>(pick(4));
  if (chance(20)) query.verdict = static_cast<model::RunVerdict>(1 + pick(6));
  if (chance(20)) query.reference = fmt::format("build-{}", pick(5));
  if (chance(20)) query.text = "build differs";
  if (chance(20)) query.labels = {{"lane", "1"}};
  const auto page = store::list_runs(store_->writer(), query);
  if (!page) return wrong("list_runs: " + page.error().message);
  RunId last{INT64_MAX};
  for (const store::RunRow& row : page->runs) {
    if (row.run.id >= last) wrong("a list of runs is out of order");
    if (!fold_->runs().contains(raw(row.run.id))) wrong("a list has a run that was deleted");
    last = row.run.id;
  }
}

// The executor reads what is needed from its cursor. It may fail, or do nothing at all.
void SimWorld::launch_runners(bool gently) {
  store::Session& session = store_->writer();
  if (launcher_ == 0) launcher_ = store::reader_position(session, kLauncher).value().value_or(0);
  const auto events =
      store::read_journal(session, launcher_, kJournalPage, "run.runner_needed").value();
  for (const model::Event& event : events) {
    launcher_ = event.seq;
    const RunId run = store::run_of_subject(event.subject);
    const auto row = store::find_run(session, run).value();
    if (!row || row->run.state != model::RunState::running) continue;
    const int epoch = row->run.epoch;
    if (launched_[raw(run)] >= epoch) continue;
    launched_[raw(run)] = epoch;
    const std::size_t dice = gently ? 0 : pick(100);
    if (dice >= 95) continue;
    if (dice >= 85) {
      submit<void>([this, run, epoch](engine::Context& c) {
        return engine::runner_lost(c, rules_, run, epoch, "the runner could not be launched");
      });
      continue;
    }
    runners_.emplace_back(run, epoch);
    if (const auto spool = spools_.find(raw(run)); spool != spools_.end()) {
      if (chance(70)) runners_.back().inherit(std::move(spool->second));
      spools_.erase(spool);
    }
  }
  submit<void>(
      [seq = launcher_](engine::Context& c) { return engine::advance_reader(c, kLauncher, seq); });
}

void SimWorld::kill(std::size_t index) {
  spools_[raw(runners_[index].run())] = runners_[index].spool();
  runners_.erase(runners_.begin() + static_cast<std::ptrdiff_t>(index));
}

void SimWorld::act_as_runner() {
  if (runners_.empty()) return launch_runners(false);
  const std::size_t index = pick(runners_.size());
  SimRunner& runner = runners_[index];
  if (runner.done()) {
    runners_.erase(runners_.begin() + static_cast<std::ptrdiff_t>(index));
    return;
  }
  if (chance(3)) return kill(index);
  if (runner.claimed() && chance(80)) runner.work(random_, now_.wall);
  post(runner, chance(70));
  if (chance(10)) post(runner, true);  // the same again, in the same batch
}

// Sends what is not acknowledged, or the first part of it; then claims the job when it has not.
void SimWorld::post(SimRunner& runner, bool all) {
  const RunId run = runner.run();
  const int epoch = runner.epoch();
  std::vector<model::Record> records = runner.unacked();
  if (!all && !records.empty()) records.resize(pick(records.size() + 1));
  const std::size_t sent = records.size();
  submit<engine::Applied>(
      [this, run, epoch, records](engine::Context& c) {
        return engine::apply_records(c, rules_, run, epoch, records);
      },
      [this, run, epoch, records](Result<engine::Applied> applied) {
        if (applied) remember(run, records, applied->acked);
        SimRunner* self = find_runner(run, epoch);
        if (self == nullptr) return;
        if (!applied) {
          const Code code = applied.error().code;
          if (!is_expected(applied.error())) wrong("apply_records: " + applied.error().message);
          // Another runner has the run, or it is over: kill the tests and go.
          if (code == Code::conflict || code == Code::gone)
            std::erase_if(runners_, [&](const SimRunner& r) { return &r == self; });
          return;
        }
        self->acked(applied->acked);
        if (applied->cancel) self->cancel(now_.wall);
      });
  // The job comes after all that the predecessor had spooled, as docs/formats/runner.md demands.
  if (runner.claimed() || sent < runner.unacked().size()) return;
  submit<engine::Job>(
      [this, run, epoch](engine::Context& c) { return engine::claim_job(c, rules_, run, epoch); },
      [this, run, epoch](Result<engine::Job> job) {
        expect(job);
        SimRunner* self = find_runner(run, epoch);
        if (job && self != nullptr && !self->claimed()) self->take(*job, random_);
      });
}

}  // namespace baton::sim
