// SPDX-License-Identifier: MIT
#include "app/hooks.h"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json.hpp>
#include <exception>
#include <mutex>

#include "app/journal_reader.h"
#include "base/log.h"
#include "engine/context_ops.h"
#include "store/case_table.h"
#include "store/run_table.h"

namespace baton {

// Where HookContext::add goes. The writer is taken away when the server stops, so that a context
// that a hook kept is harmless afterwards.
struct HookContext::Sink {
  struct Door {
    std::mutex mutex;
    engine::Writer* writer = nullptr;
  };
  std::shared_ptr<Door> door;
  RunId run{};
  std::string test;
  int attempt = 0;
};

void HookContext::add(std::string_view key, std::string_view value) {
  const std::lock_guard lock(sink_->door->mutex);
  if (sink_->door->writer == nullptr) return;
  engine::AddContext command{sink_->run, sink_->test, sink_->attempt, std::string{key},
                             std::string{value}};
  sink_->door->writer->submit<void>(
      [command = std::move(command)](engine::Context& context) {
        return engine::add_context(context, command);
      },
      [run = sink_->run](const Result<void>& done) {
        if (!done)
          log::warn("hook.context_refused", {{"run", raw(run)}, {"error", done.error().message}});
      });
}

namespace app {
namespace {

namespace json = boost::json;

// Hooks talk to other systems, so they wait more than they compute.
constexpr std::size_t kPoolThreads = 4;

template <class Event>
void call_one(const HookEntry<Event>& hook, const Event& event, const HookContext& context) {
  try {
    hook.call(event, context);
  } catch (const std::exception& error) {
    log::error("hook.threw", {{"run", event.run}, {"error", error.what()}});
  } catch (...) {
    log::error("hook.threw", {{"run", event.run}, {"error", "not a std::exception"}});
  }
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : "";
}

}  // namespace

struct HookRunner::State {
  Hooks hooks;
  store::Store& store;
  std::shared_ptr<HookContext::Sink::Door> door = std::make_shared<HookContext::Sink::Door>();
  boost::asio::thread_pool pool{kPoolThreads};
  std::unique_ptr<JournalReader> reader;

  State(Hooks h, store::Store& s) : hooks(std::move(h)), store(s) {}

  HookContext context_for(RunId run, const std::string& test, int attempt) const {
    return HookContext{
        std::make_shared<HookContext::Sink>(HookContext::Sink{door, run, test, attempt})};
  }

  template <class Event>
  void call(const std::vector<HookEntry<Event>>& entries, const Event& event,
            const HookContext& context) {
    for (const HookEntry<Event>& entry : entries) {
      if (!entry.async) call_one(entry, event, context);
      else boost::asio::post(pool, [&entry, event, context] { call_one(entry, event, context); });
    }
  }

  Result<void> on_event(const model::Event& event);
  Result<void> tests_finished(const store::RunRow& row, const json::array& finished);
};

Result<void> HookRunner::State::tests_finished(const store::RunRow& row,
                                               const json::array& finished) {
  for (const json::value& item : finished) {
    const json::object* object = item.if_object();
    if (object == nullptr) continue;
    const std::string test = text_of(*object, "test");
    const json::value* number = object->if_contains("attempt");
    if (number == nullptr || !number->is_int64()) continue;
    BATON_TRY(snapshot, store.snapshot());
    BATON_TRY(found, store::find_case(snapshot.sql(), row.suite_id, row.run.id, test));
    if (!found) continue;
    BATON_TRY(attempts, store::case_attempts(snapshot.sql(), row.run.id, found->test_id));
    for (const model::Attempt& attempt : attempts) {
      if (attempt.number != number->get_int64()) continue;
      TestFinished event;
      event.run = raw(row.run.id);
      event.suite = row.run.namespace_ + "/" + row.run.suite;
      event.test = test;
      event.attempt = attempt.number;
      event.outcome = name_of(attempt.outcome);
      event.soft_failure = attempt.soft_failure;
      event.message = attempt.message;
      event.duration = attempt.duration;
      call(hooks.tests, event, context_for(row.run.id, test, attempt.number));
    }
  }
  return {};
}

Result<void> HookRunner::State::on_event(const model::Event& event) {
  const bool finished = event.kind == "run.finished";
  if (!finished && event.kind != "run.recorded") return {};
  std::optional<store::RunRow> row;
  {
    BATON_TRY(snapshot, store.snapshot());
    BATON_TRY(found, store::find_run(snapshot.sql(), store::run_of_subject(event.subject)));
    row = std::move(found);
  }
  if (!row) return {};
  if (!finished) {
    boost::system::error_code bad;
    const json::value data = json::parse(event.data, bad);
    const json::value* list =
        bad || !data.is_object() ? nullptr : data.get_object().if_contains("finished");
    return list != nullptr && list->is_array() ? tests_finished(*row, list->get_array())
                                               : Result<void>{};
  }
  const model::Run& run = row->run;
  SuiteFinished done;
  done.run = raw(run.id);
  done.suite = run.namespace_ + "/" + run.suite;
  done.verdict = name_of(run.verdict);
  done.flaky = run.flaky;
  done.reference = run.request.reference;
  done.total = run.counts.total;
  done.passed = run.counts.passed;
  done.failed = run.counts.failed;
  done.errored = run.counts.errored;
  done.skipped = run.counts.skipped;
  done.flaky_cases = run.counts.flaky;
  call(hooks.suites, done, context_for(run.id, "", 0));
  return {};
}

HookRunner::HookRunner(Hooks hooks, store::Store& store, engine::Feed& feed, engine::Writer& writer)
    : state_(std::make_shared<State>(std::move(hooks), store)) {
  state_->door->writer = &writer;
  state_->reader = std::make_unique<JournalReader>(JournalReader::Parts{
      store, feed, "run.", feed.last(),
      [state = state_.get()](const model::Event& event) { return state->on_event(event); }, {}});
}

HookRunner::~HookRunner() {
  state_->reader.reset();
  state_->pool.stop();
  state_->pool.join();
  const std::lock_guard lock(state_->door->mutex);
  state_->door->writer = nullptr;
}

}  // namespace app
}  // namespace baton
