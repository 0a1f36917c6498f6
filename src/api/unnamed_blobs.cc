// SPDX-License-Identifier: MIT
#include "api/unnamed_blobs.h"

namespace baton::api {

void UnnamedBlobs::keep(store::ArtifactBlobs::Stored stored,
                        std::chrono::steady_clock::duration how_long) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  while (!kept_.empty() && kept_.front().until <= now) kept_.pop_front();
  kept_.push_back({std::move(stored), now + how_long});
}

}  // namespace baton::api
