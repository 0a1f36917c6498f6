// SPDX-License-Identifier: MIT
#include "app/discovery.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "base/log.h"
#include "engine/suite_ops.h"
#include "store/suite_table.h"

namespace baton::app {
namespace {

// A test program that needs longer to list its tests hangs more likely than it works.
constexpr int kListTimeoutMs = 60'000;
constexpr int kPageMax = 500;
constexpr const char* kSuiteDeclared = "suite.declared";

}  // namespace

struct Discovery::State {
  RunnerProgram runner;
  store::Store& store;
  engine::Feed& feed;
  engine::Writer& writer;
  engine::Feed::Subscription subscription = 0;
  std::mutex mutex;
  std::condition_variable wake;
  Fd stop_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // ends the question that is being asked
  bool changed = true;  // guarded by mutex
  bool stopping = false;  // guarded by mutex
  std::thread thread;
  std::map<std::string, std::int64_t> asked;  // revision of each suite that was asked
  Seq cursor = 0;

  State(RunnerProgram r, store::Store& s, engine::Feed& f, engine::Writer& w)
      : runner(std::move(r)), store(s), feed(f), writer(w) {}

  bool stopped() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  Result<bool> anything_new();
  Result<std::vector<store::SuiteRow>> unasked();
  void ask(const store::SuiteRow& row);
  void refuse(const store::SuiteRow& row, const std::string& error);
  void submit(const model::Suite& suite, const std::vector<model::Case>& cases,
              const std::string& error);
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

// The cases that are known stay: a program that does not build today has the same tests tomorrow.
void Discovery::State::refuse(const store::SuiteRow& row, const std::string& error) {
  if (stopped()) return;  // then it was the question that ended, not the program that failed
  std::vector<model::Case> cases;
  if (auto snapshot = store.snapshot())
    if (auto known = store::find_suite(snapshot->sql(), row.id); known && *known)
      cases = std::move((*known)->suite.cases);
  submit(row.suite, cases, error);
}

void Discovery::State::ask(const store::SuiteRow& row) {
  const model::Suite& suite = row.suite;
  const auto discovery = ask_program(runner, suite, kListTimeoutMs, stop_fd.get());
  if (!discovery) return refuse(row, discovery.error().message);
  for (const model::Suite& found : discovery->suites)
    if (found.id() == suite.id() || (wire::is_adhoc(suite) && found.name == suite.name))
      return submit(suite, found.cases, found.discovery_error);
  refuse(row, fmt::format("the program has {} suites and none is named {}",
                          discovery->suites.size(), suite.id()));
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
      ask(row);
      asked[row.suite.id()] = row.suite.revision;
    }
  }
}

Discovery::Discovery(RunnerProgram runner, store::Store& store, engine::Feed& feed,
                     engine::Writer& writer)
    : state_(std::make_unique<State>(std::move(runner), store, feed, writer)) {}

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
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(state_->stop_fd.get(), &one, sizeof one);
  state_->thread.join();
}

}  // namespace baton::app
