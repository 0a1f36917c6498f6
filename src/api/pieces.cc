// SPDX-License-Identifier: MIT
#include "api/pieces.h"

#include "base/log.h"

namespace baton::api {
namespace {

boost::asio::awaitable<void> send_pieces(Context& context, net::Sink sink, NextPiece next) {
  for (;;) {
    auto piece = co_await context.disk.run<Result<std::string>>([&next] { return next(); });
    if (!piece) {
      log::warn("answer.broken_off", {{"error", piece.error().message}});
      sink.cut();
      co_return;
    }
    if (piece->empty()) co_return;
    const bool alive = co_await sink.write(*std::move(piece));
    if (!alive) co_return;
  }
}

}  // namespace

net::StreamBody pieces_body(Context& context, NextPiece next) {
  return [&context, next = std::move(next)](net::Sink sink) {
    return send_pieces(context, sink, next);
  };
}

net::Response pieces_reply(Context& context, std::string content_type, NextPiece next) {
  net::Response response;
  response.headers.set("Content-Type", std::move(content_type));
  response.body = pieces_body(context, std::move(next));
  return response;
}

}  // namespace baton::api
