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
  ZipStream(Context& context, model::Gate gate, std::vector<store::GateArtifact> own,
            std::vector<RemoteArtifact> remote)
      : context_(context),
        gate_(std::move(gate)),
        own_(std::move(own)),
        remote_(std::move(remote)) {}

  const model::Gate& gate() const { return gate_; }
  const std::vector<RemoteArtifact>& remote() const { return remote_; }

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
      if (artifact.digest.empty()) return {};  // kept elsewhere: its list entry has the address
      BATON_TRY(opened, open_gate_artifact(context_, gate_, artifact.path));
      file_.emplace(std::move(opened));
      zip_.begin(artifact.path);
    }
    std::string buffer(kPiece, '\0');
    const ssize_t n = ::read(file_->file.get(), buffer.data(), buffer.size());
    if (n < 0) return tl::unexpected(errno_error("read an artifact", errno));
    buffer.resize(static_cast<std::size_t>(n));
    zip_.add(buffer);
    if (n > 0) return {};
    zip_.end_entry();
    file_.reset();
    return {};
  }

  Context& context_;
  const model::Gate gate_;
  const std::vector<store::GateArtifact> own_;
  const std::vector<RemoteArtifact> remote_;
  std::size_t next_ = 0;
  std::optional<links::ArtifactFile> file_;
  ZipWriter zip_;
};

struct RemoteSlot {
  explicit RemoteSlot(Context& context_in) : context(context_in) { ++context.remote_files; }
  ~RemoteSlot() { --context.remote_files; }
  Context& context;
};

// One that cannot be had has an entry that says why, so that nobody takes the rest for all. False:
// the client is gone, or was cut off because the file ended early.
boost::asio::awaitable<bool> send_entry(Context& context, net::Sink sink, ZipStream& zip,
                                        const RemoteArtifact& artifact) {
  auto file = open_remote(context, zip.gate(), artifact);
  Result<std::string> piece =
      file ? Result<std::string>{} : Result<std::string>{tl::unexpected(file.error())};
  if (file) piece = co_await (*file)->next();
  const bool is_lost = !piece;
  std::string bytes = is_lost ? piece.error().message + "\n" : *std::move(piece);
  zip.begin(is_lost ? artifact.path + ".error.txt" : artifact.path);
  bool alive = true;
  while (alive && !bytes.empty()) {
    auto packed = co_await context.disk.run<Result<std::string>>(
        [&]() -> Result<std::string> { return zip.pack(bytes); });
    if (packed && !packed->empty()) alive = co_await sink.write(*std::move(packed));
    if (is_lost || !alive) break;
    piece = co_await (*file)->next();
    if (!piece) {
      log::warn("answer.broken_off", {{"error", piece.error().message}});
      sink.cut();
      alive = false;
    } else {
      bytes = *std::move(piece);
    }
  }
  zip.end_entry();
  // Ending it waits for its thread, which may be in the middle of a call.
  if (file) context.disk.post([ended = *std::move(file)]() mutable { ended.reset(); });
  co_return alive;
}

boost::asio::awaitable<void> send_zip(Context& context, net::Sink sink,
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
  if (!zip->remote().empty()) {
    const RemoteSlot slot(context);
    for (const RemoteArtifact& artifact : zip->remote()) {
      const bool alive = co_await send_entry(context, sink, *zip, artifact);
      if (!alive) co_return;
    }
  }
  std::string rest = zip->finish();
  co_await sink.write(std::move(rest));
}

}  // namespace

Async get_gate_zip(Context& context, Call& call) {
  auto gate = read(
      context, [&](store::Session& session) { return engine::get_gate(session, call.args[0]); });
  if (!gate) co_return tl::unexpected(gate.error());
  auto own = co_await context.disk.run<Result<std::vector<store::GateArtifact>>>(
      [&] { return artifacts_of_gate(context, *gate); });
  if (!own) co_return tl::unexpected(own.error());
  auto remote = co_await context.disk.run<Result<std::vector<RemoteArtifact>>>(
      [&] { return remote_artifacts(context, *gate); });
  if (!remote) co_return tl::unexpected(remote.error());
  std::erase_if(*remote, [&](const RemoteArtifact& one) {
    return std::any_of(own->begin(), own->end(),
                       [&](const auto& other) { return other.path == one.path; });
  });
  if (!remote->empty() && context.remote_files >= kRemoteFilesMax)
    co_return fail_with_fix(Code::unavailable, "ask again in a moment",
                            "{} files are being fetched already", kRemoteFilesMax);
  const std::string name = gate->id + ".zip";
  auto zip =
      std::make_shared<ZipStream>(context, *std::move(gate), *std::move(own), *std::move(remote));
  net::Response response;
  response.headers.set("Content-Type", "application/zip");
  response.headers.set("Content-Disposition", net::attachment_disposition(name));
  response.body = [&context, zip](net::Sink sink) { return send_zip(context, sink, zip); };
  co_return response;
}

}  // namespace baton::api
