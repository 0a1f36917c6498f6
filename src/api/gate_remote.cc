// SPDX-License-Identifier: MIT
#include "api/gate_remote.h"

#include "api/artifact_answer.h"
#include "api/reply.h"
#include "api/submit.h"
#include "base/text.h"
#include "links/http.h"
#include "links/profiles.h"
#include "links/testkube_verdict.h"
#include "net/mime.h"
#include "net/url.h"
#include "wire/page.h"

namespace baton::api {
namespace {

Result<const model::LinkProfile*> testkube_of(const Context& context, const model::Gate& gate) {
  return links::get_profile(context.settings.links,
                            "testkube/" + gate.request.subject.testkube.profile);
}

Result<void> read_origin(const model::LinkProfile& profile, const RemoteArtifact& artifact,
                         links::ArtifactBytes wanted, const RemoteFile::Push& push,
                         const std::stop_token& stop) {
  links::PeerHttp http(profile, stop);
  links::ArtifactReading reading(wanted, push);
  const auto answer =
      http.send(links::open_testkube_artifact(profile, artifact.execution, artifact.origin.path,
                                              reading));
  if (reading.complete()) return {};
  if (reading.status() != 0)
    BATON_TRY_VOID(
        links::check_testkube_bytes(artifact.origin.path, reading.status(), reading.refusal()));
  if (!answer)
    return fail(Code::unreachable, "the artifact \"{}\" broke off at Testkube: {}", artifact.path,
                answer.error().message);
  return {};
}

boost::asio::awaitable<void> pass_on(Context& context, net::Sink sink,
                                     std::shared_ptr<RemoteFile> file, std::string first) {
  bool alive = co_await sink.write(std::move(first));
  while (alive) {
    auto piece = co_await file->next();
    if (!piece) {
      sink.cut();  // or it would be taken for the whole
      break;
    }
    if (piece->empty()) break;
    alive = co_await sink.write(*std::move(piece));
  }
  // Ending it waits for its thread, which may be in the middle of a call.
  context.disk.post([file = std::move(file)]() mutable { file.reset(); });
  --context.remote_files;
}

}  // namespace

Result<std::vector<RemoteArtifact>> remote_artifacts(const Context& context,
                                                     const model::Gate& gate) {
  std::vector<RemoteArtifact> all;
  if (gate.request.subject.kind != model::SubjectKind::testkube) return all;
  const auto executions = links::parse_testkube_watched(gate.watched);
  if (executions.empty()) return all;
  BATON_TRY(profile, testkube_of(context, gate));
  links::PeerHttp http(*profile, {});
  for (const links::TestkubeExecution& execution : executions) {
    BATON_TRY(found, links::list_testkube_artifacts(*profile, http, execution.id));
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

Result<std::string> read_remote(const Context& context, const model::Gate& gate,
                                const RemoteArtifact& artifact, std::size_t max) {
  BATON_TRY(profile, testkube_of(context, gate));
  std::string text;
  bool full = false;
  BATON_TRY_VOID(read_origin(*profile, artifact, {},
                             [&](std::string_view piece) {
                               full = text.size() + piece.size() > max;
                               if (!full) text += piece;
                               return !full;
                             },
                             {}));
  if (full) return fail(Code::too_large, "\"{}\" has more than {} bytes", artifact.path, max);
  return text;
}

Result<std::shared_ptr<RemoteFile>> open_remote(const Context& context, const model::Gate& gate,
                                                const RemoteArtifact& artifact,
                                                links::ArtifactBytes bytes) {
  BATON_TRY(profile, testkube_of(context, gate));
  BATON_TRY_VOID(links::check_testkube_artifact(artifact.origin));
  return std::make_shared<RemoteFile>([profile, artifact, bytes](const RemoteFile::Push& push,
                                                                 const std::stop_token& stop) {
    return read_origin(*profile, artifact, bytes, push, stop);
  });
}

Async send_remote(Context& context, Call& call, const model::Gate& gate, RemoteArtifact artifact) {
  if (auto ready = links::check_testkube_artifact(artifact.origin); !ready) {
    if (ready.error().code != Code::unavailable) co_return tl::unexpected(ready.error());
    net::Response early = problem(call.request, ready.error(), 425);
    early.headers.set("Retry-After", "5");
    co_return early;
  }
  // Testkube has no tags; an execution's file does not change once it is there.
  const std::string etag = wire::etag_of_digest(sha256_hex(
      fmt::format("{}\n{}\n{}", artifact.execution, artifact.origin.path, artifact.origin.size)));
  if (auto unchanged = not_modified(call, etag)) co_return *std::move(unchanged);
  const auto size = static_cast<std::uint64_t>(artifact.origin.size);
  auto range = wanted_range(call, etag, size);
  if (!range) co_return refused_range(call, range.error(), size);
  if (++context.remote_files > kRemoteFilesMax) {
    --context.remote_files;
    co_return fail_with_fix(Code::unavailable, "ask again in a moment",
                            "{} files are being fetched already", kRemoteFilesMax);
  }
  const links::ArtifactBytes bytes{range->first, range->length};
  auto opened = open_remote(context, gate, artifact, bytes);
  if (!opened) {
    --context.remote_files;
    co_return tl::unexpected(opened.error());
  }
  std::shared_ptr<RemoteFile> file = *std::move(opened);
  auto first = co_await file->next();
  if (!first) {
    --context.remote_files;
    context.disk.post([file = std::move(file)]() mutable { file.reset(); });
    co_return tl::unexpected(first.error());
  }
  net::Response response;
  set_range(response, *range, size);
  const std::string type(net::content_type_of(artifact.path));
  add_artifact_headers(response, artifact.path, type, etag);
  response.body = [&context, file = std::move(file), first = *std::move(first)](net::Sink sink) {
    return pass_on(context, sink, file, first);
  };
  co_return response;
}

}  // namespace baton::api
