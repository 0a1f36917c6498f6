// SPDX-License-Identifier: MIT
#include "executors/local.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/json.hpp>
#include <charconv>
#include <filesystem>
#include <map>
#include <thread>

#include "base/log.h"
#include "engine/record_ops.h"
#include "engine/token_ops.h"
#include "executors/runner_process.h"
#include "store/journal_table.h"
#include "store/run_table.h"

namespace baton::executors {
namespace {

constexpr std::string_view kReader = "local_executor";
constexpr const char* kRunnerNeeded = "run.runner_needed";
// The stored position follows at this distance when there is nothing to launch, so that the journal
// can be pruned; each time costs a commit.
constexpr Seq kPositionLag = 10'000;
// Events read at once; a busy server appends a few thousand per second.
constexpr int kEventsMax = 500;
// The database was busy or the disk full: try again after this time.
constexpr int kRetryMs = 1'000;

int epoch_of(const model::Event& event) {
  boost::system::error_code bad;
  const boost::json::value data = boost::json::parse(event.data, bad);
  if (bad || !data.is_object()) return 0;
  const auto* epoch = data.get_object().if_contains("epoch");
  return epoch != nullptr && epoch->is_int64() ? static_cast<int>(epoch->get_int64()) : 0;
}

}  // namespace

struct Local::State {
  LocalOptions options;
  store::Store& store;
  engine::Feed& feed;
  engine::Writer& writer;
  engine::Feed::Subscription subscription = 0;
  Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::atomic<bool> stopping = false;
  std::thread thread;

  struct Watched {
    RunnerProcess process;
    int epoch = 0;
  };
  std::map<RunId, Watched> runners;
  Seq cursor = 0;
  Seq stored = 0;      // the cursor that a restart finds
  bool retry = false;  // something failed that may work later

  State(LocalOptions o, store::Store& s, engine::Feed& f, engine::Writer& w)
      : options(std::move(o)), store(s), feed(f), writer(w) {}

  std::string folder_of(RunId run) const { return fmt::format("{}/{}", options.folder, raw(run)); }

  void nudge() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake.get(), &one, sizeof one);
  }

  template <class F>
  auto read(F reader) -> decltype(reader(std::declval<store::Session&>())) {
    BATON_TRY(snapshot, store.snapshot());
    return reader(snapshot.sql());
  }

  Result<void> recover();
  Result<void> follow();
  Result<void> launch(RunId run, int epoch);
  void report_lost(RunId run, int epoch);
  void reap(RunId run, Watched& watched);
  Result<void> clean_up();
  void loop();
};

// Runs under way at the start: their runners are found again, or reported lost. A runner that was
// needed but whose event this reader has not seen yet is launched by follow().
Result<void> Local::State::recover() {
  BATON_TRY(position, read([](store::Session& s) { return store::reader_position(s, kReader); }));
  stored = cursor = position.value_or(0);
  BATON_TRY(unseen, read([&](store::Session& s) {
    return store::read_journal(s, cursor, kEventsMax, kRunnerNeeded);
  }));
  std::map<RunId, int> coming;
  for (const model::Event& event : unseen)
    coming[store::run_of_subject(event.subject)] = epoch_of(event);
  RunId after{};
  for (;;) {
    BATON_TRY(rows, read([&](store::Session& s) {
      return store::runs_in_state(s, model::RunState::running, after, kEventsMax);
    }));
    for (const store::RunRow& row : rows) {
      after = row.run.id;
      if (auto process = find_runner(folder_of(after), row.run.epoch))
        runners[after] = {std::move(*process), row.run.epoch};
      else if (!coming.contains(after)) report_lost(after, row.run.epoch);
    }
    if (rows.size() < kEventsMax) return clean_up();
  }
}

// The folders of runs that ended while no server watched their runners.
Result<void> Local::State::clean_up() {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(options.folder, none)) {
    const std::string name = entry.path().filename().string();
    std::int64_t number = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad != std::errc{} || end != name.data() + name.size()) continue;
    const RunId run{number};
    BATON_TRY(row, read([&](store::Session& s) { return store::find_run(s, run); }));
    if (row && row->run.state != model::RunState::finished) continue;
    auto process = row ? find_runner(folder_of(run), row->run.epoch) : std::nullopt;
    if (process) {
      runners[run] = {std::move(*process), row->run.epoch};  // about to hear of it
    } else {
      remove_runner_folder(folder_of(run));
    }
  }
  return {};
}

Result<void> Local::State::launch(RunId run, int epoch) {
  BATON_TRY(row, read([&](store::Session& s) { return store::find_run(s, run); }));
  if (!row || row->run.state != model::RunState::running || row->run.epoch != epoch) return {};
  if (auto process = find_runner(folder_of(run), epoch)) {
    runners[run] = {std::move(*process), epoch};
    return {};
  }
  const std::string secret = random_hex(32);
  BATON_TRY(token, writer.run<model::Token>([&](engine::Context& context) {
    return engine::create_token(context, {.name = fmt::format("runner of run {}", raw(run)),
                                          .scope = model::Scope::runner,
                                          .run = run,
                                          .expires_at = {},
                                          .hash = engine::hash_of_secret(secret)});
  }));
  const RunnerCommand command{.program = options.program,
                              .verb = options.verb,
                              .address_file = options.address_file,
                              .folder = folder_of(run),
                              .run = run,
                              .epoch = epoch,
                              .token = secret};
  BATON_TRY(process, start_runner(command));
  log::debug("runner.started", {{"run", raw(run)}, {"epoch", epoch}, {"pid", process.pid}});
  runners[run] = {std::move(process), epoch};
  return {};
}

void Local::State::report_lost(RunId run, int epoch) {
  log::warn("runner.lost", {{"run", raw(run)}, {"epoch", epoch}});
  kill_leftovers(folder_of(run));
  const auto done = writer.run<void>([&](engine::Context& context) {
    return engine::runner_lost(context, options.rules, run, epoch, "the runner has died");
  });
  // The deadline of its silence stands behind this: nothing is lost when it fails.
  if (!done && done.error().code != Code::conflict)
    log::warn("runner.report_failed", {{"run", raw(run)}, {"error", done.error().message}});
  const auto row = read([&](store::Session& s) { return store::find_run(s, run); });
  if (row && *row && (*row)->run.state == model::RunState::finished)
    remove_runner_folder(folder_of(run));
}

void Local::State::reap(RunId run, Watched& watched) {
  siginfo_t info{};
  // Only a child leaves a status to collect; a runner of an earlier server is init's child.
  ::waitid(P_PIDFD, static_cast<id_t>(watched.process.pidfd.get()), &info, WEXITED | WNOHANG);
  // It may have given way to one that an earlier server started just before it died.
  if (auto other = find_runner(folder_of(run), watched.epoch)) {
    runners[run] = {std::move(*other), watched.epoch};
    return;
  }
  const auto row = read([&](store::Session& s) { return store::find_run(s, run); });
  if (row && *row && (*row)->run.state != model::RunState::finished) {
    if ((*row)->run.epoch == watched.epoch) report_lost(run, watched.epoch);
  } else if (row) {
    remove_runner_folder(folder_of(run));
  }
}

Result<void> Local::State::follow() {
  for (;;) {
    if (stopping) return {};
    const Seq last = feed.last();
    BATON_TRY(events, read([&](store::Session& s) {
      return store::read_journal(s, cursor, kEventsMax, kRunnerNeeded);
    }));
    for (const model::Event& event : events) {
      const RunId run = store::run_of_subject(event.subject);
      const int epoch = epoch_of(event);
      if (auto launched = launch(run, epoch); !launched) {
        // No space, no process: that passes, and the run must not lose its attempts to it.
        if (launched.error().code == Code::unavailable) return launched;
        log::error("runner.launch_failed",
                   {{"run", raw(run)}, {"error", launched.error().message}});
        report_lost(run, epoch);
      }
      cursor = event.seq;
    }
    const bool more = events.size() == kEventsMax;
    // Behind the last of these there is none of the kind: the next query need not look there.
    if (!more) cursor = std::max(cursor, last);
    if (!events.empty() || cursor - stored > kPositionLag) {
      BATON_TRY_VOID(writer.run<void>([&](engine::Context& context) {
        return store::set_reader_position(context.tx, kReader, cursor);
      }));
      stored = cursor;
    }
    if (!more) return {};
  }
}

void Local::State::loop() {
  while (!stopping) {
    const auto followed = follow();
    retry = !followed;
    if (!followed)
      log::warn("runner.follow_failed", {{"error", followed.error().message}});
    std::vector<pollfd> fds{{wake.get(), POLLIN, 0}};
    std::vector<RunId> ids;
    for (const auto& [run, watched] : runners) {
      fds.push_back({watched.process.pidfd.get(), POLLIN, 0});
      ids.push_back(run);
    }
    ::poll(fds.data(), fds.size(), retry ? kRetryMs : -1);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = ::read(wake.get(), &count, sizeof count);
    for (std::size_t i = 0; i < ids.size() && !stopping; ++i) {
      if (fds[i + 1].revents == 0) continue;
      const auto found = runners.find(ids[i]);
      Watched watched = std::move(found->second);
      runners.erase(found);
      reap(ids[i], watched);
    }
  }
}

Local::Local(LocalOptions options, store::Store& store, engine::Feed& feed, engine::Writer& writer)
    : state_(std::make_unique<State>(std::move(options), store, feed, writer)) {}

Local::~Local() { stop(); }

void Local::start() {
  state_->subscription =
      state_->feed.subscribe([state = state_.get()](Seq) { state->nudge(); }, kRunnerNeeded);
  state_->thread = std::thread([state = state_.get()] {
    if (auto recovered = state->recover(); !recovered)
      log::error("runner.recovery_failed", {{"error", recovered.error().message}});
    state->loop();
  });
}

void Local::stop() {
  if (!state_->thread.joinable()) return;
  state_->feed.unsubscribe(state_->subscription);
  state_->stopping = true;
  state_->nudge();
  state_->thread.join();
}

}  // namespace baton::executors
