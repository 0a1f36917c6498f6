// SPDX-License-Identifier: MIT
#include "app/discovery.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "engine/suite_ops.h"
#include "runner/environment.h"
#include "runner/process.h"
#include "store/suite_table.h"
#include "wire/job.h"

namespace baton::app {
namespace {

// A test program that needs longer to list its tests hangs more likely than it works.
constexpr int kListTimeoutMs = 60'000;
constexpr int kPageMax = 500;
constexpr const char* kSuiteDeclared = "suite.declared";
// Tells the listing process that it is none of the server's business what it prints on stderr.
constexpr std::size_t kReasonMax = 2'000;

std::string reason_of(const runner::Collected& asked) {
  if (asked.timed_out) return "listing its tests took longer than a minute";
  std::string text = asked.errors.empty() ? "listing its tests failed" : asked.errors;
  return text.substr(0, kReasonMax);
}

}  // namespace

struct Discovery::State {
  DiscoveryOptions options;
  store::Store& store;
  engine::Feed& feed;
  engine::Writer& writer;
  engine::Feed::Subscription subscription = 0;
  std::mutex mutex;
  std::condition_variable wake;
  bool changed = true;  // guarded by mutex
  bool stopping = false;  // guarded by mutex
  std::thread thread;
  std::map<std::string, std::int64_t> asked;  // revision of each suite that was asked
  Seq cursor = 0;

  State(DiscoveryOptions o, store::Store& s, engine::Feed& f, engine::Writer& w)
      : options(std::move(o)), store(s), feed(f), writer(w) {}

  bool stopped() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  Result<bool> anything_new();
  Result<std::vector<store::SuiteRow>> unasked();
  void ask(const model::Suite& suite);
  void submit(const model::Suite& suite, const std::vector<model::Case>& cases, const std::string& error);
  void loop();
};

// Most commits are about runs: only a declared suite is a reason to look at all of them.
Result<bool> Discovery::State::anything_new() {
  const Seq last = feed.last();
  BATON_TRY(snapshot, store.snapshot());
  BATON_TRY(events, store::read_journal(snapshot.sql(), cursor, 1, kSuiteDeclared));
  const bool first = asked.empty() && cursor == 0;
  cursor = std::max(cursor, last);
  return first || !events.empty();
}

Result<std::vector<store::SuiteRow>> Discovery::State::unasked() {
  std::vector<store::SuiteRow> found;
  std::string after;
  for (;;) {
    BATON_TRY(snapshot, store.snapshot());
    BATON_TRY(rows, store::list_suites(snapshot.sql(), after, kPageMax, "", false));
    for (store::SuiteRow& row : rows) {
      after = row.suite.id();
      const auto known = asked.find(after);
      if (known == asked.end() || known->second != row.suite.revision) found.push_back(row);
    }
    if (rows.size() < kPageMax) return found;
  }
}

void Discovery::State::submit(const model::Suite& suite, const std::vector<model::Case>& cases,
                              const std::string& error) {
  const auto done = writer.run<void>([&](engine::Context& context) {
    return engine::put_discovery(context, suite.namespace_, suite.name, cases, error);
  });
  if (!done)
    log::warn("suite.discovery_not_stored",
              {{"suite", suite.id()}, {"error", done.error().message}});
}

void Discovery::State::ask(const model::Suite& suite) {
  runner::Launch launch;
  launch.command = {options.program};
  launch.command.insert(launch.command.end(), options.verb.begin(), options.verb.end());
  launch.command.insert(launch.command.end(), {"--discover", "--spec-json", wire::encode_suite_spec(suite)});
  launch.folder = "/";
  launch.environment = runner::base_environment();
  const auto answer = runner::collect(std::move(launch), kListTimeoutMs);
  if (!answer) return submit(suite, suite.cases, answer.error().message);
  if (answer->timed_out || answer->status != 0) return submit(suite, suite.cases, reason_of(*answer));
  const auto discovery = wire::decode_discovery(answer->output);
  if (!discovery) return submit(suite, suite.cases, discovery.error().message);
  for (const model::Suite& found : discovery->suites)
    if (found.name == suite.name || discovery->suites.size() == 1)
      return submit(suite, found.cases, found.discovery_error);
  submit(suite, suite.cases,
         fmt::format("the program has {} suites and none is named {}", discovery->suites.size(), suite.name));
}

void Discovery::State::loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return changed || stopping; });
      if (stopping) return;
      changed = false;
    }
    const auto fresh = anything_new();
    if (fresh && !*fresh) continue;
    const auto rows = unasked();
    if (!rows) {
      log::warn("suite.discovery_failed", {{"error", rows.error().message}});
      continue;
    }
    for (const store::SuiteRow& row : *rows) {
      if (stopped()) return;
      ask(row.suite);
      asked[row.suite.id()] = row.suite.revision;
    }
  }
}

Discovery::Discovery(DiscoveryOptions options, store::Store& store, engine::Feed& feed,
                     engine::Writer& writer)
    : state_(std::make_unique<State>(std::move(options), store, feed, writer)) {}

Discovery::~Discovery() { stop(); }

void Discovery::start() {
  const auto wake = [state = state_.get()](Seq) {
    const std::lock_guard lock(state->mutex);
    state->changed = true;
    state->wake.notify_one();
  };
  state_->subscription = state_->feed.subscribe(wake, kSuiteDeclared);
  state_->thread = std::thread([state = state_.get()] { state->loop(); });
}

void Discovery::stop() {
  if (!state_->thread.joinable()) return;
  state_->feed.unsubscribe(state_->subscription);
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

}  // namespace baton::app
