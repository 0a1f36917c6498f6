// SPDX-License-Identifier: MIT
#include "app/testkube_poller.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <vector>

#include "app/testkube_logs.h"
#include "base/log.h"
#include "engine/gate_ops.h"
#include "links/http.h"
#include "links/testkube_round.h"
#include "store/gate_table.h"

namespace baton::app {
namespace {

using namespace std::chrono_literals;  // NOLINT: the times below

constexpr int kPage = 500;
// Notices of webhooks: beyond it the next list tells as well.
constexpr std::size_t kLooksMax = 1'000;
// More at once are answered by one list.
constexpr std::size_t kLooksOneByOne = 20;
// A verdict waits so long for the end of its log, and is there this long before the deadline.
constexpr Duration kLogGrace = 10s;
constexpr Duration kDeadlineMargin = 2s;
constexpr std::ptrdiff_t kSavedAtOnce = 50;
// After what could not be written, read or aborted.
constexpr Duration kRetry = 1s;
constexpr int kAbandonTries = 20;
// What an earlier server left running is looked after at the start.
constexpr Duration kAbandonAge = 1h;
constexpr int kAbandonedMax = 200;

struct Closing {
  links::TestkubeVerdict verdict;
  TimePoint at_latest;
};
struct Abandoned {
  model::Gate gate;
  int tries = 0;
  bool again = false;  // its start may have had no answer
  TimePoint next_at;
};

}  // namespace

struct TestkubePoller::State {
  Parts parts;
  const std::string watcher;
  std::mutex mutex;
  std::condition_variable_any wake;
  bool changed = true;          // guarded by mutex
  bool woken = false;           // guarded by mutex
  bool look_now = false;        // guarded by mutex
  std::set<std::string> looks;  // guarded by mutex: executions
  std::set<std::string> moved;  // guarded by mutex: executions whose log has grown

  // Of the thread.
  links::TestkubeRound round;
  std::map<std::string, model::Gate> gates;    // pending
  std::map<std::string, std::string> unsaved;  // gate: watched
  std::map<std::string, Closing> closing;
  std::vector<Abandoned> abandoned;
  std::optional<TimePoint> polled_at;
  std::optional<TestkubeLogs> logs;
  std::jthread thread;

  explicit State(Parts p)
      : parts(std::move(p)), watcher("testkube/" + parts.profile.name), round(parts.profile) {}

  TimePoint now() const { return parts.clock().at; }

  void notify(bool State::*flag) {
    const std::lock_guard lock(mutex);
    this->*flag = true;
    woken = true;
    wake.notify_one();
  }

  void begin() {
    TestkubeLogs::Parts made{parts.profile, parts.append, {}, {}};
    made.on_text = [this](const std::string& execution) {
      const std::lock_guard lock(mutex);
      moved.insert(execution);
    };
    made.on_complete = [this] { notify(&State::woken); };
    logs.emplace(std::move(made));
    thread = std::jthread([this](const std::stop_token& stop) { loop(stop); });
  }

  // --- which gates ---

  Result<std::map<std::string, model::Gate>> pending() const {
    std::map<std::string, model::Gate> found;
    BATON_TRY(snapshot, parts.store.snapshot());
    std::int64_t after = 0;
    for (;;) {
      BATON_TRY(page, store::pending_gates(snapshot.sql(), watcher, after, kPage));
      for (model::Gate& gate : page) {
        after = gate.seq;
        found.emplace(gate.id, std::move(gate));
      }
      if (page.size() < static_cast<std::size_t>(kPage)) return found;
    }
  }

  Result<void> read_gates() {
    BATON_TRY(found, pending());
    std::vector<model::Gate> all;
    for (const auto& [id, gate] : found) {
      if (!gates.contains(id)) logs->open(gate);
      all.push_back(gate);
    }
    for (const auto& [id, gate] : gates)
      if (!found.contains(id)) BATON_TRY_VOID(forget(id));
    gates = std::move(found);
    round.watch(all, now());
    return {};
  }

  Result<void> forget(const std::string& id) {
    BATON_TRY(snapshot, parts.store.snapshot());
    BATON_TRY(gate, store::find_gate(snapshot.sql(), id));
    if (gate) abandon(*std::move(gate));
    unsaved.erase(id);
    closing.erase(id);
    logs->close(id);
    return {};
  }

  // A workflow that was started for nobody any more is aborted.
  void abandon(model::Gate gate) {
    const bool is_without =
        gate.state == model::GateState::cancelled || gate.state == model::GateState::superseded;
    if (!is_without || gate.request.subject.testkube.workflow.empty()) return;
    for (const Abandoned& known : abandoned)
      if (known.gate.id == gate.id) return;
    const bool again = links::parse_testkube_watched(gate.watched).empty();
    abandoned.push_back({std::move(gate), 0, again, now()});
  }

  Result<void> find_abandoned() {
    BATON_TRY(snapshot, parts.store.snapshot());
    const TimePoint since = parts.clock().wall - kAbandonAge;
    for (const auto state : {model::GateState::cancelled, model::GateState::superseded}) {
      store::GateFilter filter;
      filter.state = state;
      BATON_TRY(ended, store::list_gates(snapshot.sql(), filter, 0, kAbandonedMax));
      for (model::Gate& gate : ended)
        if (gate.decided_at && *gate.decided_at >= since &&
            store::watcher_of(gate.request.subject) == watcher)
          abandon(std::move(gate));
    }
    return {};
  }

  void abort_abandoned(links::Http& http) {
    links::TestkubeApi api(parts.profile, http);
    std::erase_if(abandoned, [&](Abandoned& one) {
      if (one.next_at > now()) return false;
      const auto done = links::abandon_testkube(api, one.gate);
      if (done && !std::exchange(one.again, false)) return true;
      one.next_at = now() + std::max<Duration>(kRetry, parts.profile.poll * (1 + one.tries));
      if (done || ++one.tries < kAbandonTries) return false;
      log::warn(
          "testkube.not_aborted",
          {{"link", parts.profile.id()}, {"gate", one.gate.id}, {"error", done.error().message}});
      return true;
    });
  }

  // --- what is written ---

  void take(links::TestkubeNews news) {
    for (auto& one : news.observed) unsaved[one.gate] = std::move(one.watched);
    for (auto& one : news.decided) {
      const auto gate = gates.find(one.gate);
      if (gate == gates.end()) continue;
      const Now at = parts.clock();
      const Duration left = gate->second.deadline_at - at.wall - kDeadlineMargin;
      // An execution that has stalled may go on while its log is waited for, and be done.
      const Duration grace =
          one.has_whole_log ? std::clamp(left, Duration{0}, kLogGrace) : Duration{0};
      const std::string id = one.gate;
      closing.emplace(id, Closing{std::move(one), at.at + grace});
    }
    logs->want(round.wanted());
    round.set_followed(logs->followed());
  }

  Result<void> save() {
    while (!unsaved.empty()) {
      // When Testkube goes down all of its gates have news, and others wait for the writer, too.
      const auto end = std::next(unsaved.begin(), std::min(kSavedAtOnce, std::ssize(unsaved)));
      BATON_TRY_VOID(parts.writer.run<void>([&](engine::Context& context) -> Result<void> {
        for (auto one = unsaved.begin(); one != end; ++one) {
          const auto saved = engine::observe_gate(context, one->first, one->second);
          if (!saved && saved.error().code != Code::not_found) return saved;
        }
        return {};
      }));
      unsaved.erase(unsaved.begin(), end);
    }
    return {};
  }

  Result<void> decide() {
    for (auto one = closing.begin(); one != closing.end();) {
      const auto& [id, close] = *one;
      if (!logs->is_complete(id) && now() < close.at_latest) {
        ++one;
        continue;
      }
      const engine::Verdict verdict{
          close.verdict.verdict, model::VerdictSource::testkube, close.verdict.reason, "", {}};
      const auto decided = parts.writer.run<engine::Decided>([&](engine::Context& context) {
        return engine::decide_gate(context, parts.rules, id, verdict);
      });
      if (!decided && decided.error().code != Code::not_found)
        return tl::unexpected(decided.error());
      one = closing.erase(one);
    }
    return {};
  }

  // --- the thread ---

  TimePoint due() const { return polled_at ? *polled_at + round.pause() : TimePoint{}; }

  // When there is something to do although nobody says so.
  std::optional<TimePoint> next_at(bool failed) const {
    std::optional<TimePoint> next;
    const auto add = [&](TimePoint at) { next = next ? std::min(*next, at) : at; };
    if (!round.is_idle()) add(due());
    for (const Abandoned& one : abandoned) add(one.next_at);
    if (failed || !closing.empty()) add(now() + kRetry);
    return next;
  }

  bool wait(const std::stop_token& stop, std::optional<TimePoint> until) {
    std::unique_lock lock(mutex);
    const auto is_woken = [&] { return woken; };
    if (until) {
      const Duration left = std::max(*until - now(), Duration{0});
      wake.wait_for(lock, stop, left, is_woken);
    } else {
      wake.wait(lock, stop, is_woken);
    }
    woken = false;
    return !stop.stop_requested();
  }

  struct Asked {
    std::vector<std::string> looks;
    bool poll = false;
  };
  Asked asked() {
    Asked asked;
    const std::lock_guard lock(mutex);
    for (const std::string& execution : std::exchange(moved, {})) round.log_moved(execution, now());
    const bool is_flood = looks.size() > kLooksOneByOne;
    if (!is_flood) asked.looks.assign(looks.begin(), looks.end());
    looks.clear();
    const bool may_poll = !polled_at || now() - *polled_at >= std::min(parts.profile.poll, kRetry);
    asked.poll = due() <= now() || ((is_flood || look_now) && may_poll);
    // Else the list that is due soon does.
    look_now = false;
    return asked;
  }

  bool read_if_changed() {
    {
      const std::lock_guard lock(mutex);
      if (!std::exchange(changed, false)) return true;
    }
    const auto read = read_gates();
    if (read) return true;
    log::warn("testkube.gates_not_read", {{"error", read.error().message}});
    const std::lock_guard lock(mutex);
    changed = true;
    return false;
  }

  bool write() {
    auto written = save();
    if (written) written = decide();
    if (!written)
      log::warn("testkube.not_stored",
                {{"link", parts.profile.id()}, {"error", written.error().message}});
    return written.has_value();
  }

  void loop(const std::stop_token& stop) {
    links::PeerHttp http(parts.profile, stop);
    if (const auto found = find_abandoned(); !found)
      log::warn("testkube.gates_not_read", {{"error", found.error().message}});
    bool failed = false;
    do {
      failed = !read_if_changed();
      const Asked ask = asked();
      if (!ask.looks.empty()) take(round.look(http, ask.looks, now()));
      if (ask.poll && !round.is_idle()) {
        polled_at = now();
        take(round.poll(http, *polled_at));
      }
      if (stop.stop_requested()) return;
      logs->want(round.wanted());
      failed = !write() || failed;
      abort_abandoned(http);
    } while (wait(stop, next_at(failed)));
  }
};

TestkubePoller::TestkubePoller(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {
  state_->begin();
}

TestkubePoller::~TestkubePoller() {
  state_->thread.request_stop();
  state_->thread.join();
  state_->logs.reset();
}

const std::string& TestkubePoller::name() const { return state_->parts.profile.name; }

const std::string& TestkubePoller::watcher() const { return state_->watcher; }

void TestkubePoller::gates_changed() { state_->notify(&State::changed); }

void TestkubePoller::look_again(const std::string& execution) {
  const std::lock_guard lock(state_->mutex);
  if (execution.empty() || state_->looks.size() >= kLooksMax) {
    state_->look_now = true;
  } else {
    state_->looks.insert(execution);
  }
  state_->woken = true;
  state_->wake.notify_one();
}

}  // namespace baton::app
