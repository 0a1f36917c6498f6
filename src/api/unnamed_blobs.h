// SPDX-License-Identifier: MIT
#pragma once
// Uploaded files that no row names yet: the record that names them comes with the runner's next
// batch. Until then they must not be taken for rubbish. Any thread.
#include <chrono>
#include <deque>
#include <mutex>

#include "store/blobs/artifact_blobs.h"

namespace baton::api {

class UnnamedBlobs {
 public:
  void keep(store::ArtifactBlobs::Stored stored, std::chrono::steady_clock::duration how_long);

 private:
  struct Kept {
    store::ArtifactBlobs::Stored stored;
    std::chrono::steady_clock::time_point until;
  };
  std::mutex mutex_;
  std::deque<Kept> kept_;  // in the order of `until`
};

}  // namespace baton::api
