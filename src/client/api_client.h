// SPDX-License-Identifier: MIT
#pragma once
// Calls to a Baton server's JSON API: paths below /api/v1, a token, problem+json turned into Error.
// Blocking; one thread per client. Retries only what is safe to repeat: connection failures of GET,
// and of POST where an Idempotency-Key goes with it, until `patience` is over.
#include <boost/json/value.hpp>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/client.h"
#include "net/sse.h"

namespace baton::client {

struct Endpoint {
  std::string url;    // "http://127.0.0.1:1337", no trailing slash needed
  std::string token;  // "" when the server needs none
  std::string key_pin = {};  // of a server of this machine that has TLS (net/key_pin.h)
};

struct Call {
  std::string method = "GET";
  std::string path;  // "/runs/7" below /api/v1, or an absolute "/healthz"
  boost::json::value body = {};  // null: no body
  std::string text = {};         // sent instead of `body`
  std::string body_file = {};    // sent instead of both
  std::string content_type = "application/json";
  net::Headers headers = {};
  Duration timeout{75'000};  // above the 60 s that `?wait=` may take
};

struct Reply {
  int status = 0;
  net::Headers headers;
  boost::json::value body;  // null when there is none
  std::string text;         // the body when it is not JSON
};

class ApiClient {
 public:
  explicit ApiClient(Endpoint endpoint, std::stop_token stop = {});

  const Endpoint& endpoint() const { return endpoint_; }
  /// How long to keep trying while the server cannot be reached; 0 tries once.
  void set_patience(Duration patience) { patience_ = patience; }

  /// Errors: those of net::Client, and the problem of a 4xx or 5xx answer with its code, detail,
  /// fix and request id.
  Result<Reply> call(const Call& call);
  Result<boost::json::value> get(const std::string& path);
  Result<boost::json::value> post(const std::string& path, boost::json::value body);

  /// Reads an event stream until `on_event` returns false, connecting again with Last-Event-ID
  /// whenever it ends before, unless the server stays away for longer than `patience`.
  Result<void> stream(const std::string& path,
                      const std::function<bool(const net::SseEvent&)>& on_event);

  /// Streams a body to `on_data` (downloads).
  Result<void> download(const std::string& path,
                        const std::function<bool(std::string_view)>& on_data);

 private:
  Result<Reply> call_once(const Call& call);
  struct StreamState {
    bool connected = false;  // the server has accepted the request
    bool stopped = false;    // on_event has said so
  };
  Result<void> stream_once(const std::string& path, const std::string& last_id,
                           const std::function<bool(const net::SseEvent&)>& on_event,
                           StreamState& state);
  net::HttpRequest prepare(const Call& call) const;

  Endpoint endpoint_;
  std::stop_token stop_;
  Duration patience_{0};
  net::Client http_;
};

/// Returns after `duration`, or sooner when a stop is requested.
void pause(const std::stop_token& stop, Duration duration);

/// Percent-encodes one path segment or query value.
std::string escape(std::string_view text);

}  // namespace baton::client
