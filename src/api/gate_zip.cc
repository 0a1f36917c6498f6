// SPDX-License-Identifier: MIT
// All artifacts of a gate as one ZIP, made as the client takes it: first those that are kept here,
// then those that its Testkube keeps.
#include <unistd.h>

#include <algorithm>

#include "api/gate_files.h"
#include "api/gate_remote.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/submit.h"
#include "api/zip_writer.h"
#include "base/log.h"
#include "engine/gate_ops.h"
#include "net/url.h"
#include "store/gate_table.h"

namespace baton::api {
namespace {

constexpr std::size_t kPiece = 256 << 10;

// For one thread at a time.
class ZipStream {
 public:
  ZipStream(Context& context, std::vector<store::GateArtifact> own)
      : context_(context), own_(std::move(own)) {}

  // The next piece of the entries that are kept here; "" behind the last of them. Blocks.
  Result<std::string> next_own() {
    std::string piece;
    while (piece.empty() && (file_ || next_ < own_.size())) {
      BATON_TRY_VOID(step());
      piece = zip_.take();
    }
    return piece;
  }

  void begin(const std::string& path) { zip_.begin(path); }
  std::string pack(std::string_view bytes) {
    zip_.add(bytes);
    return zip_.take();
  }
  void end_entry() { zip_.end_entry(); }
  std::string finish() {
    zip_.finish();
    return zip_.take();
  }

 private:
  Result<void> step() {
    if (!file_) {
      const store::GateArtifact& artifact = own_[next_++];
      if (artifact.digest.empty()) {
        // Another system's, which wants its own credentials: people fetch it, not we.
        zip_.begin(artifact.path + ".url.txt");
        zip_.add(artifact.url + "\n");
        zip_.end_entry();
        return {};
      }
      BATON_TRY(opened, context_.artifacts.open_blob(artifact.digest));
      file_.emplace(std::move(opened.fd));
      zip_.begin(artifact.path);
    }
    const ssize_t n = ::read(file_->get(), buffer_.data(), buffer_.size());
    if (n < 0) return tl::unexpected(errno_error("read an artifact", errno));
    zip_.add(std::string_view(buffer_).substr(0, static_cast<std::size_t>(n)));
    if (n > 0) return {};
    zip_.end_entry();
    file_.reset();
    return {};
  }

  Context& context_;
  const std::vector<store::GateArtifact> own_;
  std::size_t next_ = 0;
  std::optional<Fd> file_;
  std::string buffer_ = std::string(kPiece, '\0');
  ZipWriter zip_;
};

// One that cannot be had has an entry that says why, so that nobody takes the rest for all.
// Errors: it ended early; gone: nobody wants it any more.
Result<void> add_remote(ZipStream& zip, const model::LinkProfile& profile,
                        const RemoteArtifact& artifact, const RemoteFile::Push& push,
                        const std::stop_token& stop) {
  bool begun = false;
  const auto fetched = fetch_remote(
      profile, artifact,
      [&](std::string_view bytes) {
        if (!std::exchange(begun, true)) zip.begin(artifact.path);
        return push(zip.pack(bytes));
      },
      stop);
  if (stop.stop_requested()) return fail(Code::gone, "nobody takes {} any more", artifact.path);
  if (!fetched && begun) return fetched;
  if (!begun) zip.begin(fetched ? artifact.path : artifact.path + ".error.txt");
  if (!fetched) push(zip.pack(fetched.error().message + "\n"));
  zip.end_entry();
  return {};
}

// All of it, from a thread that may wait for the peer.
Result<void> fetch_zip(Context& context, const model::LinkProfile& profile,
                       std::vector<store::GateArtifact> own,
                       const std::vector<RemoteArtifact>& remote, const RemoteFile::Push& push,
                       const std::stop_token& stop) {
  ZipStream zip(context, std::move(own));
  for (;;) {
    BATON_TRY(piece, zip.next_own());
    if (piece.empty()) break;
    if (!push(piece)) return {};
  }
  for (const RemoteArtifact& artifact : remote)
    BATON_TRY_VOID(add_remote(zip, profile, artifact, push, stop));
  push(zip.finish());
  return {};
}

boost::asio::awaitable<void> send_own(Context& context, net::Sink sink,
                                      std::shared_ptr<ZipStream> zip) {
  for (;;) {
    auto piece = co_await context.disk.run<Result<std::string>>([&] { return zip->next_own(); });
    if (!piece) {
      log::warn("answer.broken_off", {{"error", piece.error().message}});
      sink.cut();
      co_return;
    }
    if (piece->empty()) break;
    const bool alive = co_await sink.write(*std::move(piece));
    if (!alive) co_return;
  }
  std::string rest = zip->finish();
  co_await sink.write(std::move(rest));
}

// With what the peer keeps.
Result<net::StreamBody> remote_zip(Context& context, const model::Gate& gate,
                                   std::vector<store::GateArtifact> own,
                                   std::vector<RemoteArtifact> remote) {
  BATON_TRY(profile, remote_profile(context, gate));
  RemoteFile::Fetch fetch = [&context, profile, own = std::move(own), remote = std::move(remote)](
                                const RemoteFile::Push& push, const std::stop_token& stop) mutable {
    return fetch_zip(context, *profile, std::move(own), remote, push, stop);
  };
  BATON_TRY(file, RemoteFile::start(context.remote, std::move(fetch)));
  return remote_body(std::move(file));
}

}  // namespace

Async get_gate_zip(Context& context, Call& call) {
  auto gate = read(
      context, [&](store::Session& session) { return engine::get_gate(session, call.args[0]); });
  if (!gate) co_return tl::unexpected(gate.error());
  auto own = co_await context.disk.run<Result<std::vector<store::GateArtifact>>>(
      [&] { return artifacts_of_gate(context, *gate); });
  if (!own) co_return tl::unexpected(own.error());
  Result<std::vector<RemoteArtifact>> remote;
  if (has_remote_artifacts(*gate)) {
    remote = co_await context.remote.run<std::vector<RemoteArtifact>>(
        [&](const std::stop_token& stop) { return RemoteArtifacts(context, *gate, stop).list(); });
    if (!remote) co_return tl::unexpected(remote.error());
  }
  std::erase_if(*remote, [&](const RemoteArtifact& one) { return is_among(*own, one.path); });
  net::Response response;
  response.headers.set("Content-Type", "application/zip");
  response.headers.set("Content-Disposition", net::attachment_disposition(gate->id + ".zip"));
  // Of a HEAD no body is made.
  if (remote->empty() || call.request.method == "HEAD") {
    auto zip = std::make_shared<ZipStream>(context, *std::move(own));
    response.body = [&context, zip](net::Sink sink) { return send_own(context, sink, zip); };
    co_return response;
  }
  auto body = remote_zip(context, *gate, *std::move(own), *std::move(remote));
  if (!body) co_return tl::unexpected(body.error());
  response.body = *std::move(body);
  co_return response;
}

}  // namespace baton::api
