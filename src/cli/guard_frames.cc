// SPDX-License-Identifier: MIT
#include "cli/guard_frames.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace baton::cli {
namespace {

bool receive_all(int socket, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::recv(socket, data, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

std::int64_t Frame::number(std::size_t index) const {
  return index < words.size() ? std::strtoll(words[index].c_str(), nullptr, 10) : 0;
}

bool send_frame(int socket, char type, const std::vector<std::string>& words) {
  std::string text(sizeof(std::uint32_t), '\0');
  text += type;
  for (const std::string& word : words) {
    text += word;
    text += '\0';
  }
  const auto size = static_cast<std::uint32_t>(text.size() - sizeof(std::uint32_t));
  std::memcpy(text.data(), &size, sizeof size);
  const char* data = text.data();
  for (std::size_t left = text.size(); left > 0;) {
    const ssize_t n = ::send(socket, data, left, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    left -= static_cast<std::size_t>(n);
  }
  return true;
}

std::optional<Frame> receive_frame(int socket) {
  std::uint32_t size = 0;
  if (!receive_all(socket, reinterpret_cast<char*>(&size), sizeof size) || size == 0)
    return std::nullopt;
  std::string text(size, '\0');
  if (!receive_all(socket, text.data(), size)) return std::nullopt;
  Frame frame;
  frame.type = text[0];
  text.erase(0, 1);
  for (const std::string_view word : split(text, '\0')) frame.words.emplace_back(word);
  if (!frame.words.empty()) frame.words.pop_back();  // behind the last zero byte
  return frame;
}

}  // namespace baton::cli
