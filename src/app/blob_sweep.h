// SPDX-License-Identifier: MIT
#pragma once
// Removes stored files that no row names: a runner that died between the upload of an artifact and
// the record that names it leaves one. At the start and then as often as the retention, in small
// portions; what is younger than kBlobSafeAge may still be named and stays. One thread.
#include <chrono>
#include <memory>

#include "base/time.h"
#include "store/blobs/artifact_blobs.h"
#include "store/store.h"

namespace baton::app {

/// A runner that has no server keeps its records for as long as the run's time-out lets it.
inline constexpr std::chrono::hours kBlobSafeAge{7 * 24};

class BlobSweep {
 public:
  /// Starts at once; the references outlive it.
  BlobSweep(store::Store& store, store::ArtifactBlobs& blobs);
  ~BlobSweep();  // stops

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
