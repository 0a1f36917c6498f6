// SPDX-License-Identifier: MIT
#include "net/transport.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace baton::net {
namespace {

// sendfile takes at most 2 GiB; a smaller step lets other connections of the thread go on.
constexpr std::uint64_t kFileStep = 1 << 20;

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(int socket) : socket_(socket) {}

  Step handshake() override { return {Step::Kind::done}; }

  Step read(char* buffer, std::size_t size) override {
    return moved(::recv(socket_, buffer, size, 0), Step::Kind::wait_read);
  }

  Step write(const char* bytes, std::size_t size) override {
    return moved(::send(socket_, bytes, size, MSG_NOSIGNAL), Step::Kind::wait_write);
  }

  Step send_file(int file, std::uint64_t offset, std::uint64_t size) override {
    auto position = static_cast<off_t>(offset);
    const auto count = static_cast<std::size_t>(std::min(size, kFileStep));
    return moved(::sendfile(socket_, file, &position, count), Step::Kind::wait_write);
  }

  void finish_writing() override { ::shutdown(socket_, SHUT_WR); }

 private:
  static Step moved(ssize_t count, Step::Kind wait) {
    if (count > 0) return {Step::Kind::done, static_cast<std::size_t>(count)};
    if (count == 0) return {Step::Kind::end};
    const bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return {again ? wait : Step::Kind::failed};
  }

  int socket_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(int socket) {
  return std::make_unique<PlainTransport>(socket);
}

}  // namespace baton::net
