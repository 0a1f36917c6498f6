// SPDX-License-Identifier: MIT
// What is known of the executions, and what follows from it; testkube_search.cc asks for them.
#include "links/testkube_round.h"

#include <algorithm>

namespace baton::links {
namespace {

using model::GateVerdict;

// While the peer is down it is asked less and less often.
constexpr Duration kPauseMax = std::chrono::seconds{60};
// An answer of "not found" may be that of a server that has just started.
constexpr int kMissesMax = 3;
// A single failed list is no news.
constexpr int kFailuresShown = 3;
constexpr int kProblemKept = 30;

}  // namespace

void TestkubeRound::watch(const std::vector<model::Gate>& pending, TimePoint now) {
  std::set<std::string> ids;
  for (const model::Gate& gate : pending) {
    ids.insert(gate.id);
    if (!gates_.contains(gate.id)) add(gate, now);
  }
  for (auto gate = gates_.begin(); gate != gates_.end();)
    gate = ids.contains(gate->first) ? std::next(gate) : gates_.erase(gate);
  index();
  forget_unused();
  // Whoever comes next looks for what is older himself.
  if (gates_.empty()) newest_.reset();
}

bool TestkubeRound::is_idle() const {
  return std::all_of(gates_.begin(), gates_.end(),
                     [](const auto& gate) { return gate.second.decided; });
}

void TestkubeRound::add(const model::Gate& gate, TimePoint now) {
  Waiting waiting;
  waiting.id = gate.id;
  waiting.subject = gate.request.subject.testkube;
  waiting.told = gate.watched;
  waiting.search_at = now;
  waiting.start_at = now;
  if (!waiting.subject.tag.empty()) {
    waiting.tag = waiting.subject.tag;
    waiting.newest_only = !waiting.subject.all;
  } else if (!waiting.subject.workflow.empty()) {
    waiting.tag = fmt::format("{}={}", kTestkubeGateTag, gate.id);
    // What an earlier server started is not started again, even if Testkube has forgotten it.
    for (TestkubeExecution& one : parse_testkube_watched(gate.watched)) {
      waiting.executions.push_back(one.id);
      Seen seen;
      seen.moved_at = now;
      seen.execution = std::move(one);
      seen_.try_emplace(waiting.executions.back(), std::move(seen));
    }
  }
  gates_.emplace(gate.id, std::move(waiting));
}

void TestkubeRound::index() {
  by_tag_.clear();
  by_name_.clear();
  by_group_.clear();
  for (auto& [id, waiting] : gates_) {
    if (!waiting.tag.empty()) by_tag_[waiting.tag].push_back(&waiting);
    if (!waiting.subject.execution.empty()) by_name_[waiting.subject.execution].push_back(&waiting);
    if (!waiting.group.empty()) by_group_[waiting.group] = &waiting;
  }
}

void TestkubeRound::learn_group(Waiting& waiting, const std::string& group) {
  if (waiting.subject.workflow.empty() || !waiting.group.empty() || group.empty()) return;
  waiting.group = group;
  by_group_[group] = &waiting;
}

void TestkubeRound::forget_unused() {
  std::set<std::string> used;
  for (const auto& [id, waiting] : gates_)
    used.insert(waiting.executions.begin(), waiting.executions.end());
  for (auto seen = seen_.begin(); seen != seen_.end();)
    seen = used.contains(seen->first) ? std::next(seen) : seen_.erase(seen);
}

void TestkubeRound::absorb(const TestkubeExecution& execution, TimePoint now, bool whole) {
  for (const auto& [key, value] : execution.tags)
    if (const auto found = by_tag_.find(key + "=" + value); found != by_tag_.end())
      for (Waiting* waiting : found->second) attach(*waiting, execution);
  for (const std::string& name : {execution.id, execution.name})
    if (const auto found = by_name_.find(name); found != by_name_.end())
      for (Waiting* waiting : found->second)
        if (waiting->executions.empty()) attach(*waiting, execution);
  if (const auto found = by_group_.find(execution.group); found != by_group_.end())
    attach(*found->second, execution);
  note(execution, now, whole);
}

void TestkubeRound::attach(Waiting& waiting, const TestkubeExecution& execution) {
  if (waiting.decided) return;
  auto& mine = waiting.executions;
  if (std::find(mine.begin(), mine.end(), execution.id) == mine.end()) {
    if (waiting.newest_only && !mine.empty()) {
      const auto held = seen_.find(mine.front());
      if (held != seen_.end() && held->second.execution.scheduled_at >= execution.scheduled_at)
        return;
      mine.clear();
    }
    mine.push_back(execution.id);
    seen_.try_emplace(execution.id);
  }
  learn_group(waiting, execution.group);
}

void TestkubeRound::note(const TestkubeExecution& execution, TimePoint now, bool whole) {
  const auto found = seen_.find(execution.id);
  if (found == seen_.end()) return;
  Seen& seen = found->second;
  const TestkubeExecution& before = seen.execution;
  if (before.id.empty() || before.status != execution.status ||
      before.status_at != execution.status_at || before.finished != execution.finished) {
    seen.moved_at = now;
    seen.log_length.reset();
  }
  seen.fresh = true;
  seen.missing = 0;
  // What was read by itself knows more than a list does.
  const bool knows_more = seen.confirmed && execution.finished && !whole;
  if (!knows_more) seen.execution = execution;
  seen.confirmed = execution.finished && (whole || seen.confirmed);
}

void TestkubeRound::log_moved(std::string_view execution, TimePoint now) {
  const auto found = seen_.find(std::string(execution));
  if (found == seen_.end()) return;
  found->second.moved_at = now;
  found->second.log_length.reset();
}

Duration TestkubeRound::pause() const {
  if (failures_ == 0) return profile_.poll;
  const Duration longer = profile_.poll * (1LL << std::min(failures_, 10));
  return std::min(longer, std::max(kPauseMax, profile_.poll));
}

std::vector<TestkubeWanted> TestkubeRound::wanted() const {
  std::vector<TestkubeWanted> wanted;
  for (const auto& [id, waiting] : gates_)
    for (const TestkubeExecution& one : executions_of(waiting))
      wanted.push_back({id, one.id, one.name, one.finished});
  return wanted;
}

TestkubeNews TestkubeRound::poll(Http& http, TimePoint now) {
  if (is_idle()) return {};
  begin_round();
  TestkubeApi api(profile_, http);
  if (const auto read = read_pages(api, now); !read) {
    // The words of one outage differ from call to call; that is no news to each of its gates.
    if (failures_++ % kProblemKept == 0) problem_ = read.error().message;
    TestkubeNews news;
    if (failures_ >= kFailuresShown)
      for (auto& [id, waiting] : gates_) observe(waiting, news);
    return news;
  }
  // Nobody knows what moved meanwhile.
  if (failures_ > 0)
    for (auto& [id, seen] : seen_) seen.moved_at = now;
  failures_ = 0;
  search(api, now);
  look_at_missing(api, now);
  confirm(api, now);
  check_stalls(api, now);
  return conclude(api, now, true);
}

TestkubeNews TestkubeRound::look(Http& http, const std::vector<std::string>& executions,
                                 TimePoint now) {
  if (is_idle()) return {};
  begin_round();
  TestkubeApi api(profile_, http);
  for (const std::string& execution : executions) {
    if (!may_call()) break;
    // A failure decides nothing; the next round asks again.
    static_cast<void>(read_one(api, execution, now));
  }
  return conclude(api, now, false);
}

bool TestkubeRound::is_over(const Waiting& waiting) const {
  return !waiting.executions.empty() &&
         std::all_of(waiting.executions.begin(), waiting.executions.end(),
                     [&](const std::string& execution) {
                       const auto seen = seen_.find(execution);
                       return seen != seen_.end() && seen->second.confirmed;
                     });
}

std::vector<TestkubeExecution> TestkubeRound::executions_of(const Waiting& waiting) const {
  std::vector<TestkubeExecution> executions;
  for (const std::string& id : waiting.executions)
    if (const auto seen = seen_.find(id); seen != seen_.end())
      executions.push_back(seen->second.execution);
  return executions;
}

// Deleted at Testkube: another with the tag may take its place, but not that of one that was named
// or started.
void TestkubeRound::drop_missing(Waiting& waiting, TimePoint now) {
  for (auto id = waiting.executions.begin(); id != waiting.executions.end();) {
    const auto seen = seen_.find(*id);
    if (seen == seen_.end() || seen->second.missing < kMissesMax) {
      ++id;
      continue;
    }
    if (waiting.subject.tag.empty()) {
      const TestkubeExecution& gone = seen->second.execution;
      waiting.failure = {waiting.id, GateVerdict::errored,
                         fmt::format("Testkube does not know the execution {} any more",
                                     gone.name.empty() ? *id : gone.name)};
      return;
    }
    id = waiting.executions.erase(id);
    waiting.search_at = now;
    waiting.search_pause = Duration{0};
    waiting.searched = false;
  }
}

std::optional<TestkubeVerdict> TestkubeRound::verdict_for(TestkubeApi& api, Waiting& waiting,
                                                          TimePoint now, bool is_listed) {
  if (!waiting.failure) drop_missing(waiting, now);
  if (waiting.misses >= kMissesMax)
    waiting.failure = {waiting.id, GateVerdict::errored,
                       fmt::format("Testkube knows no execution {}", waiting.subject.execution)};
  if (waiting.failure) return waiting.failure;
  if (!is_over(waiting)) return {};
  // Another may have begun meanwhile. The newest is known when the list of this round was read.
  const bool may_have_more = !waiting.tag.empty() && !(waiting.newest_only && is_listed);
  if (may_have_more) {
    if (!may_call()) return {};
    if (!find(api, waiting.tag, waiting.newest_only, now) || !is_over(waiting)) return {};
  }
  return verdict_of(waiting.id, executions_of(waiting));
}

void TestkubeRound::observe(Waiting& waiting, TestkubeNews& news) const {
  const std::string& problem = failures_ >= kFailuresShown ? problem_ : waiting.trouble;
  if (waiting.executions.empty() && problem.empty() && waiting.told == "{}") return;
  std::string watched = testkube_watched(executions_of(waiting), waiting.group, problem);
  if (watched == waiting.told) return;
  waiting.told = watched;
  news.observed.push_back({waiting.id, std::move(watched)});
}

TestkubeNews TestkubeRound::conclude(TestkubeApi& api, TimePoint now, bool is_listed) {
  TestkubeNews news;
  begin_step();
  for (auto& [id, waiting] : gates_) {
    if (waiting.decided) continue;
    auto verdict = verdict_for(api, waiting, now, is_listed);
    observe(waiting, news);
    if (!verdict) continue;
    waiting.decided = true;
    news.decided.push_back(*std::move(verdict));
  }
  forget_unused();
  return news;
}

}  // namespace baton::links
