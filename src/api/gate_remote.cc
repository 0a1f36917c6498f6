// SPDX-License-Identifier: MIT
#include "api/gate_remote.h"

#include "api/artifact_answer.h"
#include "api/reply.h"
#include "api/submit.h"
#include "base/nameless_file.h"
#include "base/text.h"
#include "links/http.h"
#include "links/profiles.h"
#include "links/testkube_verdict.h"
#include "net/mime.h"
#include "net/url.h"
#include "wire/page.h"

namespace baton::api {
namespace {

// What Testkube refuses, it refuses to the link: whoever asked here has done nothing wrong.
Error as_peers(Error error) {
  if (error.code != Code::unavailable && error.code != Code::timeout)
    error.code = Code::unreachable;
  return error;
}

// An older Testkube does not tell how long a file is.
links::ArtifactBytes whole_of(const RemoteArtifact& artifact) {
  if (artifact.origin.size == 0) return {};
  return {0, static_cast<std::uint64_t>(artifact.origin.size)};
}

Result<void> read_origin(const model::LinkProfile& profile, links::Http& http,
                         const RemoteArtifact& artifact, links::ArtifactBytes wanted,
                         const RemoteFile::Push& push) {
  std::uint64_t given = 0;
  links::ArtifactReading reading(wanted, [&](std::string_view bytes) {
    given += bytes.size();
    return push(bytes);
  });
  const auto answer =
      http.send(links::open_testkube_artifact(profile, artifact.execution, artifact.origin.path,
                                              reading));
  if (reading.complete()) return {};
  if (reading.status() != 0)
    if (auto good = links::check_testkube_bytes(artifact.origin.path, reading.status(),
                                                reading.refusal());
        !good)
      return tl::unexpected(as_peers(std::move(good).error()));
  if (!answer)
    return fail(Code::unreachable, "the artifact \"{}\" broke off at Testkube: {}", artifact.path,
                answer.error().message);
  if (wanted.length && given < *wanted.length)
    return fail(Code::unreachable,
                "the artifact \"{}\" ended at Testkube after {} of the {} bytes that are wanted "
                "of it",
                artifact.path, given, *wanted.length);
  return {};
}

// Nothing is fetched for who asks for the head only.
net::Response head_of(std::uint64_t length) {
  net::Response response;
  response.body = net::FileBody{Fd{}, 0, length};
  return response;
}

}  // namespace

bool has_remote_artifacts(const model::Gate& gate) {
  return gate.request.subject.kind == model::SubjectKind::testkube;
}

Result<const model::LinkProfile*> remote_profile(const Context& context, const model::Gate& gate) {
  return links::get_profile(context.settings.links,
                            "testkube/" + gate.request.subject.testkube.profile);
}

RemoteArtifacts::RemoteArtifacts(const Context& context, const model::Gate& gate,
                                 std::stop_token stop, Duration limit)
    : gate_(gate), profile_(remote_profile(context, gate)) {
  if (!profile_) return;
  http_.emplace(**profile_, std::move(stop));
  timed_.emplace(*http_, limit);
}

Result<std::vector<RemoteArtifact>> RemoteArtifacts::list() {
  std::vector<RemoteArtifact> all;
  if (!has_remote_artifacts(gate_)) return all;
  const auto executions = links::parse_testkube_watched(gate_.watched);
  if (executions.empty()) return all;
  if (!profile_) return tl::unexpected(profile_.error());
  for (const links::TestkubeExecution& execution : executions) {
    auto listed = links::list_testkube_artifacts(**profile_, *timed_, execution.id);
    if (!listed) return tl::unexpected(as_peers(std::move(listed).error()));
    std::vector<links::TestkubeArtifact>& found = *listed;
    const std::string folder =
        executions.size() == 1
            ? ""
            : (execution.name.empty() ? execution.id : execution.name) + "/";
    for (links::TestkubeArtifact& one : found) {
      std::string path = folder + one.path;
      // What could lead out of a folder when it is downloaded is not shown.
      if (!model::check_artifact_path(path)) continue;
      all.push_back({std::move(path), std::move(one), execution.id});
    }
  }
  return all;
}

Result<std::string> RemoteArtifacts::read(const RemoteArtifact& artifact, std::size_t max) {
  if (!profile_) return tl::unexpected(profile_.error());
  std::string text;
  bool full = false;
  const auto done =
      read_origin(**profile_, *timed_, artifact, whole_of(artifact), [&](std::string_view piece) {
        full = text.size() + piece.size() > max;
        if (!full) text += piece;
        return !full;
      });
  if (full) return fail(Code::too_large, "\"{}\" has more than {} bytes", artifact.path, max);
  if (!done) return tl::unexpected(done.error());
  return text;
}

Result<void> fetch_remote(const model::LinkProfile& profile, const RemoteArtifact& artifact,
                          const RemoteFile::Push& push, const std::stop_token& stop) {
  BATON_TRY_VOID(links::check_testkube_artifact(artifact.origin));
  links::PeerHttp http(profile, stop);
  return read_origin(profile, http, artifact, whole_of(artifact), push);
}

Result<links::ArtifactFile> fetch_remote_file(const Context& context, const model::Gate& gate,
                                              const RemoteArtifact& artifact,
                                              const std::stop_token& stop) {
  const auto max = static_cast<std::int64_t>(context.settings.artifact_bytes);
  const Error too_large{Code::too_large,
                        fmt::format("\"{}\" has more than {} bytes", artifact.path, max)};
  BATON_TRY_VOID(links::check_testkube_artifact(artifact.origin));
  if (artifact.origin.size > max) return tl::unexpected(too_large);
  BATON_TRY(profile, remote_profile(context, gate));
  links::ArtifactFile file;
  file.type = net::content_type_of(artifact.path);
  BATON_TRY(made, make_nameless_file(context.settings.spill_folder));
  file.file = std::move(made);
  Result<void> written;
  links::PeerHttp http(*profile, stop);
  const auto fetched = read_origin(
      *profile, http, artifact, whole_of(artifact), [&](std::string_view bytes) {
        file.size += static_cast<std::int64_t>(bytes.size());
        if (file.size > max) {
          written = tl::unexpected(too_large);
        } else {
          written = write_all(file.file.get(), bytes);
        }
        return written.has_value();
      });
  if (!written) return tl::unexpected(written.error());
  if (!fetched) return tl::unexpected(fetched.error());
  return file;
}

Async send_remote(Context& context, Call& call, const model::Gate& gate, RemoteArtifact artifact) {
  if (auto ready = links::check_testkube_artifact(artifact.origin); !ready) {
    if (ready.error().code != Code::unavailable) co_return tl::unexpected(ready.error());
    co_return not_ready_yet(call, ready.error(), links::kArtifactRetryAfterSeconds);
  }
  // Testkube has no tags; an execution's file does not change once it is there.
  const std::string etag = wire::etag_of_digest(sha256_hex(
      fmt::format("{}\n{}\n{}", artifact.execution, artifact.origin.path, artifact.origin.size)));
  if (auto unchanged = not_modified(call, etag)) co_return *std::move(unchanged);
  const auto size = static_cast<std::uint64_t>(artifact.origin.size);
  auto range = wanted_range(call, etag, size);
  if (!range) co_return refused_range(call, range.error(), size);
  const auto profile = remote_profile(context, gate);
  if (!profile) co_return tl::unexpected(profile.error());
  net::Response response = head_of(range->length);
  if (call.request.method != "HEAD") {
    const links::ArtifactBytes bytes{range->first, range->length};
    RemoteFile::Fetch fetch = [to = *profile, artifact, bytes](const RemoteFile::Push& push,
                                                               const std::stop_token& stop) {
      links::PeerHttp http(*to, stop);
      return read_origin(*to, http, artifact, bytes, push);
    };
    auto opened = RemoteFile::start(context.remote, std::move(fetch));
    if (!opened) co_return tl::unexpected(opened.error());
    std::shared_ptr<RemoteFile> file = *std::move(opened);
    auto first = co_await file->next();
    if (!first) co_return tl::unexpected(first.error());
    response.body = remote_body(std::move(file), *std::move(first));
  }
  set_range(response, *range, size);
  const std::string type(net::content_type_of(artifact.path));
  add_artifact_headers(response, artifact.path, type, etag);
  co_return response;
}

}  // namespace baton::api
