// SPDX-License-Identifier: MIT
#include "app/journal_reader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "store/tx.h"

namespace baton::app {
namespace {

constexpr int kPageMax = 200;
constexpr std::chrono::seconds kRetry{1};
// A reader whose events are rare tells its position after so many others: the journal is kept for
// it.
constexpr Seq kQuietStretch = 1'000;

}  // namespace

struct JournalReader::State {
  Parts parts;
  engine::Feed::Subscription subscription = 0;
  std::mutex mutex;
  std::condition_variable wake;
  bool fresh = true;      // guarded by mutex
  bool stopping = false;  // guarded by mutex
  std::thread thread;
  Seq told = 0;  // the last position given to on_page

  explicit State(Parts p) : parts(std::move(p)), told(parts.after) {}

  bool stopped() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  // In a snapshot of its own: what is called back takes its time, and reads for itself.
  Result<std::vector<model::Event>> read() const {
    BATON_TRY(snapshot, parts.store.snapshot());
    return store::read_journal(snapshot.sql(), parts.after, kPageMax, parts.prefix);
  }

  // Result: whether there may be more.
  Result<bool> page() {
    const Seq last = parts.feed.last();
    BATON_TRY(events, read());
    for (const model::Event& event : events) {
      if (stopped()) return false;
      BATON_TRY_VOID(parts.on_event(event));
      parts.after = event.seq;
    }
    const bool more = events.size() == kPageMax;
    // Behind the last of these there is nothing of the prefix: the next query need not look there.
    if (!more) parts.after = std::max(parts.after, last);
    if (parts.on_page && (!events.empty() || parts.after - told >= kQuietStretch)) {
      parts.on_page(parts.after);
      told = parts.after;
    }
    return more;
  }

  void loop() {
    for (;;) {
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return fresh || stopping; });
        if (parts.pace > Duration{0} && wake.wait_for(lock, parts.pace, [&] { return stopping; }))
          return;
        if (stopping) return;
        fresh = false;
      }
      for (;;) {
        const auto more = page();
        if (more && !*more) break;
        if (more) continue;
        log::warn("journal.reader_failed", {{"error", more.error().message}});
        std::unique_lock lock(mutex);
        if (wake.wait_for(lock, kRetry, [&] { return stopping; })) return;
      }
    }
  }
};

JournalReader::JournalReader(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {
  state_->subscription = state_->parts.feed.subscribe([state = state_.get()](Seq) {
    const std::lock_guard lock(state->mutex);
    state->fresh = true;
    state->wake.notify_one();
  });
  state_->thread = std::thread([state = state_.get()] { state->loop(); });
}

JournalReader::~JournalReader() {
  state_->parts.feed.unsubscribe(state_->subscription);
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

}  // namespace baton::app
