// SPDX-License-Identifier: MIT
#pragma once
// Artifacts of a gate that its Testkube keeps: listed there, and streamed through.
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "api/context.h"
#include "api/remote_calls.h"
#include "api/remote_file.h"
#include "api/route.h"
#include "links/http.h"
#include "links/message.h"
#include "links/testkube_artifacts.h"
#include "model/gate.h"

namespace baton::api {

struct RemoteArtifact {
  std::string path;  // as this server shows it: below the execution's name where there are several
  links::TestkubeArtifact origin;
  std::string execution;
};

/// Whether a peer has artifacts of the gate.
bool has_remote_artifacts(const model::Gate& gate);

/// A peer that takes longer than this, all calls together, does not answer.
inline constexpr Duration kRemoteTime = std::chrono::seconds{60};

/// Calls for a gate's artifacts, all of which together may take `limit`; `stop` cancels. Blocking,
/// for one thread.
class RemoteArtifacts {
 public:
  /// References outlive it.
  RemoteArtifacts(const Context& context, const model::Gate& gate, std::stop_token stop,
                  Duration limit = kRemoteTime);

  /// Empty for a gate of another subject.
  /// Errors: unavailable, unreachable (Testkube does not answer), not_found (the link is gone).
  Result<std::vector<RemoteArtifact>> list();
  /// The whole of a small one.  Errors: those above, too_large.
  Result<std::string> read(const RemoteArtifact& artifact, std::size_t max);

 private:
  const model::Gate& gate_;
  const Result<const model::LinkProfile*> profile_;
  std::optional<links::PeerHttp> http_;
  std::optional<TimedHttp> timed_;
};

/// Gives the bytes of one as they come. Blocks for as long as `push` does.
/// Errors: unavailable, unreachable: it is not ready, or lost, or ended early.
Result<void> fetch_remote(const model::LinkProfile& profile, const RemoteArtifact& artifact,
                          const RemoteFile::Push& push, const std::stop_token& stop);
/// The whole of one as a nameless file, of Settings::artifact_bytes at most. Blocks for as long as
/// bytes flow; `stop` cancels.  Errors: those of fetch_remote, too_large, not_found (the link is
/// gone).
Result<links::ArtifactFile> fetch_remote_file(const Context& context, const model::Gate& gate,
                                              const RemoteArtifact& artifact,
                                              const std::stop_token& stop);
/// Of a gate for which has_remote_artifacts.  Errors: not_found (the link is gone).
Result<const model::LinkProfile*> remote_profile(const Context& context, const model::Gate& gate);

/// The file with ETag and Range, as it comes.
Async send_remote(Context& context, Call& call, const model::Gate& gate, RemoteArtifact artifact);

}  // namespace baton::api
