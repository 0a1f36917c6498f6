// SPDX-License-Identifier: MIT
#pragma once
// What every server-sent event stream of the API does: its headers, its limit, heartbeats while it
// is quiet, `event: bye` when the server drains. The streams themselves are in event_routes.cc and
// stream_routes.cc.
#include <functional>
#include <string>

#include "api/context.h"
#include "api/watch.h"
#include "net/http.h"
#include "net/sse.h"

namespace baton::api {

/// Counts an open stream while it lives.
class StreamSlot {
 public:
  explicit StreamSlot(Context& context);
  ~StreamSlot();
  StreamSlot(const StreamSlot&) = delete;
  StreamSlot& operator=(const StreamSlot&) = delete;

 private:
  Context& context_;
};

/// The response that `body` will stream.  Errors: unavailable (Settings::streams_max are open).
Answer event_stream(Context& context, net::StreamBody body);

/// How long a client waits before it connects again.
inline constexpr std::size_t kReconnectMs = 1'000;

/// Waits for `waiter` and keeps the stream alive meanwhile. False: the stream is over (the client
/// went, or was told goodbye).
boost::asio::awaitable<bool> wait_on_stream(Context& context, net::Sink sink,
                                            Watch::Waiter& waiter);

}  // namespace baton::api
