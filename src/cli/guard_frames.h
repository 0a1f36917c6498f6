// SPDX-License-Identifier: MIT
#pragma once
// What `lock exec` and its guard say to each other over a socket pair: a length, a letter, and
// words that end with a zero byte. Both are the same program, so the form may change at will.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace baton::cli {

struct Frame {
  char type = 0;
  std::vector<std::string> words;
  std::int64_t number(std::size_t index) const;
};

/// False when the other side is gone. Blocks while the socket is full.
bool send_frame(int socket, char type, const std::vector<std::string>& words);
/// Nothing when the other side is gone. Blocks until a frame is complete.
std::optional<Frame> receive_frame(int socket);

}  // namespace baton::cli
