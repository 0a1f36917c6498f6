// SPDX-License-Identifier: MIT
#include "net/acceptor.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "base/log.h"
#include "net/listener.h"
#include "net/session.h"

namespace baton::net {

namespace asio = boost::asio;

namespace {

// Long enough to cost nothing, short enough that a client hardly notices.
constexpr std::chrono::milliseconds kRest{100};
constexpr std::chrono::seconds kWarnEvery{10};
// After so many in a row the other work of the thread gets its turn.
constexpr int kAcceptsPerTurn = 64;

const std::string& full_answer() {
  static const std::string answer = [] {
    constexpr std::string_view kBody =
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
        "\"detail\":\"too many connections\",\"code\":\"unavailable\"}\n";
    return fmt::format(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
        "Content-Length: {}\r\nRetry-After: 5\r\nConnection: close\r\n\r\n{}",
        kBody.size(), kBody);
  }();
  return answer;
}

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

std::size_t connections_limit(const Limits& limits) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return limits.connections;
  const std::size_t all = limit.rlim_cur;
  const std::size_t most = all > 2 * limits.fd_reserve ? all - limits.fd_reserve : all / 2;
  return std::min(limits.connections, most);
}

}  // namespace

Acceptor::Acceptor(Shared& shared, std::vector<Worker*> workers, int socket)
    : shared_(shared),
      workers_(std::move(workers)),
      socket_(workers_[0]->context, socket),
      rest_(workers_[0]->context),
      spare_(open_spare()),
      connections_max_(connections_limit(shared.options.limits)) {}

void Acceptor::start() { wait(); }

void Acceptor::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  rest_.cancel();
}

void Acceptor::wait() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this](boost::system::error_code ec) {
                       if (!ec) on_ready();
                     });
}

void Acceptor::on_ready() {
  Next next = Next::more;
  for (int i = 0; i < kAcceptsPerTurn && next == Next::more; ++i) next = accept_one();
  if (next != Next::rest) {
    wait();
    return;
  }
  rest_.expires_after(kRest);
  rest_.async_wait([this](boost::system::error_code ec) {
    if (!ec && socket_.is_open()) wait();
  });
}

Acceptor::Next Acceptor::accept_one() {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto& address = reinterpret_cast<sockaddr&>(storage);
  const int fd = ::accept4(socket_.native_handle(), &address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    if (take_place()) {
      hand_over(fd, describe_peer(address));
      return Next::more;
    }
    ++shared_.counters.refused;
    if (!shared_.tls) ::send(fd, full_answer().data(), full_answer().size(), MSG_NOSIGNAL);
    // What the client sent is read, or closing would reset the answer away.
    std::array<char, 4096> dropped;
    ::recv(fd, dropped.data(), dropped.size(), 0);
    ::close(fd);
    return Next::more;
  }
  switch (errno) {
    case EAGAIN: return Next::wait;
    case EMFILE:
    case ENFILE: shed_one(); return Next::rest;
    case ENOBUFS:
    case ENOMEM: return Next::rest;
    default: return Next::more;  // ECONNABORTED, EINTR, network errors: of that connection only
  }
}

/// Without a free descriptor a waiting client would hang and the socket stay readable for ever.
void Acceptor::shed_one() {
  spare_.reset();
  const int fd = ::accept(socket_.native_handle(), nullptr, nullptr);
  if (fd >= 0) {
    ::close(fd);
    ++shared_.counters.refused;
  }
  spare_.reset(open_spare());
  const auto now = std::chrono::steady_clock::now();
  if (now - warned_ < kWarnEvery) return;
  warned_ = now;
  log::warn("net.out_of_descriptors", {{"fix", "raise the limit of open files (ulimit -n)"}});
}

bool Acceptor::take_place() {
  const std::lock_guard lock(shared_.mutex);
  if (shared_.open >= connections_max_) return false;
  ++shared_.open;
  return true;
}

void Acceptor::hand_over(int socket, std::string peer) {
  ++shared_.counters.total;
  Worker& worker = *workers_[next_worker_++ % workers_.size()];
  asio::post(worker.context, [&worker, socket, peer = std::move(peer)]() mutable {
    auto session = std::make_shared<Session>(worker, socket, std::move(peer));
    asio::co_spawn(worker.context, Session::run(std::move(session)), asio::detached);
  });
}

}  // namespace baton::net
