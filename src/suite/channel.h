// SPDX-License-Identifier: MIT
#pragma once
// The control channel between a runner and a fork server: one JSON object per packet of a
// SOCK_SEQPACKET socket, with descriptors beside it (docs/formats/suite-protocol.md).
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace baton::suite {

/// Beyond it a request is refused: it is an environment for one test, not a data set.
inline constexpr std::size_t kPacketMax = 128 * 1024;

struct Packet {
  std::string json;
  std::vector<Fd> fds;
};

/// A connected pair, close-on-exec.
Result<std::pair<Fd, Fd>> make_channel();
/// Errors: too_large, unavailable (the other side is gone).
Result<void> send_packet(int socket, std::string_view json, std::initializer_list<int> fds = {});
/// Waits for a packet; nothing when the other side has closed. With `wait` false also nothing, and
/// `*empty` is set, when none is there.  Errors: unavailable.
Result<std::optional<Packet>> receive_packet(int socket, bool* empty = nullptr);

}  // namespace baton::suite
