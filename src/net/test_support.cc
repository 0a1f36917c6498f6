// SPDX-License-Identifier: MIT
#include "net/test_support.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace baton::net {
namespace {

constexpr int kPatienceMs = 20'000;

bool readable(int fd, int limit_ms) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, limit_ms) > 0;
}

}  // namespace

RawClient::RawClient(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connected =
      ::connect(fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  EXPECT_EQ(0, connected) << std::strerror(errno);
  const int on = 1;
  ::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawClient::RawClient(const std::string& unix_path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, unix_path.data(), unix_path.size());
  const int connected =
      ::connect(fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  EXPECT_EQ(0, connected) << std::strerror(errno);
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;  // the server closed: what it answered is still to be read
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void RawClient::send_slowly(std::string_view bytes) {
  for (const char c : bytes) send({&c, 1});
}

bool RawClient::fill() {
  if (!readable(fd(), kPatienceMs)) {
    ADD_FAILURE() << "the server neither answers nor closes";
    return false;
  }
  char bytes[16 * 1024];
  const ssize_t count = ::recv(fd(), bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::string RawClient::read_until(std::string_view end) {
  std::size_t at = 0;
  while ((at = buffer_.find(end)) == std::string::npos) {
    if (!fill()) return std::exchange(buffer_, {});
  }
  std::string taken = buffer_.substr(0, at + end.size());
  buffer_.erase(0, at + end.size());
  return taken;
}

std::string RawClient::read_response(bool head_only) {
  std::string head = read_until("\r\n\r\n");
  if (head_only) return head;
  if (head.find("Transfer-Encoding: chunked") != std::string::npos) {
    return head + read_until("0\r\n\r\n");
  }
  const std::size_t field = head.find("Content-Length: ");
  if (field == std::string::npos) return head;
  const std::size_t size = std::strtoul(head.c_str() + field + 16, nullptr, 10);
  while (buffer_.size() < size && fill()) {
  }
  head += buffer_.substr(0, size);
  buffer_.erase(0, size);
  return head;
}

std::string RawClient::read_to_end() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

bool RawClient::is_closed_by_server() {
  if (!readable(fd(), kPatienceMs)) return false;
  char byte = 0;
  return ::recv(fd(), &byte, 1, MSG_PEEK) <= 0;
}

void RawClient::shutdown_write() { ::shutdown(fd(), SHUT_WR); }

void RawClient::reset() {
  const linger now{1, 0};
  ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  socket_.reset();
}

int status_of(std::string_view response) {
  return response.starts_with("HTTP/1.1 ") ? std::atoi(response.data() + 9) : 0;
}

std::string_view body_of(std::string_view response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string_view{} : response.substr(end + 4);
}

bool eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    ::usleep(1'000);
  }
  return true;
}

ServerOptions local_options() {
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  return options;
}

std::unique_ptr<Server> serve(Handler handler, ServerOptions options, Admit admit) {
  auto server = std::make_unique<Server>(std::move(options), std::move(handler), std::move(admit));
  const auto started = server->start();
  EXPECT_TRUE(started) << started.error().message;
  return server;
}

Handler echo() {
  return [](Request request) -> asio_response {
    co_return reply(200, "text/plain", request.method + ' ' + request.path + ' ' + request.body);
  };
}

ScratchFolder::ScratchFolder() {
  std::string path = std::filesystem::temp_directory_path() / "baton-net-XXXXXX";
  EXPECT_NE(nullptr, ::mkdtemp(path.data()));
  path_ = path;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace baton::net
