// SPDX-License-Identifier: MIT
#include "runner/pipe_reader.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace baton::runner {
namespace {

constexpr std::size_t kReadSize = 256 << 10;
constexpr ssize_t kDefaultPipe = 64 << 10;
// A test that fills the default pipe writes on while the runner compresses.
constexpr int kLargePipe = 1 << 20;

char* read_buffer() {
  thread_local const std::unique_ptr<char[]> buffer(new char[kReadSize]);
  return buffer.get();
}

}  // namespace

Readers::Readers(Recorder& recorder) : recorder_(recorder) {
  recorder_.on_space([this] {
    for (PipeReader* reader : readers_) {
      if (reader->fd_) reader->loop_.resume(reader->watch_);
    }
  });
}

Result<PipeReader::Ends> PipeReader::make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected(errno_error("pipe", errno));
  Ends made{Fd{ends[0]}, Fd{ends[1]}};
  ::fcntl(made.read.get(), F_SETFL, O_NONBLOCK);
  return made;
}

PipeReader::PipeReader(Loop& loop, Readers& readers, Fd fd, OnBytes on_bytes)
    : loop_(loop), readers_(readers), fd_(std::move(fd)), on_bytes_(std::move(on_bytes)) {
  watch_ = loop_.watch(fd_.get(), [this] { on_readable(); });
  readers_.readers_.insert(this);
}

PipeReader::~PipeReader() {
  close();
  readers_.readers_.erase(this);
}

void PipeReader::close() {
  if (!fd_) return;
  loop_.forget(watch_);
  fd_.reset();
}

PipeReader::Got PipeReader::read_once(std::size_t* size) {
  for (;;) {
    const ssize_t n = ::read(fd_.get(), read_buffer(), kReadSize);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return Got::nothing;
    if (n <= 0) return Got::end;
    if (n >= kDefaultPipe && !enlarged_) {
      enlarged_ = true;
      ::fcntl(fd_.get(), F_SETPIPE_SZ, kLargePipe);
    }
    if (size != nullptr) *size = static_cast<std::size_t>(n);
    on_bytes_(std::string_view(read_buffer(), static_cast<std::size_t>(n)));
    return Got::bytes;
  }
}

void PipeReader::on_readable() {
  if (readers_.crowded()) {
    loop_.pause(watch_);
    return;
  }
  if (read_once() == Got::end) close();
}

void PipeReader::drain() {
  // Not more than what is there: a writer that has survived may go on for ever.
  int there = 0;
  if (fd_ && ::ioctl(fd_.get(), FIONREAD, &there) != 0) there = kLargePipe;
  std::size_t size = 0;
  for (auto left = static_cast<std::size_t>(there); left > 0; left -= std::min(left, size)) {
    if (!fd_ || read_once(&size) != Got::bytes) break;
  }
  close();
}

}  // namespace baton::runner
