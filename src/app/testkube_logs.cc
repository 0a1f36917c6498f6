// SPDX-License-Identifier: MIT
#include "app/testkube_logs.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/log.h"
#include "links/http.h"
#include "links/testkube_gate_log.h"
#include "links/testkube_log.h"

namespace baton::app {
namespace {

using Clock = std::chrono::steady_clock;

// For whole logs, beside the streams, which last as long as their executions.
constexpr int kReadersMax = 2;
// A stream ends with its execution; one that does not is cut.
constexpr std::chrono::seconds kStreamGrace{3};
// A connection that has lasted so long was not refused.
constexpr std::chrono::seconds kIsOpen{1};
// One that is cut sooner is opened less and less often.
constexpr std::chrono::seconds kGoodStream{5};
constexpr std::chrono::milliseconds kRetryFirst{250};
constexpr std::chrono::seconds kRetryMax{30};
// Text is written so long after it came at the latest: often enough to be read live, and not a
// transaction for each line.
constexpr std::chrono::milliseconds kBatchAge{250};
// After what could not be written.
constexpr std::chrono::seconds kWriteAgain{1};
// Cuts are usual; when it is that long, people should know.
constexpr std::chrono::seconds kWorthTelling{4};

struct Stream {
  std::string execution;
  std::unique_ptr<links::TestkubeLog> log;
  std::set<std::string> gates;
  std::optional<Clock::time_point> finished_at;  // when that was heard of
  bool was_followed = false;
  bool was_followed_to_end = false;  // a connection began after the execution had finished
  bool is_running = false;
  std::optional<Clock::time_point> following_since;
  std::stop_source stop;  // of what runs
  Clock::time_point not_before;
  Clock::duration pause{0};

  // Else the whole log is read.
  bool wants_stream(Clock::time_point now) const {
    if (!finished_at) return true;
    return was_followed && !was_followed_to_end && now - *finished_at < kStreamGrace;
  }
};

struct OpenGate {
  std::int64_t log_bytes = 0;
  std::string execution;  // whose text that is; "" = of several, or of nobody
};

}  // namespace

struct TestkubeLogs::State {
  Parts parts;
  links::TestkubeGateLogs gate_logs;
  mutable std::mutex mutex;
  std::condition_variable_any work;
  std::map<std::string, std::unique_ptr<Stream>> streams;  // guarded by mutex
  std::map<std::string, OpenGate> gates;                   // guarded by mutex
  int following = 0;                                       // guarded by mutex
  std::uint64_t version = 0;          // guarded by mutex: of what there is to do
  bool stopping = false;              // guarded by mutex
  std::vector<std::jthread> threads;  // guarded by mutex

  // The writer of the logs. Its own lock: it is told from within calls of both others.
  std::mutex text_mutex;
  std::condition_variable_any text_came;
  bool has_text = false;  // guarded by text_mutex
  std::jthread writer;    // last: it uses what is above

  explicit State(Parts p)
      : parts(std::move(p)),
        gate_logs(parts.append),
        writer([this](const std::stop_token& stop) { write_logs(stop); }) {}

  Result<void> append(const std::string& gate, const std::string& name, std::string_view text) {
    BATON_TRY_VOID(gate_logs.append(gate, name, text));
    const std::lock_guard lock(text_mutex);
    if (!std::exchange(has_text, true)) text_came.notify_one();
    return {};
  }

  void write_logs(const std::stop_token& stop) {
    std::unique_lock lock(text_mutex);
    const auto nothing = [] { return false; };
    while (text_came.wait(lock, stop, [&] { return has_text; })) {
      text_came.wait_for(lock, stop, kBatchAge, nothing);
      has_text = false;
      lock.unlock();
      const bool all = gate_logs.flush();
      lock.lock();
      if (all) continue;
      if (stop.stop_requested()) return;
      text_came.wait_for(lock, stop, kWriteAgain, nothing);
      has_text = true;
    }
  }

  Stream& stream_of(const links::TestkubeWanted& wanted) {
    auto& stream = streams[wanted.execution];
    if (stream) return *stream;
    stream = std::make_unique<Stream>();
    stream->execution = wanted.execution;
    stream->log = std::make_unique<links::TestkubeLog>(
        wanted.execution,
        [this, name = wanted.name](const std::string& gate, std::string_view text) {
          return append(gate, name, text);
        },
        [this, execution = wanted.execution] { parts.on_text(execution); });
    return *stream;
  }

  void add(const links::TestkubeWanted& wanted) {
    const auto gate = gates.find(wanted.gate);
    if (gate == gates.end()) return;
    Stream& stream = stream_of(wanted);
    if (wanted.finished && !stream.finished_at) {
      stream.finished_at = Clock::now();
      stream.not_before = {};
    }
    if (!stream.gates.insert(wanted.gate).second) return;
    const bool has_some = gate->second.execution == wanted.execution;
    stream.log->add(wanted.gate, has_some ? gate->second.log_bytes : 0);
    // What an open stream has passed comes again.
    if (stream.is_running) stream.stop.request_stop();
  }

  void leave(Stream& stream, const std::string& gate) {
    if (stream.gates.erase(gate) == 0) return;
    stream.log->remove(gate);
    if (stream.gates.empty() && stream.is_running) stream.stop.request_stop();
  }

  void drop_unused() {
    std::erase_if(streams, [](const auto& stream) {
      return stream.second->gates.empty() && !stream.second->is_running;
    });
  }

  void cut_late_streams() {
    for (auto& [id, stream] : streams)
      if (stream->following_since && stream->finished_at &&
          Clock::now() - *stream->finished_at >= kStreamGrace)
        stream->stop.request_stop();
  }

  void want(const std::vector<links::TestkubeWanted>& wanted) {
    const std::lock_guard lock(mutex);
    std::set<std::pair<std::string, std::string>> pairs;
    for (const links::TestkubeWanted& one : wanted) pairs.emplace(one.execution, one.gate);
    for (auto& [id, stream] : streams)
      for (const std::string& gate : std::set<std::string>(stream->gates))
        if (!pairs.contains({id, gate})) leave(*stream, gate);
    for (const links::TestkubeWanted& one : wanted) add(one);
    drop_unused();
    cut_late_streams();
    const auto open = static_cast<std::size_t>(
        std::count_if(streams.begin(), streams.end(),
                      [](const auto& stream) { return !stream.second->log->is_complete(); }));
    const auto needed = std::min(open, static_cast<std::size_t>(kTestkubeStreamsMax + kReadersMax));
    while (threads.size() < needed)
      threads.emplace_back([this](const std::stop_token& stop) { loop(stop); });
    changed();
  }

  void changed() {
    ++version;
    work.notify_all();
  }

  // The next that can be worked at; null: none before `wake`.
  Stream* next(Clock::time_point now, Clock::time_point& wake) {
    Stream* best = nullptr;
    for (auto& [id, stream] : streams) {
      if (stream->is_running || stream->gates.empty() || stream->log->is_complete()) continue;
      if (stream->wants_stream(now) && following >= kTestkubeStreamsMax) continue;
      if (stream->not_before > now) {
        wake = std::min(wake, stream->not_before);
      } else if (best == nullptr || stream->not_before < best->not_before) {
        best = stream.get();
      }
    }
    return best;
  }

  void loop(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (!stopping) {
      const Clock::time_point now = Clock::now();
      Clock::time_point wake = now + std::chrono::hours{1};
      if (Stream* const stream = next(now, wake)) {
        run(*stream, lock);
        continue;
      }
      const auto seen = version;
      work.wait_until(lock, stop, wake, [&] { return stopping || version != seen; });
    }
  }

  void run(Stream& stream, std::unique_lock<std::mutex>& lock) {
    const Clock::time_point began = Clock::now();
    const bool follows = stream.wants_stream(began);
    const bool had_finished = stream.finished_at.has_value();
    stream.is_running = true;
    stream.stop = std::stop_source{};
    if (follows) {
      stream.following_since = began;
      ++following;
    }
    lock.unlock();
    const auto result = read(*stream.log, stream.stop.get_token(), follows);
    // A verdict waits for the last lines. What cannot be written now the writer tries again.
    static_cast<void>(gate_logs.flush());
    lock.lock();
    stream.is_running = false;
    if (follows) {
      stream.following_since.reset();
      --following;
      stream.was_followed = stream.was_followed || result.has_value();
      stream.was_followed_to_end = stream.was_followed_to_end || had_finished;
    }
    settle(stream, result, Clock::now() - began);
    drop_unused();
    changed();
  }

  Result<bool> read(links::TestkubeLog& log, std::stop_token stop, bool follows) const {
    links::PeerHttp http(parts.profile, std::move(stop));
    links::TestkubeApi api(parts.profile, http);
    if (follows) return log.follow(api);
    BATON_TRY_VOID(log.finish(api));
    return true;
  }

  void settle(Stream& stream, const Result<bool>& result, Clock::duration lasted) {
    const Clock::time_point now = Clock::now();
    if (stream.log->is_complete()) {
      stream.pause = {};
      parts.on_complete();
      return;
    }
    // Cut on purpose, because a gate came or the execution has ended.
    if (stream.stop.stop_requested()) {
      stream.not_before = now;
      return;
    }
    const Clock::duration before = stream.pause;
    const bool was_good = result && lasted >= kGoodStream;
    stream.pause =
        was_good ? kRetryFirst : std::clamp<Clock::duration>(before * 2, kRetryFirst, kRetryMax);
    stream.not_before = now + stream.pause;
    if (!result && before < kWorthTelling && stream.pause >= kWorthTelling)
      log::warn("testkube.log_failed", {{"link", parts.profile.id()},
                                        {"execution", stream.execution},
                                        {"error", result.error().message}});
  }
};

TestkubeLogs::TestkubeLogs(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}

TestkubeLogs::~TestkubeLogs() {
  std::vector<std::jthread> threads;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    for (auto& [id, stream] : state_->streams) stream->stop.request_stop();
    threads.swap(state_->threads);
    state_->changed();
  }
  threads.clear();
  state_->writer.request_stop();
  state_->writer.join();
  // What is not written is fetched again by the next server.
  static_cast<void>(state_->gate_logs.flush());
}

void TestkubeLogs::open(const model::Gate& gate) {
  OpenGate open;
  open.log_bytes = gate.log_bytes - gate.posted_bytes;
  const auto known = links::parse_testkube_watched(gate.watched);
  if (known.size() == 1) open.execution = known.front().id;
  state_->gate_logs.open(gate.id, open.log_bytes, known.size() == 1 ? known.front().name : "");
  const std::lock_guard lock(state_->mutex);
  state_->gates.emplace(gate.id, std::move(open));
}

void TestkubeLogs::close(const std::string& gate) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->gates.erase(gate);
    for (auto& [id, stream] : state_->streams) state_->leave(*stream, gate);
    state_->drop_unused();
    state_->changed();
  }
  state_->gate_logs.close(gate);
}

void TestkubeLogs::want(const std::vector<links::TestkubeWanted>& wanted) { state_->want(wanted); }

bool TestkubeLogs::is_complete(const std::string& gate) const {
  const std::lock_guard lock(state_->mutex);
  for (const auto& [id, stream] : state_->streams)
    if (stream->gates.contains(gate) && !stream->log->is_complete()) return false;
  return state_->gate_logs.is_written(gate);
}

std::set<std::string> TestkubeLogs::followed() const {
  const std::lock_guard lock(state_->mutex);
  const Clock::time_point now = Clock::now();
  std::set<std::string> followed;
  for (const auto& [id, stream] : state_->streams)
    if (stream->following_since && now - *stream->following_since >= kIsOpen) followed.insert(id);
  return followed;
}

}  // namespace baton::app
