// SPDX-License-Identifier: MIT
#include "app/slot_hooks.h"

#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "app/journal_reader.h"
#include "base/file.h"
#include "base/log.h"
#include "base/marked.h"
#include "base/text.h"
#include "base/variable_name.h"
#include "engine/slot_ops.h"
#include "runner/environment.h"
#include "runner/process.h"
#include "store/environment_table.h"

namespace baton::app {
namespace {

using model::HookKind;

// Of what a failed hook printed, the end is shown: the cause stands there.
constexpr std::size_t kMessageMax = 2'000;
constexpr std::size_t kOutputMax = 1 << 20;
constexpr std::chrono::seconds kTellAgain{1};

using Key = std::pair<std::string, int>;  // environment, slot

int slot_in(std::string_view data) {
  boost::system::error_code error;
  const auto value = boost::json::parse(data, error);
  if (error || !value.is_object()) return 0;
  const auto* slot = value.get_object().if_contains("slot");
  return slot != nullptr && slot->is_int64() ? static_cast<int>(slot->get_int64()) : 0;
}

struct Task {
  model::Environment environment;
  store::SlotRow slot;
  HookKind kind = HookKind::health;
  std::optional<model::Hook> hook;  // nothing: it was declared away while the slot was in its care
};

// What the slot needs now, if anything: the event that told of it may be old.
Result<std::optional<Task>> task_for(store::Store& store, const Key& key) {
  BATON_TRY(snapshot, store.snapshot());
  BATON_TRY(environment, store::find_environment(snapshot.sql(), key.first));
  BATON_TRY(slot, store::find_slot(snapshot.sql(), key.first, key.second));
  if (!environment || !slot) return std::optional<Task>{};
  auto kind = engine::hook_of(slot->state);
  if (slot->state == model::SlotState::broken) kind = HookKind::health;
  if (!kind) return std::optional<Task>{};
  const auto hook = environment->hooks.find(*kind);
  const bool declared = hook != environment->hooks.end();
  if (!declared && slot->state == model::SlotState::broken) return std::optional<Task>{};
  Task task{*environment, *std::move(slot), *kind, {}};
  if (declared) task.hook = hook->second;
  return std::optional{std::move(task)};
}

runner::Variables variables_of(const Task& task, const std::string& key) {
  runner::Variables variables = runner::base_environment();
  for (const auto& [name, value] : task.environment.properties)
    variables[variable_name("BATON_ENV_", name)] = value;
  variables["BATON_ENVIRONMENT"] = task.environment.name;
  variables["BATON_SLOT"] = std::to_string(task.slot.number);
  variables["BATON_LEASE"] = task.slot.lease;
  variables["BATON_HOOK"] = std::string(name_of(task.kind));
  variables[kHookKeyVariable] = key;
  return variables;
}

struct Ended {
  bool ok = false;
  std::string message;
};

std::string tail_of(const std::string& text) {
  const std::string_view end = trim(text);
  return std::string(end.substr(end.size() > kMessageMax ? end.size() - kMessageMax : 0));
}

Ended run_hook(const Task& task, const std::string& key, int stop_fd) {
  if (!task.hook) return {true, ""};
  runner::Launch launch;
  launch.command = task.hook->command;
  launch.folder = task.environment.folder.empty() ? "/" : task.environment.folder;
  launch.environment = variables_of(task, key);
  auto collected = runner::collect(std::move(launch), static_cast<int>(task.hook->timeout.count()),
                                   stop_fd, kOutputMax);
  if (!collected) return {false, collected.error().message};
  if (collected->timed_out)
    return {false, fmt::format("it took longer than {}", format_duration(task.hook->timeout))};
  if (collected->status == 0) return {true, ""};
  const std::string said = tail_of(collected->errors.empty() ? collected->output
                                                             : collected->errors);
  const std::string how = WIFSIGNALED(collected->status)
                              ? fmt::format("signal {}", WTERMSIG(collected->status))
                              : fmt::format("exit status {}", WEXITSTATUS(collected->status));
  return {false, said.empty() ? how : fmt::format("{}: {}", how, to_valid_utf8(said))};
}

}  // namespace

struct SlotHooks::State {
  const std::string key;
  const engine::Rules& rules;
  store::Store& store;
  engine::Writer& writer;
  Fd stop{::eventfd(0, EFD_CLOEXEC)};

  std::mutex mutex;
  std::condition_variable work;
  std::deque<Key> queue;   // guarded by mutex
  std::set<Key> running;   // guarded by mutex
  std::set<Key> again;     // guarded by mutex: told of while it ran
  bool stopping = false;   // guarded by mutex
  std::vector<std::thread> threads;
  std::unique_ptr<JournalReader> reader;

  State(std::string key_in, const engine::Rules& rules_in, store::Store& store_in,
        engine::Writer& writer_in)
      : key(std::move(key_in)), rules(rules_in), store(store_in), writer(writer_in) {}

  void add(Key slot) {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    if (running.contains(slot)) {
      again.insert(std::move(slot));
      return;
    }
    for (const Key& queued : queue)
      if (queued == slot) return;
    queue.push_back(std::move(slot));
    if (threads.size() < kHooksAtOnce && running.size() + queue.size() > threads.size())
      threads.emplace_back([this] { loop(); });
    work.notify_one();
  }

  Result<void> on_event(const model::Event& event) {
    const std::string name = store::environment_of_subject(event.subject);
    if (const int number = slot_in(event.data); !name.empty() && number > 0) add({name, number});
    return {};
  }

  void loop() {
    for (;;) {
      Key slot;
      {
        std::unique_lock lock(mutex);
        work.wait(lock, [&] { return stopping || !queue.empty(); });
        if (stopping) return;
        slot = std::move(queue.front());
        queue.pop_front();
        running.insert(slot);
      }
      handle(slot);
      bool once_more = false;
      {
        const std::lock_guard lock(mutex);
        running.erase(slot);
        once_more = again.erase(slot) > 0 && !stopping;
      }
      if (once_more) add(std::move(slot));
    }
  }

  void handle(const Key& slot) {
    const auto task = task_for(store, slot);
    if (!task) {
      log::warn("hook.not_started", {{"environment", slot.first}, {"error", task.error().message}});
      return;
    }
    if (!*task) return;
    const Ended ended = run_hook(**task, key, stop.get());
    {
      // Killed because the server stops: that says nothing about the slot.
      const std::lock_guard lock(mutex);
      if (stopping) return;
    }
    const HookKind kind = (*task)->kind;
    if (!ended.ok)
      log::warn("hook.failed", {{"environment", slot.first},
                                {"slot", slot.second},
                                {"hook", name_of(kind)},
                                {"error", ended.message}});
    tell(slot, kind, ended);
  }

  // Until it is stored: while the disk is full the slot waits.
  void tell(const Key& slot, HookKind kind, const Ended& ended) {
    for (;;) {
      const auto told = writer.run<void>([&](engine::Context& context) {
        return engine::hook_ended(context, rules, slot.first, slot.second, kind, ended.ok,
                                  ended.message);
      });
      if (told) return;
      log::warn("hook.not_stored", {{"environment", slot.first}, {"error", told.error().message}});
      std::unique_lock lock(mutex);
      if (work.wait_for(lock, kTellAgain, [&] { return stopping; })) return;
    }
  }
};

SlotHooks::SlotHooks(std::string key, const engine::Rules& rules, store::Store& store,
                     engine::Feed& feed, engine::Writer& writer)
    : state_(std::make_unique<State>(std::move(key), rules, store, writer)) {
  if (const int killed = kill_marked(kHookKeyVariable, state_->key); killed > 0)
    log::warn("hook.leftovers_killed", {{"processes", killed}});
  JournalReader::Parts parts{store, feed, "slot.", feed.last(), {}, {}};
  parts.on_event = [state = state_.get()](const model::Event& event) {
    return state->on_event(event);
  };
  // The position first, the slots as they are after it: nothing falls between the two.
  if (auto snapshot = store.snapshot())
    if (const auto slots = store::busy_slots(snapshot->sql()))
      for (const store::SlotRow& slot : *slots) state_->add({slot.environment, slot.number});
  state_->reader = std::make_unique<JournalReader>(std::move(parts));
}

SlotHooks::~SlotHooks() {
  state_->reader.reset();
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(state_->stop.get(), &one, sizeof one);
  state_->work.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

}  // namespace baton::app
