// SPDX-License-Identifier: MIT
#pragma once
// Files that Testkube executions kept: which there are, and how to fetch one. Testkube knows no
// ranges, so what a range leaves out is read and dropped here; nothing is kept. Pure but for
// list_testkube_artifacts.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "links/testkube_api.h"

namespace baton::links {

/// processing: it is being uploaded; failed: the upload did not work; missing: it is listed, but
/// its bytes are gone.
enum class ArtifactState { ready, processing, failed, missing };
std::string_view name_of(ArtifactState state);

struct TestkubeArtifact {
  std::string path;
  std::int64_t size = 0;
  ArtifactState state = ArtifactState::ready;
};

/// In Testkube's order.  Blocks.  Errors: those of TestkubeApi.
Result<std::vector<TestkubeArtifact>> list_testkube_artifacts(const model::LinkProfile& profile,
                                                              Http& http,
                                                              std::string_view execution);
/// Errors: unavailable.
Result<std::vector<TestkubeArtifact>> parse_testkube_artifacts(std::string_view body);

/// An upload ends with its step; until then it makes no sense to ask more often.
inline constexpr int kArtifactRetryAfterSeconds = 2;
/// Whether its bytes can be asked for. Errors: unavailable (not ready yet: 425); unreachable (lost
/// at its origin: 502).
Result<void> check_testkube_artifact(const TestkubeArtifact& artifact);

/// What an answer of open_testkube_artifact means by its status, and by the beginning of its body
/// when that is no 2xx.  Errors: unreachable (lost at its origin), unavailable, unauthenticated.
Result<void> check_testkube_bytes(std::string_view path, int status, std::string_view body);

/// Which bytes of a file are wanted.
struct ArtifactBytes {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length = {};  // to its end
};

/// What is read of one answer. It outlives the request; for one thread.
class ArtifactReading {
 public:
  /// on_bytes gets the wanted bytes only, and only of an answer of 2xx; false cancels.
  ArtifactReading(ArtifactBytes wanted, std::function<bool(std::string_view)> on_bytes)
      : wanted_(wanted), on_bytes_(std::move(on_bytes)) {}

  bool on_head(int status);
  bool on_data(std::string_view bytes);

  /// All the wanted bytes were given: what is left of the answer is cancelled (gone).
  bool complete() const { return complete_; }
  /// For check_testkube_bytes.
  int status() const { return status_; }
  const std::string& refusal() const { return refusal_; }

 private:
  bool take(std::string_view bytes);

  ArtifactBytes wanted_;
  std::function<bool(std::string_view)> on_bytes_;
  int status_ = 0;
  std::uint64_t at_ = 0;
  bool complete_ = false;
  std::string refusal_;
};

/// The request whose body is the file.
net::HttpRequest open_testkube_artifact(const model::LinkProfile& profile,
                                        std::string_view execution, std::string_view path,
                                        ArtifactReading& reading);

}  // namespace baton::links
