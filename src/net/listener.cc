// SPDX-License-Identifier: MIT
#include "net/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace baton::net {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

struct HostPort {
  std::string host;  // "" for all addresses
  std::uint16_t port = 0;
};

Result<HostPort> split_address(const std::string& listen) {
  const auto bad =
      fail_with_fix(Code::invalid, "write it as 127.0.0.1:1337, [::1]:1337 or unix:/path",
                    "the address \"{}\" is not host:port", listen);
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return bad;
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.find_first_of("[]/ ") != std::string::npos) return bad;
  if (host.find(':') != std::string::npos && listen[0] != '[') return bad;
  if (host == "*") host.clear();
  std::uint16_t port = 0;
  const char* begin = listen.data() + colon + 1;
  const char* end = listen.data() + listen.size();
  const auto [stop, error] = std::from_chars(begin, end, port);
  if (error != std::errc{} || stop != end || begin == end) return bad;
  return HostPort{std::move(host), port};
}

void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

/// Accepted sockets inherit these.
void set_tcp_options(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  // A peer that vanished without a word is noticed within 30 s, with or without data under way.
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
}

tl::unexpected<Error> bind_error(const std::string& listen, int error_number) {
  if (error_number == EADDRINUSE) {
    return fail_with_fix(Code::conflict,
                         "stop what listens there (ss -ltnp shows it) or choose another address",
                         "the address {} is in use", listen);
  }
  if (error_number == EACCES || error_number == EPERM) {
    return fail_with_fix(Code::forbidden, "choose a port above 1023 or a folder that is yours",
                         "listening on {} is not permitted", listen);
  }
  if (error_number == EADDRNOTAVAIL) {
    return fail_with_fix(Code::invalid, "choose an address of this machine, such as 127.0.0.1",
                         "{} is not an address of this machine", listen);
  }
  Error error = errno_error("listen on " + listen, error_number);
  error.fix = "choose another address";
  return tl::unexpected(std::move(error));
}

Result<Listener> open_tcp(const ServerOptions& options) {
  BATON_TRY(address, split_address(options.listen));
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const char* host = address.host.empty() ? nullptr : address.host.c_str();
  if (const int error = ::getaddrinfo(host, port.c_str(), &hints, &found); error != 0) {
    return fail_with_fix(Code::invalid, "write it as 127.0.0.1:1337, [::1]:1337 or unix:/path",
                         "the host of \"{}\" is unknown: {}", options.listen,
                         ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);

  Listener listener;
  listener.socket.reset(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.socket) return tl::unexpected(errno_error("socket", errno));
  const int fd = listener.socket.get();
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set_tcp_options(fd);
  if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(fd, options.limits.backlog) != 0) {
    return bind_error(options.listen, errno);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  listener.port =
      ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                        : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  const bool everywhere = address.host.empty() || address.host == "0.0.0.0" || address.host == "::";
  const bool is_v6 = address.host.find(':') != std::string::npos;
  const std::string shown =
      everywhere ? "127.0.0.1" : (is_v6 ? '[' + address.host + ']' : address.host);
  listener.url = fmt::format("{}://{}:{}", options.tls ? "https" : "http", shown, listener.port);
  return listener;
}

bool somebody_listens(const sockaddr_un& address) {
  const Fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<Listener> open_unix(const ServerOptions& options) {
  Listener listener;
  const std::string path = options.listen.substr(kUnixPrefix.size());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail_with_fix(Code::invalid, "choose a shorter path",
                         "the path of a Unix socket has 1 to {} bytes",
                         sizeof address.sun_path - 1);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    // The socket of a server that was killed is taken over; anything else is not ours to remove.
    if (!S_ISSOCK(status.st_mode) || somebody_listens(address)) {
      return bind_error(options.listen, EADDRINUSE);
    }
    ::unlink(path.c_str());
  }
  listener.socket.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.socket) return tl::unexpected(errno_error("socket", errno));
  const int fd = listener.socket.get();
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  // Nobody can connect before listen(), so the mode holds from the first connection on.
  if (!bound || ::chmod(path.c_str(), options.unix_mode) != 0 ||
      ::listen(fd, options.limits.backlog) != 0) {
    return bind_error(options.listen, errno);
  }
  listener.url = options.listen;
  listener.unix_path = path;
  return listener;
}

}  // namespace

Result<Listener> open_listener(const ServerOptions& options) {
  const bool is_unix = options.listen.starts_with(kUnixPrefix);
  return is_unix ? open_unix(options) : open_tcp(options);
}

std::string describe_peer(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
  }
  if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
  }
  return "unix";
}

}  // namespace baton::net
