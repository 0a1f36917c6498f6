// SPDX-License-Identifier: MIT
#include "suite/channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace baton::suite {
namespace {

constexpr std::size_t kFdsMax = 4;

}  // namespace

Result<std::pair<Fd, Fd>> make_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return tl::unexpected(errno_error("socketpair", errno));
  return std::pair<Fd, Fd>(Fd(ends[0]), Fd(ends[1]));
}

Result<void> send_packet(int socket, std::string_view json, std::initializer_list<int> fds) {
  if (json.size() > kPacketMax)
    return baton::fail(Code::too_large, "a request of {} bytes is too large", json.size());
  iovec data{const_cast<char*>(json.data()), json.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kFdsMax)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fds.size() > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.begin(), sizeof(int) * fds.size());
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return {};
    if (errno != EINTR) return tl::unexpected(errno_error("send to the other side", errno));
  }
}

Result<std::optional<Packet>> receive_packet(int socket, bool* empty) {
  Packet packet;
  // Kept: clearing that much memory would cost more than the packet.
  static thread_local const auto buffer = std::make_unique<char[]>(kPacketMax);
  iovec data{buffer.get(), kPacketMax};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kFdsMax)];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const int flags = MSG_CMSG_CLOEXEC | (empty ? MSG_DONTWAIT : 0);
  ssize_t size = 0;
  do size = ::recvmsg(socket, &message, flags);
  while (size < 0 && errno == EINTR);
  if (empty) *empty = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (empty && *empty) return std::nullopt;
  if (size < 0 && errno != ECONNRESET)
    return tl::unexpected(errno_error("receive from the other side", errno));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); size > 0 && header;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      packet.fds.emplace_back(fd);
    }
  }
  if (size <= 0) return std::nullopt;
  packet.json.assign(buffer.get(), static_cast<std::size_t>(size));
  return packet;
}

}  // namespace baton::suite
