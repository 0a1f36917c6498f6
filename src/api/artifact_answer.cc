// SPDX-License-Identifier: MIT
#include "api/artifact_answer.h"

#include <unistd.h>

#include "api/reply.h"
#include "base/text.h"
#include "net/url.h"
#include "wire/page.h"

namespace baton::api {
namespace {

constexpr std::size_t kCopyBytes = 1 << 20;

}  // namespace

Result<WantedRange> wanted_range(const Call& call, const std::string& etag, std::uint64_t size) {
  WantedRange wanted{0, size, false};
  // A range of another content than the client has is of no use to it (If-Range).
  const std::string_view if_range = call.request.headers.get("If-Range");
  const std::string_view header = call.request.headers.get("Range");
  if (header.empty() || (!if_range.empty() && if_range != etag)) return wanted;
  BATON_TRY(parsed, net::parse_range(header, size));
  if (parsed) wanted = {parsed->first, parsed->length, true};
  return wanted;
}

net::Response refused_range(const Call& call, const Error& error, std::uint64_t size) {
  net::Response refused = problem(call.request, error, 416);
  refused.headers.set("Content-Range", fmt::format("bytes */{}", size));
  return refused;
}

void set_range(net::Response& response, const WantedRange& range, std::uint64_t size) {
  if (!range.is_part) return;
  response.status = 206;
  response.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                    range.first + range.length - 1, size));
}

void add_artifact_headers(net::Response& response, const std::string& path, std::string_view type,
                          const std::string& etag) {
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const bool plain = !type.empty() && !has_control_bytes(type);
  response.headers.set("Content-Type", plain ? std::string(type) : "application/octet-stream");
  response.headers.set("Content-Disposition", net::attachment_disposition(name));
  response.headers.set("Content-Security-Policy", "sandbox; default-src 'none'");
  response.headers.set("ETag", etag);
  response.headers.set("Accept-Ranges", "bytes");
  response.headers.set("Cache-Control", "private, no-cache");
}

net::Response not_ready_yet(const Call& call, Error error, int retry_after_s) {
  error.members = fmt::format(R"("retry_after_s":{})", retry_after_s);
  net::Response early = problem(call.request, error, 425);
  early.headers.set("Retry-After", std::to_string(retry_after_s));
  return early;
}

Async send_artifact(Context& context, Call& call, model::Artifact artifact) {
  const std::string etag = wire::etag_of_digest(artifact.digest);
  if (auto unchanged = not_modified(call, etag)) co_return *std::move(unchanged);
  auto blob = co_await context.disk.run<Result<store::ArtifactBlobs::Blob>>(
      [&] { return context.artifacts.open_blob(artifact.digest); });
  if (!blob) co_return tl::unexpected(blob.error());
  const auto size = static_cast<std::uint64_t>(blob->size);
  const auto range = wanted_range(call, etag, size);
  if (!range) co_return refused_range(call, range.error(), size);
  net::Response response;
  set_range(response, *range, size);
  add_artifact_headers(response, artifact.path, artifact.type, etag);
  response.body = net::FileBody{std::move(blob->fd), range->first, range->length};
  co_return response;
}

Result<store::ArtifactBlobs::Stored> copy_to_blobs(Context& context, const net::Request& request) {
  if (!request.spilled) return context.artifacts.put(request.body);
  BATON_TRY(upload, context.artifacts.begin());
  std::string buffer(kCopyBytes, '\0');
  for (std::uint64_t at = 0; at < request.spilled->size;) {
    const ssize_t n =
        pread(request.spilled->file.get(), buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (n <= 0) return tl::unexpected(errno_error("read the upload", errno));
    BATON_TRY_VOID(upload.append(std::string_view{buffer}.substr(0, static_cast<std::size_t>(n))));
    at += static_cast<std::uint64_t>(n);
  }
  return upload.finish();
}

}  // namespace baton::api
