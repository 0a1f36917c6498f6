// SPDX-License-Identifier: MIT
#pragma once
// Removes the logs and artifacts of deleted runs: a reader of the journal with a stored position,
// so that nothing is forgotten by a crash between the deletion of the rows and that of the files.
#include <memory>

#include "engine/feed.h"
#include "engine/writer.h"
#include "store/blobs/artifact_blobs.h"
#include "store/blobs/gate_logs.h"
#include "store/blobs/run_streams.h"
#include "store/store.h"

namespace baton::app {

class Cleaner {
 public:
  /// Starts at once; the references outlive it.
  Cleaner(store::Store& store, engine::Feed& feed, engine::Writer& writer,
          store::RunStreams& streams, store::ArtifactBlobs& artifacts,
          store::GateLogs& gate_logs);
  ~Cleaner();  // stops

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
