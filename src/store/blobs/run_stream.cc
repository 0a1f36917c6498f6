// SPDX-License-Identifier: MIT
#include "store/blobs/run_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"

namespace baton::store {
namespace {

constexpr std::size_t kVectorsMax = 1'000;  // IOV_MAX is 1,024

std::int64_t size_of(const Fd& fd) {
  struct stat info {};
  return ::fstat(fd.get(), &info) == 0 ? info.st_size : 0;
}

/// Reads exactly `size` bytes; false when there are fewer.
bool read_at(const Fd& fd, char* into, std::size_t size, std::int64_t offset) {
  while (size > 0) {
    const ssize_t n = ::pread(fd.get(), into, size, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    into += n;
    size -= static_cast<std::size_t>(n);
    offset += n;
  }
  return true;
}

Result<void> write_vectors(const Fd& fd, std::span<iovec> vectors, std::int64_t offset) {
  while (!vectors.empty()) {
    const auto count = static_cast<int>(std::min(vectors.size(), kVectorsMax));
    ssize_t n = ::pwritev(fd.get(), vectors.data(), count, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(errno_error("write the run's stream", errno));
    offset += n;
    while (!vectors.empty() && static_cast<std::size_t>(n) >= vectors[0].iov_len) {
      n -= static_cast<ssize_t>(vectors[0].iov_len);
      vectors = vectors.subspan(1);
    }
    if (n > 0) {
      vectors[0].iov_base = static_cast<char*>(vectors[0].iov_base) + n;
      vectors[0].iov_len -= static_cast<std::size_t>(n);
    }
  }
  return {};
}

iovec vector_of(const void* bytes, std::size_t size) { return {const_cast<void*>(bytes), size}; }

}  // namespace

void RunStream::take(const FrameHeader& header) {
  headers_.push_back(header);
  offsets_.push_back(end_);
  end_ += header.size();
  memory_ = headers_.capacity() * (sizeof(FrameHeader) + sizeof(std::int64_t));
}

Result<Fd> RunStream::create_stream() {
  const std::string folder = path_.substr(0, path_.rfind('/'));
  const std::string name = path_ + ".stream";
  // Twice: remove() of the last other stream of the folder may take the folder away in between.
  for (int tries = 0; tries < 2; ++tries) {
    BATON_TRY_VOID(make_directories(folder));
    Fd fd{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd && errno == ENOENT) continue;
    if (!fd) return tl::unexpected(errno_error("create " + name, errno));
    BATON_TRY_VOID(synchronise_folder(folder));
    BATON_TRY_VOID(synchronise_folder(folder.substr(0, folder.rfind('/'))));
    return fd;
  }
  return fail(Code::unavailable, "create {}: its folder vanishes", name);
}

// The lock is held exclusively.
Result<void> RunStream::open_files(bool create) {
  const std::string name = path_ + ".stream";
  Fd fd{::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd && errno == ENOENT) {
    if (!create) return {};
    BATON_TRY(created, create_stream());
    fd = std::move(created);
  }
  if (!fd) return tl::unexpected(errno_error("open " + name, errno));
  stream_ = std::move(fd);
  headers_.clear();
  offsets_.clear();
  end_ = 0;
  load_index();
  BATON_TRY_VOID(scan_tail());
  opened_ = true;
  return {};
}

// The index is a cache: whatever is strange in it is found again in the stream.
void RunStream::load_index() {
  const std::string name = path_ + ".index";
  index_ = Fd{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!index_) return;
  const std::int64_t size = size_of(stream_);
  std::vector<FrameHeader> stored(static_cast<std::size_t>(size_of(index_)) / sizeof(FrameHeader));
  if (!read_at(index_, reinterpret_cast<char*>(stored.data()), stored.size() * sizeof(FrameHeader),
               0))
    return;
  for (const FrameHeader& header : stored) {
    if (!is_valid(header) || end_ + header.size() > size) break;
    take(header);
  }
  FrameHeader last;
  if (headers_.empty()) return;
  if (read_at(stream_, reinterpret_cast<char*>(&last), sizeof last, offsets_.back()) &&
      std::memcmp(&last, &headers_.back(), sizeof last) == 0)
    return;
  headers_.clear();
  offsets_.clear();
  end_ = 0;
}

// Reads what the index does not know, and cuts off what a crash tore.
Result<void> RunStream::scan_tail() {
  const std::size_t indexed = headers_.size();
  const std::int64_t size = size_of(stream_);
  std::string body;
  for (;;) {
    FrameHeader header;
    if (end_ + static_cast<std::int64_t>(sizeof header) > size) break;
    // All of it lies within the file: that it cannot be read is the disk's fault and no tear.
    if (!read_at(stream_, reinterpret_cast<char*>(&header), sizeof header, end_))
      return fail(Code::unavailable, "{}.stream cannot be read at {}", path_, end_);
    if (!is_valid(header) || end_ + header.size() > size) break;
    body.resize(static_cast<std::size_t>(header.size()) - sizeof header);
    if (!read_at(stream_, body.data(), body.size(), end_ + 64))
      return fail(Code::unavailable, "{}.stream cannot be read at {}", path_, end_ + 64);
    if (!entry_of(header, body)) break;
    take(header);
  }
  if (end_ < size) {
    log::warn("store.stream_cut", {{"stream", path_}, {"bytes", size - end_}});
    if (::ftruncate(stream_.get(), end_) != 0 || ::fdatasync(stream_.get()) != 0)
      return tl::unexpected(errno_error("cut " + path_ + ".stream", errno));
  }
  if (index_ && size_of(index_) != static_cast<std::int64_t>(indexed * sizeof(FrameHeader)))
    (void)!::ftruncate(index_.get(), static_cast<off_t>(indexed * sizeof(FrameHeader)));
  write_index(indexed);
  return {};
}

void RunStream::write_index(std::size_t from) {
  if (!index_ || from == headers_.size()) return;
  iovec vector = vector_of(headers_.data() + from, (headers_.size() - from) * sizeof(FrameHeader));
  const auto offset = static_cast<std::int64_t>(from * sizeof(FrameHeader));
  if (write_vectors(index_, {&vector, 1}, offset)) return;
  // A full disk. Without an index the stream is read at the next opening.
  (void)!::ftruncate(index_.get(), 0);
  index_.reset();
}

Result<void> RunStream::ensure_open(bool create) {
  {
    const std::shared_lock lock(mutex_);
    if (opened_) return {};
  }
  const std::unique_lock lock(mutex_);
  return opened_ ? Result<void>() : open_files(create);
}

Result<void> RunStream::write_frames(std::span<const StreamEntry* const> entries,
                                     std::span<const FrameHeader> headers) {
  std::vector<iovec> vectors;
  vectors.reserve(entries.size() * 3);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    vectors.push_back(vector_of(&headers[i], sizeof(FrameHeader)));
    for (const std::string* bytes : {&entries[i]->test, &entries[i]->payload})
      if (!bytes->empty()) vectors.push_back(vector_of(bytes->data(), bytes->size()));
  }
  auto written = write_vectors(stream_, vectors, end_);
  if (written && ::fdatasync(stream_.get()) != 0)
    written = tl::unexpected(errno_error("fdatasync the run's stream", errno));
  if (written) return {};
  if (::ftruncate(stream_.get(), end_) != 0) {
    // What is left there is cut off when the stream is opened again.
    const std::unique_lock lock(mutex_);
    opened_ = false;
  }
  return written;
}

Result<Appended> RunStream::append(std::span<const StreamEntry> entries) {
  const std::lock_guard one_at_a_time(appending_);
  BATON_TRY_VOID(ensure_open(true));
  // Nobody else changes the index while `appending_` is held, so reading it needs no lock.
  std::int64_t epoch = headers_.empty() ? 0 : headers_.back().epoch;
  std::int64_t seq = headers_.empty() ? 0 : headers_.back().seq;
  const std::int64_t known_epoch = epoch, known_seq = seq;
  std::vector<const StreamEntry*> fresh;
  std::vector<FrameHeader> headers;
  for (const StreamEntry& entry : entries) {
    if (entry.epoch < known_epoch)
      return fail(Code::conflict, "runner {} of the run was replaced by runner {}", entry.epoch,
                  known_epoch);
    if (entry.epoch == known_epoch && entry.seq <= known_seq) continue;
    if (entry.epoch < epoch || (entry.epoch == epoch && entry.seq <= seq))
      return fail(Code::invalid, "record {} comes after record {}", entry.seq, seq);
    BATON_TRY(header, header_of(entry));
    epoch = entry.epoch;
    seq = entry.seq;
    headers.push_back(header);
    fresh.push_back(&entry);
  }
  const std::size_t before = headers_.size();
  if (fresh.empty()) return Appended{0, static_cast<std::int64_t>(before)};
  BATON_TRY_VOID(write_frames(fresh, headers));
  {
    const std::unique_lock lock(mutex_);
    for (const FrameHeader& header : headers) take(header);
  }
  write_index(before);
  return Appended{static_cast<std::int64_t>(before) + 1,
                  static_cast<std::int64_t>(before + headers.size())};
}

Result<StreamEntry> RunStream::entry_at(std::size_t index) const {
  const FrameHeader& header = headers_[index];
  std::string body(static_cast<std::size_t>(header.size()) - sizeof header, '\0');
  if (!read_at(stream_, body.data(), body.size(), offsets_[index] + 64))
    return fail(Code::unavailable, "{}.stream cannot be read at entry {}", path_, index + 1);
  BATON_TRY(entry, entry_of(header, body));
  entry.ordinal = static_cast<std::int64_t>(index) + 1;
  return std::move(entry);
}

Result<StreamState> RunStream::state() {
  BATON_TRY_VOID(ensure_open(false));
  const std::shared_lock lock(mutex_);
  if (headers_.empty()) return StreamState{};
  return StreamState{static_cast<int>(headers_.back().epoch), headers_.back().seq,
                     static_cast<std::int64_t>(headers_.size()), end_};
}

Result<std::vector<StreamEntry>> RunStream::read(std::int64_t after, std::size_t limit,
                                                 std::size_t max_bytes) {
  BATON_TRY_VOID(ensure_open(false));
  const std::shared_lock lock(mutex_);
  std::vector<StreamEntry> entries;
  std::size_t bytes = 0;
  for (auto i = static_cast<std::size_t>(std::max<std::int64_t>(after, 0));
       i < headers_.size() && entries.size() < limit; ++i) {
    bytes += headers_[i].payload_size;
    if (bytes > max_bytes && !entries.empty()) break;
    BATON_TRY(entry, entry_at(i));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<void> RunStream::remove() {
  const std::lock_guard one_at_a_time(appending_);
  const std::unique_lock lock(mutex_);
  opened_ = false;
  stream_.reset();
  index_.reset();
  headers_.clear();
  offsets_.clear();
  end_ = 0;
  // The stream first: an index without its stream is harmless.
  for (const char* ending : {".stream", ".index"})
    if (::unlink((path_ + ending).c_str()) != 0 && errno != ENOENT)
      return tl::unexpected(errno_error("delete " + path_ + ending, errno));
  ::rmdir(path_.substr(0, path_.rfind('/')).c_str());  // when it was the last in its folder
  return {};
}

}  // namespace baton::store
