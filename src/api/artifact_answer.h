// SPDX-License-Identifier: MIT
#pragma once
// Taking and giving files: what the artifacts of runs and of gates have in common.
#include "api/context.h"
#include "api/route.h"
#include "model/run.h"

namespace baton::api {

/// The file with ETag and Range, as a download that no browser shows. A coroutine on the
/// connection's thread.
Async send_artifact(Context& context, Call& call, model::Artifact artifact);

/// The request's body as a blob; blocking.  Errors: unavailable (disk full).
Result<store::ArtifactBlobs::Stored> copy_to_blobs(Context& context, const net::Request& request);

}  // namespace baton::api
