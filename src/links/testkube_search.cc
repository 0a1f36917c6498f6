// SPDX-License-Identifier: MIT
// The calls of a round.
#include <algorithm>

#include "base/text.h"
#include "links/testkube_log.h"
#include "links/testkube_round.h"

namespace baton::links {
namespace {

// Single calls of each step of a round: a peer that many gates wait for is not flooded, the rest
// comes in the next round. Each step has its own, so that none starves another.
constexpr int kCallsMax = 50;
// Beyond these pages executions are read one by one.
constexpr int kPagesMax = 5;
// Executions with one tag; more than a thousand are no answer to a question.
constexpr int kTagPagesMax = 10;
// One more page of a hundred costs about as much as so many single ones.
constexpr int kFewMissing = 5;
// While more than these are waited for, among them others that nobody waits for, a list is a long
// one: it is still a single call.
constexpr std::size_t kManyRunning = 50;
// A tag that nobody has: newer ones show up in the list anyway.
constexpr Duration kSearchPauseMax = std::chrono::minutes{5};
// And of all of them together one in so many intervals: searches are no part of what waiting costs.
constexpr int kRepeatPause = 20;
// A start without an answer may still take effect; it is looked for so many rounds long.
constexpr int kDoubtRounds = 5;
constexpr Duration kStartPauseMax = std::chrono::seconds{60};

// Trying again would change nothing.
bool is_final(const Error& error) {
  return error.code == Code::not_found || error.code == Code::unprocessable ||
         error.code == Code::conflict || error.code == Code::invalid ||
         error.code == Code::forbidden;
}

Duration next_pause(Duration pause, Duration first, Duration max) {
  return std::clamp(pause * 2, first, std::max(first, max));
}

}  // namespace

void TestkubeRound::begin_round() {
  begin_step();
  searched_.clear();
  for (auto& [id, seen] : seen_) seen.fresh = false;
}

void TestkubeRound::begin_step() { calls_left_ = kCallsMax; }
bool TestkubeRound::may_call() { return calls_left_-- > 0; }

bool TestkubeRound::may_repeat(TimePoint now) {
  if (repeat_at_ > now) return false;
  repeat_at_ = now + profile_.poll * kRepeatPause;
  return true;
}

// There is more behind it that the last list did not have.
bool TestkubeRound::is_all_new(const TestkubePage& page) const {
  if (page.executions.empty() || !page.more) return false;
  const auto& oldest = page.executions.back().scheduled_at;
  return !newest_ || (oldest && *oldest > *newest_);
}

// More began than the pages of a list show: what is waited for may be among them.
void TestkubeRound::search_again(TimePoint now) {
  for (auto& [id, waiting] : gates_) {
    if (!waiting.searched) continue;
    waiting.searched = false;
    waiting.search_at = now;
  }
}

bool TestkubeRound::needs_older(const TestkubePage& page) const {
  if (page.executions.empty()) return page.more;
  // What began since the last list must not fall between the pages.
  const auto& oldest = page.executions.back().scheduled_at;
  if (newest_ && oldest && *oldest > *newest_) return true;
  const auto missing = std::count_if(seen_.begin(), seen_.end(), [](const auto& seen) {
    return !seen.second.fresh && !seen.second.confirmed;
  });
  return missing > kFewMissing;
}

Result<void> TestkubeRound::read_pages(TestkubeApi& api, TimePoint now) {
  std::optional<TimePoint> newest;
  bool is_gap = false;
  const int size = seen_.size() > kManyRunning ? kTestkubePageMax : kTestkubePageSize;
  for (int number = 0; number < kPagesMax; ++number) {
    const auto page = api.list(number, {}, size);
    if (!page) {
      if (number == 0) return tl::unexpected(page.error());
      return {};
    }
    if (number == 0 && !page->executions.empty()) newest = page->executions.front().scheduled_at;
    for (const TestkubeExecution& execution : page->executions) absorb(execution, now, false);
    is_gap = is_all_new(*page);
    if (!page->more || !needs_older(*page)) break;
  }
  if (is_gap) search_again(now);
  if (newest) newest_ = newest;
  return {};
}

Result<void> TestkubeRound::read_one(TestkubeApi& api, const std::string& execution,
                                     TimePoint now) {
  const auto read = api.get(execution);
  if (read) {
    absorb(*read, now, true);
    return {};
  }
  const auto seen = seen_.find(execution);
  if (read.error().code == Code::not_found && seen != seen_.end()) ++seen->second.missing;
  return tl::unexpected(read.error());
}

Result<void> TestkubeRound::find(TestkubeApi& api, const std::string& tag, bool newest_only,
                                 TimePoint now) {
  if (searched_.contains((newest_only ? "newest " : "all ") + tag)) return {};
  for (int number = 0; number < kTagPagesMax; ++number) {
    BATON_TRY(page, api.list(number, tag));
    bool any = false;
    for (const TestkubeExecution& execution : page.executions) {
      any = any || has_tag(execution, tag);
      absorb(execution, now, false);
    }
    if (!page.more || (newest_only && any)) break;
  }
  searched_.insert((newest_only ? "newest " : "all ") + tag);
  return {};
}

void TestkubeRound::search(TestkubeApi& api, TimePoint now) {
  begin_step();
  std::vector<Waiting*> due;
  for (auto& [id, waiting] : gates_)
    if (!waiting.decided && !waiting.failure && waiting.executions.empty() &&
        waiting.search_at <= now)
      due.push_back(&waiting);
  std::sort(due.begin(), due.end(),
            [](const Waiting* a, const Waiting* b) { return a->search_at < b->search_at; });
  for (Waiting* waiting : due) {
    if (waiting->searched && !may_repeat(now)) continue;
    if (!may_call()) return;
    search_for(api, *waiting, now);
  }
}

void TestkubeRound::search_for(TestkubeApi& api, Waiting& waiting, TimePoint now) {
  if (!waiting.executions.empty()) return;  // found with another's search
  const bool is_tag = !waiting.subject.tag.empty();
  waiting.search_pause =
      is_tag ? next_pause(waiting.search_pause, profile_.poll, kSearchPauseMax) : profile_.poll;
  waiting.search_at = now + waiting.search_pause;
  if (!waiting.subject.execution.empty()) {
    const auto read = read_one(api, waiting.subject.execution, now);
    const bool is_unknown = !read && read.error().code == Code::not_found;
    waiting.misses = is_unknown ? waiting.misses + 1 : 0;
    return;
  }
  if (!find(api, waiting.tag, waiting.newest_only, now)) return;
  waiting.searched = is_tag;
  if (!is_tag && waiting.executions.empty() && waiting.start_at <= now) start(api, waiting, now);
}

void TestkubeRound::start(TestkubeApi& api, Waiting& waiting, TimePoint now) {
  const auto started = api.start({waiting.subject.workflow,
                                  waiting.subject.config,
                                  {{std::string(kTestkubeGateTag), waiting.id}}});
  if (started) {
    waiting.trouble.clear();
    attach(waiting, *started);
    absorb(*started, now, true);
    return;
  }
  const Error& error = started.error();
  if (is_final(error)) {
    waiting.failure = {waiting.id, model::GateVerdict::errored,
                       fmt::format("the workflow {} cannot be started: {}",
                                   waiting.subject.workflow, error.message)};
    return;
  }
  waiting.trouble = error.message;
  waiting.start_pause =
      next_pause(waiting.start_pause, profile_.poll * kDoubtRounds, kStartPauseMax);
  waiting.start_at = now + waiting.start_pause;
}

// Those that are older than the pages of the list.
void TestkubeRound::look_at_missing(TestkubeApi& api, TimePoint now) {
  begin_step();
  std::vector<std::pair<TimePoint, std::string>> missing;
  for (const auto& [id, seen] : seen_)
    if (!seen.fresh && !seen.confirmed) missing.emplace_back(seen.looked_at, id);
  std::sort(missing.begin(), missing.end());
  for (const auto& [looked_at, id] : missing) {
    if (!may_call()) return;
    seen_[id].looked_at = now;
    static_cast<void>(read_one(api, id, now));
  }
}

// A list is a summary, and a webhook's word is none: what decides is read by itself.
void TestkubeRound::confirm(TestkubeApi& api, TimePoint now) {
  begin_step();
  std::vector<std::string> finished;
  for (const auto& [id, seen] : seen_)
    if (seen.fresh && seen.execution.finished && !seen.confirmed) finished.push_back(id);
  for (const std::string& id : finished) {
    if (!may_call()) return;
    static_cast<void>(read_one(api, id, now));
  }
}

// An agent that does not tell where the past of its log ends takes seconds, in which nobody lists,
// confirms or decides: one such in a round is enough, the others have the next ones.
std::int64_t TestkubeRound::measure(TestkubeApi& api, const std::string& execution,
                                    std::int64_t unknown) {
  const auto length = testkube_log_length(api, execution);
  if (!length || length->was_waited_for) may_measure_ = false;
  return length ? length->bytes : unknown;
}

bool TestkubeRound::is_stalled(TestkubeApi& api, Seen& seen, TimePoint now) {
  const Duration half = profile_.stall_after / 2;
  const std::string id = seen.execution.id;
  const bool is_followed = followed_.contains(id);
  // Of a log that nobody follows the length tells, now and half of the time ago.
  if (!is_followed && !seen.log_length) {
    if (!may_measure_ || !may_call()) return false;
    seen.log_length = measure(api, id, 0);
    seen.measured_at = now;
  }
  if (now - seen.moved_at < profile_.stall_after) return false;
  if (!is_followed && (!may_measure_ || now - seen.measured_at < half)) return false;
  if (!may_call() || !read_one(api, id, now)) return false;
  if (seen.execution.finished || seen.moved_at == now) return false;
  if (is_followed) return true;
  const std::int64_t before = seen.log_length.value_or(0);
  const std::int64_t length = measure(api, id, before);
  seen.measured_at = now;
  if (length == before) return true;
  seen.moved_at = now;
  seen.log_length = length;
  return false;
}

void TestkubeRound::check_stalls(TestkubeApi& api, TimePoint now) {
  begin_step();
  may_measure_ = true;
  // Those first that were measured longest ago, or never.
  std::vector<std::pair<TimePoint, std::string>> still;
  for (const auto& [id, seen] : seen_)
    if (seen.fresh && !seen.execution.finished && now - seen.moved_at >= profile_.stall_after / 2)
      still.emplace_back(seen.measured_at, id);
  std::sort(still.begin(), still.end());
  for (const auto& [measured_at, id] : still) {
    const auto seen = seen_.find(id);
    if (seen == seen_.end() || !is_stalled(api, seen->second, now)) continue;
    const TestkubeExecution& execution = seen->second.execution;
    for (auto& [gate, waiting] : gates_) {
      const auto& mine = waiting.executions;
      if (waiting.decided || std::find(mine.begin(), mine.end(), id) == mine.end()) continue;
      waiting.failure = {
          gate, model::GateVerdict::errored,
          fmt::format("stalled: {} is {}, and neither that nor its log changed for "
                      "{}",
                      execution.name, execution.status, format_duration(profile_.stall_after)),
          false};
    }
  }
}

Result<void> abandon_testkube(TestkubeApi& api, const model::Gate& gate) {
  if (gate.request.subject.testkube.workflow.empty()) return {};
  const std::string tag = fmt::format("{}={}", kTestkubeGateTag, gate.id);
  std::set<std::string> started;
  for (const TestkubeExecution& one : parse_testkube_watched(gate.watched)) started.insert(one.id);
  for (int number = 0; number < kTagPagesMax; ++number) {
    BATON_TRY(page, api.list(number, tag));
    for (const TestkubeExecution& one : page.executions) {
      if (!has_tag(one, tag)) continue;
      if (one.finished) {
        started.erase(one.id);
      } else {
        started.insert(one.id);
      }
    }
    if (!page.more) break;
  }
  for (const std::string& execution : started) BATON_TRY_VOID(api.abort(execution));
  return {};
}

}  // namespace baton::links
