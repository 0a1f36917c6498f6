// SPDX-License-Identifier: MIT
#include "app/lease_notifier.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>

#include "app/journal_reader.h"
#include "base/log.h"
#include "base/text.h"
#include "net/client.h"
#include "store/lease_table.h"

namespace baton::app {
namespace {

// Shorter than a claim window all together: later the grant may be somebody else's.
constexpr std::array kPauses{std::chrono::milliseconds{0}, std::chrono::milliseconds{500},
                             std::chrono::milliseconds{2'000}};
constexpr Duration kTimeout = std::chrono::seconds{4};
// Beyond it the oldest is dropped: its claim window is over by then.
constexpr std::size_t kQueueMax = 10'000;
constexpr int kThreads = 4;
// Nobody feels it beside the request that follows, and thousands of grants a second are read in few
// steps.
constexpr Duration kPace{20};

struct Notice {
  std::string lease;
  std::string url;
  std::string body;
};

}  // namespace

struct LeaseNotifier::State {
  store::Store& store;
  std::mutex mutex;
  std::condition_variable_any work;
  std::deque<Notice> queue;  // guarded by mutex
  std::unique_ptr<JournalReader> reader;
  std::deque<std::jthread> threads;

  explicit State(store::Store& store_in) : store(store_in) {}

  Result<void> on_event(const model::Event& event) {
    // Most holders are told by the answer that they wait for.
    if (event.data.find(R"("notify":true)") == std::string::npos) return {};
    BATON_TRY(snapshot, store.snapshot());
    BATON_TRY(lease, store::find_lease(snapshot.sql(), store::lease_of_subject(event.subject)));
    if (!lease || lease->request.notify_url.empty()) return {};
    Notice notice{lease->id, lease->request.notify_url,
                  fmt::format(R"({{"event":"lease.granted","lease":{},"fence":{}}})",
                              json_quote(lease->id), lease->fence)};
    const std::lock_guard lock(mutex);
    if (queue.size() >= kQueueMax) queue.pop_front();
    queue.push_back(std::move(notice));
    work.notify_one();
    return {};
  }

  void loop(const std::stop_token& stop) {
    net::Client client;
    for (;;) {
      Notice notice;
      {
        std::unique_lock lock(mutex);
        if (!work.wait(lock, stop, [&] { return !queue.empty(); })) return;
        notice = std::move(queue.front());
        queue.pop_front();
      }
      tell(client, notice, stop);
    }
  }

  void tell(net::Client& client, const Notice& notice, const std::stop_token& stop) {
    std::string error;
    for (const auto pause : kPauses) {
      std::unique_lock lock(mutex);
      work.wait_for(lock, stop, pause, [] { return false; });
      lock.unlock();
      if (stop.stop_requested()) return;
      net::HttpRequest request;
      request.method = "POST";
      request.url = notice.url;
      request.headers = {{"Content-Type", "application/json"}};
      request.body = notice.body;
      request.total_timeout = kTimeout;
      request.stop = stop;
      const auto answer = client.request(request);
      if (answer && answer->status < 300) return;
      error = answer ? fmt::format("status {}", answer->status) : answer.error().message;
    }
    log::warn("lease.not_notified", {{"lease", notice.lease}, {"error", error}});
  }
};

LeaseNotifier::LeaseNotifier(store::Store& store, engine::Feed& feed)
    : state_(std::make_unique<State>(store)) {
  JournalReader::Parts parts{store, feed, "lease.granted", feed.last(), {}, {}, kPace};
  parts.on_event = [state = state_.get()](const model::Event& event) {
    return state->on_event(event);
  };
  state_->reader = std::make_unique<JournalReader>(std::move(parts));
  for (int i = 0; i < kThreads; ++i)
    state_->threads.emplace_back([state = state_.get()](const std::stop_token& stop) {
      state->loop(stop);
    });
}

LeaseNotifier::~LeaseNotifier() {
  state_->reader.reset();
  for (std::jthread& thread : state_->threads) thread.request_stop();
  state_->threads.clear();
}

}  // namespace baton::app
