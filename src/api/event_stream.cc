// SPDX-License-Identifier: MIT
#include "api/event_stream.h"

namespace baton::api {

StreamSlot::StreamSlot(Context& context) : context_(context) {
  ++context_.open_streams;
  context_.metrics.stream_changed(1);
}

StreamSlot::~StreamSlot() {
  --context_.open_streams;
  context_.metrics.stream_changed(-1);
}

Answer event_stream(Context& context, net::StreamBody body) {
  if (context.open_streams >= context.settings.streams_max)
    return fail(Code::unavailable, "{} event streams are open", context.settings.streams_max);
  net::Response response;
  response.headers.set("Content-Type", "text/event-stream");
  // nginx holds responses back unless told not to.
  response.headers.set("X-Accel-Buffering", "no");
  response.body = std::move(body);
  return response;
}

boost::asio::awaitable<bool> wait_on_stream(Context& context, net::Sink sink,
                                            Watch::Waiter& waiter) {
  for (;;) {
    const net::Wake wake = co_await waiter.wait(context.settings.heartbeat, sink.caller());
    if (wake == net::Wake::notified) co_return true;
    if (wake == net::Wake::gone) co_return false;
    if (wake == net::Wake::draining) {
      std::string bye = net::sse_retry(kReconnectMs) +
                        net::sse_format({.event = "bye", .data = "the server is stopping"});
      co_await sink.write(std::move(bye));
      co_return false;
    }
    const bool alive = co_await sink.write(net::sse_comment("heartbeat"));
    if (!alive) co_return false;
  }
}

}  // namespace baton::api
