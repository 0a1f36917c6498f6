// SPDX-License-Identifier: MIT
#include "testing/sim_fold.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "model/verdict.h"
#include "store/case_table.h"
#include "store/run_table.h"
#include "store/schedule_table.h"
#include "store/tx.h"

namespace baton::sim {
namespace {

namespace json = boost::json;

std::string text(const json::value& value) { return json::value_to<std::string>(value); }

const json::array* list(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? &value->as_array() : nullptr;
}

std::string compare_attempts(const FoldCase& fold, const model::CaseResult& row) {
  if (fold.attempts.size() != row.attempts.size())
    return fmt::format("case {}: {} attempts in the journal, {} in the table", row.name,
                       fold.attempts.size(), row.attempts.size());
  for (const model::Attempt& attempt : row.attempts) {
    const auto found = fold.attempts.find(attempt.number);
    if (found == fold.attempts.end() || found->second.outcome != name_of(attempt.outcome) ||
        found->second.interrupted != attempt.interrupted)
      return fmt::format("case {} attempt {} is {} in the table", row.name, attempt.number,
                         name_of(attempt.outcome));
  }
  return {};
}

std::string compare_counts(const model::Counts& stored, const model::Counts& counted) {
  const std::string a = store::counts_json(stored);
  const std::string b = store::counts_json(counted);
  return a == b ? std::string{} : fmt::format("counts are {} but the cases make {}", a, b);
}

}  // namespace

std::string Fold::start(FoldRun& run, std::int64_t id) {
  if (run.state != "queued") return "a run was started twice";
  const auto at_limit = [&](const std::string& suite) {
    const auto limit = suite_limits_.find(suite);
    return limit != suite_limits_.end() && running_of_[suite] >= limit->second;
  };
  if (at_limit(run.suite)) return "a suite has more runs under way than it may";
  for (const auto& [other, waiting] : runs_) {
    if (other >= id) break;
    if (waiting.state == "queued" && !at_limit(waiting.suite))
      return fmt::format("it overtook run {}", other);
  }
  run.state = "running";
  ++running_;
  ++running_of_[run.suite];
  if (running_ > running_max_) return "more runs are under way than the limit allows";
  return {};
}

std::string Fold::record(FoldRun& run, std::string_view data) {
  const json::value value = json::parse({data.data(), data.size()});
  const json::object& object = value.as_object();
  if (const auto* planned = list(object, "planned"))
    for (const auto& name : *planned)
      if (!run.cases.emplace(text(name), FoldCase{}).second) return "a case was planned twice";
  if (const auto* started = list(object, "started"))
    for (const auto& entry : *started) {
      FoldCase& one = run.cases[text(entry.as_array().at(0))];
      if (!one.attempts.emplace(static_cast<int>(entry.as_array().at(1).as_int64()), FoldAttempt{})
               .second)
        return "an attempt was started twice";
    }
  if (const auto* finished = list(object, "finished"))
    for (const auto& entry : *finished) {
      const json::object& attempt = entry.as_object();
      FoldCase& one = run.cases[text(attempt.at("test"))];
      FoldAttempt& stored = one.attempts[static_cast<int>(attempt.at("attempt").as_int64())];
      if (stored.outcome != "running" && !stored.interrupted)
        return fmt::format("a finished attempt of {} changed", text(attempt.at("test")));
      stored.outcome = text(attempt.at("outcome"));
      stored.interrupted = attempt.contains("interrupted");
    }
  if (const auto* cases = list(object, "cases"))
    for (const auto& entry : *cases)
      run.cases[text(entry.as_array().at(0))].verdict = text(entry.as_array().at(1));
  if (const auto* settled = object.if_contains("settled"))
    for (auto& [name, one] : run.cases)
      if (one.verdict == "pending") one.verdict = text(*settled);
  return {};
}

std::string Fold::finish(FoldRun& run, std::string_view data) {
  if (run.state == "finished") return "a run got a second verdict";
  if (run.state == "running") {
    --running_;
    --running_of_[run.suite];
  }
  run.state = "finished";
  run.verdict = text(json::parse({data.data(), data.size()}).as_object().at("verdict"));
  if (run.verdict.empty()) return "a run finished without a verdict";
  for (const auto& [name, one] : run.cases) {
    if (one.verdict == "pending") return "a run finished with a pending case";
    for (const auto& [number, attempt] : one.attempts)
      if (attempt.outcome == "running") return "a run finished with an attempt under way";
  }
  return {};
}

std::string Fold::apply_run(const model::Event& event, std::int64_t id) {
  touched_.insert(id);
  if (event.kind == "run.queued") {
    if (id <= last_id_) return "an id was given twice or out of order";
    last_id_ = id;
    const json::value data = json::parse(event.data);
    runs_[id].suite = text(data.as_object().at("suite"));
    return {};
  }
  const auto found = runs_.find(id);
  if (found == runs_.end()) return "an event of a run that does not exist";
  FoldRun& run = found->second;
  if (event.kind == "run.started") return start(run, id);
  if (event.kind == "run.finished") return finish(run, event.data);
  if (event.kind == "run.deleted") {
    if (run.state != "finished") return "a live run was deleted";
    runs_.erase(found);
    return {};
  }
  if (run.state == "finished") return "a finished run changed";
  if (event.kind == "run.recorded") return record(run, event.data);
  if (event.kind == "run.cancel_requested") run.cancel_requested = true;
  if (event.kind == "run.resumed" || event.kind == "run.runner_needed") {
    const json::value data = json::parse(event.data);
    const int epoch = static_cast<int>(data.as_object().at("epoch").as_int64());
    if (event.kind == "run.runner_needed" && epoch == 1) run.epoch = 1;
    if (event.kind == "run.resumed") {
      if (epoch != run.epoch + 1) return "epochs do not rise by one";
      run.epoch = epoch;
      if (++run.resumes > model::kResumesMax) return "a run was resumed too often";
    }
  }
  return {};
}

std::string Fold::apply(const model::Event& event) {
  if (event.kind == "schedule.deleted") schedules_.erase(event.subject);
  if (event.kind == "schedule.declared") schedules_.insert(event.subject);
  if (!event.subject.starts_with("run:")) return {};
  const std::string wrong = apply_run(event, raw(store::run_of_subject(event.subject)));
  if (wrong.empty()) return {};
  return fmt::format("{} {} (seq {}): {}", event.kind, event.subject, event.seq, wrong);
}

std::string Fold::compare_run(store::Session& session, RunId id) const {
  const auto found = runs_.find(raw(id));
  const auto row = store::find_run(session, id).value();
  if (found == runs_.end()) return row ? "the table has a run that was deleted" : "";
  if (!row) return "the table lacks the run";
  const FoldRun& fold = found->second;
  const model::Run& run = row->run;
  if (fold.state != name_of(run.state) || fold.verdict != name_of(run.verdict))
    return fmt::format("the table says {} {}, the journal {} {}", name_of(run.state),
                       name_of(run.verdict), fold.state, fold.verdict);
  if (fold.epoch != run.epoch || fold.resumes != run.resumes ||
      fold.cancel_requested != run.cancel_requested)
    return "epoch, resumes or cancel_requested differ";
  const auto page = store::list_cases(session, id, {.limit = 10'000}).value();
  if (page.cases.size() != fold.cases.size())
    return fmt::format("{} cases in the journal, {} in the table", fold.cases.size(),
                       page.cases.size());
  for (const model::CaseResult& row_case : page.cases) {
    const auto fold_case = fold.cases.find(row_case.name);
    if (fold_case == fold.cases.end()) return fmt::format("case {} is unknown", row_case.name);
    if (fold_case->second.verdict != name_of(row_case.verdict))
      return fmt::format("case {} is {} in the table, {} in the journal", row_case.name,
                         name_of(row_case.verdict), fold_case->second.verdict);
    if (auto wrong = compare_attempts(fold_case->second, row_case); !wrong.empty()) return wrong;
    const bool settled = row_case.verdict != model::CaseVerdict::pending;
    if (settled && !row_case.attempts.empty() &&
        model::verdict_of(row_case.attempts, true, false) != row_case.verdict)
      return fmt::format("case {}: its attempts do not make its verdict", row_case.name);
  }
  return compare_counts(run.counts, model::count(page.cases));
}

std::string Fold::compare_counters(store::Session& session) const {
  std::int64_t queued = 0;
  for (const auto& [id, run] : runs_) queued += run.state == "queued" ? 1 : 0;
  const store::Load load = store::run_load(session).value();
  if (load.queued != queued || load.running != running_)
    return fmt::format("the counters say {} queued and {} running, the journal {} and {}",
                       load.queued, load.running, queued, running_);
  return {};
}

std::string Fold::check_deadlines(store::Session& session) const {
  std::set<std::string> watched;
  const auto due =
      store::due_deadlines(session, from_ms(std::int64_t{1} << 50), 100'000).value();
  for (const store::Deadline& deadline : due) {
    if (deadline.subject.starts_with("run:")) {
      const auto run = runs_.find(raw(store::run_of_subject(deadline.subject)));
      if (run == runs_.end() || run->second.state != "running")
        return fmt::format("deadline {} of {} outlives it", deadline.kind, deadline.subject);
      if (deadline.kind == "runner_lost") watched.insert(deadline.subject);
    } else if (deadline.subject.starts_with("schedule:")) {
      if (!schedules_.contains(deadline.subject))
        return fmt::format("deadline {} of {} outlives it", deadline.kind, deadline.subject);
    }
  }
  for (const auto& [id, run] : runs_)
    if (run.state == "running" && !watched.contains(store::run_subject(RunId{id})))
      return fmt::format("run {} is running and nobody would notice the loss of its runner", id);
  return {};
}

}  // namespace baton::sim
