// SPDX-License-Identifier: MIT
#pragma once
// Artifacts of a gate that its Testkube keeps: listed there, and streamed through.
#include <memory>
#include <string>
#include <vector>

#include "api/context.h"
#include "api/remote_file.h"
#include "api/route.h"
#include "links/testkube_artifacts.h"
#include "model/gate.h"

namespace baton::api {

struct RemoteArtifact {
  std::string path;  // as this server shows it: below the execution's name where there are several
  links::TestkubeArtifact origin;
  std::string execution;
};

/// Empty for a gate of another subject. Blocks on the network.
/// Errors: unavailable, unreachable (Testkube does not answer), not_found (the link is gone).
Result<std::vector<RemoteArtifact>> remote_artifacts(const Context& context,
                                                     const model::Gate& gate);

/// The whole of a small one. Blocks.  Errors: those above, too_large.
Result<std::string> read_remote(const Context& context, const model::Gate& gate,
                                const RemoteArtifact& artifact, std::size_t max);

/// The file as it comes. Errors: not_found, as above; unavailable, unreachable: it is not ready, or
/// lost.
Result<std::shared_ptr<RemoteFile>> open_remote(const Context& context, const model::Gate& gate,
                                                const RemoteArtifact& artifact,
                                                links::ArtifactBytes bytes = {});

/// The file with ETag and Range, as it comes.
Async send_remote(Context& context, Call& call, const model::Gate& gate, RemoteArtifact artifact);

}  // namespace baton::api
