// SPDX-License-Identifier: MIT
#pragma once
// What an attempt tells its runner: one JSON object per line on a descriptor of its own
// (docs/formats/suite-protocol.md). A test may close every descriptor it finds; the last event then
// travels through shared memory and the fork server delivers it.
#include <sys/types.h>

#include <mutex>
#include <string>
#include <string_view>

namespace baton::suite {

/// One attempt's place in the memory that it shares with the fork server.
struct Mailbox {
  static constexpr std::size_t kSize = 128 * 1024;
  std::size_t size = 0;  // 0 = nothing left behind
  char line[kSize - sizeof(std::size_t)];
};

class EventSink {
 public:
  /// fd: borrowed; -1 keeps nothing. mailbox: may be null.
  explicit EventSink(int fd, Mailbox* mailbox = nullptr);

  /// From now on to `fd`.
  void rebind(int fd);

  /// Writes one event; whole or not at all.
  void send(std::string_view json);
  /// The same for the last event, which must not be lost.
  void send_last(std::string_view json);

 private:
  bool write_line(std::string_view json);
  std::mutex mutex_;
  int fd_;
  Mailbox* mailbox_;
  dev_t device_ = 0;  // tells our descriptor from another one with its number
  ino_t inode_ = 0;
};

}  // namespace baton::suite
