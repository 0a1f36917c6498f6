// SPDX-License-Identifier: MIT
#pragma once
// The HTTP/1.1 server: accepts connections, reads requests strictly (anything two parsers could
// read differently is refused with 400 and a close), calls the handler, writes its response.
// Owned by the composition root. Threads of its own, each with one event loop; a connection stays
// on one thread. Handlers run there as coroutines and must not block.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/http.h"

namespace baton::net {

struct Limits {
  // Cookies and tokens of a browser behind single sign-on reach 16 KiB.
  std::size_t header_bytes = 32 * 1024;
  // More fields than any proxy chain adds.
  std::size_t header_fields = 128;
  // From the first byte of a request to the end of its header: a slow loris is cut here.
  Duration header_timeout{10'000};
  // A connection without a request; longer than the 60 s of common proxies and clients.
  Duration idle_timeout{75'000};
  // A body must arrive at this rate after the first `body_grace`: slower is an attack or dead. What
  // comes faster earns at most another grace: nobody sends much at once and then holds it for
  // hours.
  std::uint64_t body_bytes_per_second = 256;
  Duration body_grace{10'000};
  // A client that takes no byte of a response for so long is disconnected (slow event streams too).
  Duration write_stall{20'000};
  // After a refusal the rest of the request is read and dropped, so that the answer arrives.
  Duration linger{2'000};
  // Beyond this a new connection gets 503 and is closed. 4 to 8 KiB each.
  std::size_t connections = 20'000;
  // Descriptors kept for files and databases when connections take the rest of RLIMIT_NOFILE.
  std::size_t fd_reserve = 256;
  // The kernel's queue of connections not yet accepted.
  int backlog = 1024;
};

struct TlsOptions {
  std::string certificate_file;  // PEM, with the chain
  std::string key_file;          // PEM
};

struct ServerOptions {
  std::string listen = "127.0.0.1:1337";  // "host:port", "[::1]:0", "*:80", "unix:/path/to.sock"
  unsigned unix_mode = 0600;              // of the Unix socket's file
  unsigned threads = 1;
  Limits limits = {};
  std::optional<TlsOptions> tls = {};  // TLS 1.2 and later
};

struct ServerStats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused = 0;  // beyond Limits::connections or out of descriptors
  std::uint64_t requests_total = 0;
  std::uint64_t requests_malformed = 0;
  std::uint64_t timeouts = 0;  // header, body rate, write stall
};

/// One answered request, for metrics and logs; the views hold during the call only.
struct Served {
  std::string_view method;  // "" when the request was malformed
  std::string_view target;
  std::string_view request_id;
  std::string_view peer;
  int status = 0;
  std::uint64_t body_bytes = 0;
  bool complete = false;            // false: the client went, or the handler's stream broke
  std::chrono::nanoseconds took{};  // from the complete header to the last byte written
};

class Server {
 public:
  /// `admit` may be empty (every request is admitted with the default BodyPolicy).
  Server(ServerOptions options, Handler handler, Admit admit = {});
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Called on the connection's thread after each response. Set before start().
  void on_served(std::function<void(const Served&)> observer);
  /// Makes the answers that the server itself gives (400, 408, 413, 431, 500, 503); the default is
  /// problem+json with type, title, status, detail, code, fix and request_id. Set before start().
  /// Of the head, method, target, path and request_id are there; only the last when it was
  /// malformed.
  using Problem = std::function<Response(int status, const Error&, const RequestHead&)>;
  void on_problem(Problem problem);

  /// Binds, listens and starts the threads.
  /// Errors: invalid (address, certificate), conflict (address in use), forbidden, unavailable.
  Result<void> start();

  /// The bound port (0 for a Unix socket); after start().
  std::uint16_t port() const;
  /// "http://127.0.0.1:1337", "https://…", "unix:/path"; after start().
  std::string url() const;

  /// Closes idle connections, wakes waiting handlers with Wake::draining and lets requests end
  /// (`Connection: close`). Until they have, or `deadline` is over, new connections are accepted
  /// and get one request answered each, so that who asks hears that the server stops; then none is,
  /// and it returns. True when all have ended. Blocks; not for a server thread.
  bool drain(Duration deadline);
  /// Cuts what is left and joins the threads. Handlers are woken and run to their end first.
  void stop();

  ServerStats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::net
