// SPDX-License-Identifier: MIT
#include "suite/events.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "base/file.h"

namespace baton::suite {

EventSink::EventSink(int fd, Mailbox* mailbox) : fd_(-1), mailbox_(mailbox) { rebind(fd); }

void EventSink::rebind(int fd) {
  const std::lock_guard lock(mutex_);
  fd_ = fd;
  struct stat info {};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0) return;
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

bool EventSink::write_line(std::string_view json) {
  const std::lock_guard lock(mutex_);
  struct stat info {};
  // A test that closed it may have opened a file of its own under the same number.
  if (fd_ < 0 || ::fstat(fd_, &info) != 0 || info.st_dev != device_ || info.st_ino != inode_)
    return false;
  std::string line(json);
  line += '\n';
  return write_all(fd_, line).has_value();
}

void EventSink::send(std::string_view json) { write_line(json); }

void EventSink::send_last(std::string_view json) {
  if (write_line(json) || !mailbox_ || json.size() > sizeof mailbox_->line) return;
  std::memcpy(mailbox_->line, json.data(), json.size());
  mailbox_->size = json.size();
}

}  // namespace baton::suite
