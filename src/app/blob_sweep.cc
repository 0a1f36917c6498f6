// SPDX-License-Identifier: MIT
#include "app/blob_sweep.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "engine/retention_ops.h"
#include "store/blobs/artifact_references.h"

namespace baton::app {
namespace {

constexpr int kShards = 256;
// Files looked at in a row: some 100 ms of small queries beside what the server does.
constexpr std::size_t kFilesPerPass = 5'000;
constexpr std::chrono::seconds kBetweenPasses{5};

}  // namespace

struct BlobSweep::State {
  store::Store& store;
  store::ArtifactBlobs& blobs;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;  // guarded by mutex
  std::thread thread;

  State(store::Store& s, store::ArtifactBlobs& b) : store(s), blobs(b) {}

  // True when there is no more time.
  bool rest(std::chrono::milliseconds how_long) {
    std::unique_lock lock(mutex);
    return wake.wait_for(lock, how_long, [this] { return stopping; });
  }

  Result<bool> is_named(const std::string& digest) {
    BATON_TRY(snapshot, store.snapshot());
    return store::is_referenced(snapshot.sql(), digest);
  }

  Result<std::size_t> sweep(int shard) {
    const auto before = std::chrono::floor<Duration>(std::chrono::system_clock::now()) -
                        std::chrono::duration_cast<Duration>(kBlobSafeAge);
    BATON_TRY(digests, blobs.list(shard, before));
    for (const std::string& digest : digests) {
      // Most are named; only for the others the uploads have to wait.
      BATON_TRY(named, is_named(digest));
      if (named) continue;
      BATON_TRY(removed, blobs.remove_unless(digest, [&] { return is_named(digest); }));
      if (removed) log::info("cleaner.unnamed_file_removed", {{"digest", digest}});
      if (rest({})) break;
    }
    return digests.size();
  }

  void loop() {
    for (;;) {
      std::size_t looked_at = 0;
      for (int shard = 0; shard < kShards; ++shard) {
        const auto count = sweep(shard);
        if (!count) log::warn("cleaner.sweep_failed", {{"error", count.error().message}});
        looked_at += count.value_or(kFilesPerPass);
        const bool pause = looked_at >= kFilesPerPass;
        if (pause) looked_at = 0;
        if (rest(pause ? kBetweenPasses : std::chrono::seconds{0})) return;
      }
      if (rest(engine::kHousekeepingEvery)) return;
    }
  }
};

BlobSweep::BlobSweep(store::Store& store, store::ArtifactBlobs& blobs)
    : state_(std::make_unique<State>(store, blobs)) {
  state_->thread = std::thread([state = state_.get()] { state->loop(); });
}

BlobSweep::~BlobSweep() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
}

}  // namespace baton::app
