// SPDX-License-Identifier: MIT
#pragma once
// The HTTP client (libcurl inside): one blocking request at a time per Client, which keeps its
// connections for the next one. Proxies of the environment are honoured, except for loopback.
// Not for event-loop threads. A Client belongs to one thread; a stop token cancels from any other.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/http.h"

namespace baton::net {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https
  Headers headers = {};

  // The body: the text, or a file of which `body_file_offset` and on is sent, or a reader that
  // fills the buffer and returns 0 at the end (sent chunked, unless its size is told).
  std::string body = {};
  std::string body_file = {};
  std::uint64_t body_file_offset = 0;
  std::function<std::size_t(char* buffer, std::size_t size)> body_reader = {};
  std::optional<std::uint64_t> body_reader_size = {};

  // On a connection of its own. One that is kept from an earlier request may die after the server
  // took this one; libcurl then sends it a second time, unseen.
  bool only_once = false;

  // Called with the status and headers before the body. False cancels.
  std::function<bool(int status, const Headers& headers)> on_head = {};
  // Called with each piece of the body instead of collecting it. False cancels.
  std::function<bool(std::string_view piece)> on_data = {};
  std::uint64_t max_response_bytes = 64 << 20;  // of a collected body; beyond: too_large

  Duration connect_timeout{5'000};
  Duration total_timeout{60'000};    // kForever for event streams
  Duration idle_timeout = kForever;  // without a byte in either direction
  int redirects_max = 0;             // 0: a 3xx is returned as it is

  std::string unix_socket = {};  // connect there; the URL still gives Host and path
  std::string ca_file = {};      // PEM that replaces the system's authorities
  bool verify_tls = true;
  // Of the error when the server's certificate is not accepted: whoever repeats what is unreachable
  // may want to tell what waiting does not cure.
  Code untrusted = Code::unreachable;
  // "sha256//…" (net/key_pin.h): the server proves itself by this key, instead of by an authority
  // and its name.
  std::string pinned_key = {};
  /// Asked with the numeric address ("10.0.0.7", "fe80::1") of every connection before it is made
  /// or used again, whatever a name server says meanwhile; an error refuses it. No proxy is asked.
  std::function<Result<void>(const std::string& address)> check_address = {};
  std::stop_token stop = {};
};

struct HttpResponse {
  int status = 0;
  Headers headers;
  std::string body;  // empty with on_data
};

class Client {
 public:
  Client();
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// Any answer of a server is a response, also 4xx and 5xx.
  /// Errors: unreachable (resolve, connect, TLS, connection lost before the answer was complete),
  /// `untrusted` for a certificate, timeout, gone (cancelled by the stop token or by a callback),
  /// too_large, invalid (URL, file); that of check_address when it refused every address.
  Result<HttpResponse> request(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::net
