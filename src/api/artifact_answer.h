// SPDX-License-Identifier: MIT
#pragma once
// Taking and giving files: what the artifacts of runs and of gates have in common.
#include "api/context.h"
#include "api/route.h"
#include "model/run.h"

namespace baton::api {

/// Which part of a file the client wants.
struct WantedRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  bool is_part = false;
};
/// From Range and If-Range.  Errors: unsatisfiable, to be answered by refused_range.
Result<WantedRange> wanted_range(const Call& call, const std::string& etag, std::uint64_t size);
net::Response refused_range(const Call& call, const Error& error, std::uint64_t size);
/// Status and Content-Range.
void set_range(net::Response& response, const WantedRange& range, std::uint64_t size);
/// A download that no browser shows.
void add_artifact_headers(net::Response& response, const std::string& path, std::string_view type,
                          const std::string& etag);

/// 425 with Retry-After: there may be such a file later.
net::Response not_ready_yet(const Call& call, Error error, int retry_after_s);

/// The file with ETag and Range, as a download that no browser shows. A coroutine on the
/// connection's thread.
Async send_artifact(Context& context, Call& call, model::Artifact artifact);

/// The request's body as a blob; blocking.  Errors: unavailable (disk full).
Result<store::ArtifactBlobs::Stored> copy_to_blobs(Context& context, const net::Request& request);

}  // namespace baton::api
