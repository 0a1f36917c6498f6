// SPDX-License-Identifier: MIT
#pragma once
// The three calls that a runner makes to its server (docs/formats/runner.md). Blocking; each thread
// has its own. No retries here: the runner decides how long to go on.
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "wire/job.h"
#include "wire/records.h"

namespace baton::client {

struct ArtifactUpload {
  std::string test;  // "" when it belongs to the run
  int attempt = 0;
  std::string path;       // as the artifact is named
  std::string file;       // where its bytes are
  std::string content_type;  // "": the server decides by the name
};

struct StoredArtifact {
  std::int64_t size = 0;
  std::string digest;
  std::string type;
};

/// The seam between the runner and its server; tests give it a server of their own.
class RunnerCalls {
 public:
  virtual ~RunnerCalls() = default;
  /// Errors: gone (finished or deleted), conflict (a newer runner owns it), unauthenticated,
  /// not_found, unreachable, unavailable …
  virtual Result<wire::Job> job() = 0;
  /// `batch`: whole records, or nothing as a sign of life. Errors: as job().
  virtual Result<wire::RecordsAnswer> send_records(std::string batch) = 0;
  /// Errors: as job(); too_large, invalid: the server will never take it.
  virtual Result<StoredArtifact> put_artifact(const ArtifactUpload& upload) = 0;
};
using MakeRunnerCalls = std::function<std::unique_ptr<RunnerCalls>(std::stop_token)>;

}  // namespace baton::client
