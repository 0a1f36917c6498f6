// SPDX-License-Identifier: MIT
#include "runner/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace baton::runner {
namespace {

// Space is given back in steps of this, so that a run of small records does not call it each time.
constexpr std::uint64_t kPunchStep = 16 << 20;
constexpr std::string_view kSpoolEnding = ".spool";

std::string path_of(const std::string& folder, int epoch, std::string_view ending) {
  return fmt::format("{}/{}{}", folder, epoch, ending);
}

struct Acked {
  std::int64_t seq = 0;
  std::int64_t offset = 0;
};

Acked read_acked(const std::string& path) {
  Acked acked;
  const auto text = read_file(path, 4096);
  if (!text) return acked;
  const std::vector<std::string_view> parts = split(trim(*text), ' ');
  if (parts.size() != 2) return acked;
  const auto number = [](std::string_view digits) {
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  };
  return {number(parts[0]), number(parts[1])};
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::create(const std::string& folder, int epoch,
                                             std::int64_t bytes_max) {
  BATON_TRY_VOID(make_directories(folder));
  const std::string path = path_of(folder, epoch, kSpoolEnding);
  Fd file{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600)};
  if (!file && errno == EEXIST)
    return fail(Code::conflict, "{} exists: another runner has it", path);
  if (!file) return tl::unexpected(errno_error("create " + path, errno));
  const std::string acked_path = path_of(folder, epoch, ".acked");
  Fd acked{::open(acked_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!acked) return tl::unexpected(errno_error("create " + acked_path, errno));
  return std::unique_ptr<Spool>(new Spool(std::move(file), std::move(acked), bytes_max));
}

Spool::Spool(Fd file, Fd acked_file, std::int64_t bytes_max)
    : bytes_max_(bytes_max), file_(std::move(file)), acked_file_(std::move(acked_file)) {}

void Spool::append(wire::RecordBody body) { append_again(std::move(body), 0, 0); }

void Spool::append_again(wire::RecordBody body, int origin_epoch, std::int64_t origin_seq) {
  wire::append_record(pending_, {++last_seq_, std::move(body), origin_epoch, origin_seq});
  // What a full disk has held up must not be sent as one batch.
  const std::uint64_t begin = pending_groups_.size() < 2 ? 0 : pending_groups_.end()[-2].end;
  if (pending_groups_.empty() || pending_groups_.back().end - begin >= kBatchMax) {
    pending_groups_.push_back({last_seq_, pending_.size()});
  } else {
    pending_groups_.back() = {last_seq_, pending_.size()};
  }
}

bool Spool::write() {
  while (pending_at_ < pending_.size()) {
    const ssize_t n =
        ::write(file_.get(), pending_.data() + pending_at_, pending_.size() - pending_at_);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    pending_at_ += static_cast<std::size_t>(n);
    written_ += static_cast<std::uint64_t>(n);
  }
  if (pending_.empty()) return true;
  const std::uint64_t begin = written_ - pending_.size();
  pending_.clear();
  pending_at_ = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const Group& group : pending_groups_) {
      groups_.push_back({group.last_seq, begin + group.end});
    }
  }
  pending_groups_.clear();
  wake_.notify_one();
  return true;
}

bool Spool::crowded() const {
  return pending_.size() > kPendingMax ||
         static_cast<std::int64_t>(written_ - acked_offset_.load()) > bytes_max_;
}

Result<Spool::Batch> Spool::next(Duration wait) {
  const std::uint64_t start = acked_offset_.load();
  Batch batch;
  std::uint64_t end = start;
  {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, wait, [this] { return !groups_.empty() || interrupted_; });
    for (const Group& group : groups_) {
      if (end != start && group.end - start > kBatchMax) break;
      end = group.end;
      batch.last_seq = group.last_seq;
    }
  }
  if (end == start) return batch;
  if (::fdatasync(file_.get()) != 0) return tl::unexpected(errno_error("fsync the spool", errno));
  batch.bytes.resize(end - start);
  std::size_t have = 0;
  while (have < batch.bytes.size()) {
    const ssize_t n = ::pread(file_.get(), batch.bytes.data() + have, batch.bytes.size() - have,
                              static_cast<off_t>(start + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(errno_error("read the spool", errno));
    if (n == 0) return fail(Code::internal, "the spool is shorter than what was written");
    have += static_cast<std::size_t>(n);
  }
  return batch;
}

void Spool::acknowledge(std::int64_t seq) {
  std::uint64_t offset = 0;
  {
    const std::lock_guard lock(mutex_);
    while (!groups_.empty() && groups_.front().last_seq <= seq) {
      offset = groups_.front().end;
      groups_.pop_front();
    }
  }
  if (offset == 0) return;
  save_ack(seq, offset);
  acked_offset_.store(offset);
  acked_.store(seq);
  if (offset - punched_ < kPunchStep) return;
  // The hole must not outlive the position behind it: a later runner would read zeros there, take
  // them for a tear and drop what follows.
  if (::fdatasync(acked_file_.get()) != 0) return;
  // Not every file system can; then the space stays taken until the run ends.
  ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(punched_),
              static_cast<off_t>(offset - punched_));
  punched_ = offset;
}

// Not synced each time: after a crash of the machine the server drops what it has already.
void Spool::save_ack(std::int64_t seq, std::uint64_t offset) {
  const std::string text = fmt::format("{:020} {:020}\n", seq, offset);
  [[maybe_unused]] const ssize_t n = ::pwrite(acked_file_.get(), text.data(), text.size(), 0);
}

void Spool::interrupt() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
  }
  wake_.notify_all();
}

std::vector<OldSpool> old_spools(const std::string& folder, int epoch) {
  std::vector<OldSpool> found;
  DIR* directory = ::opendir(folder.c_str());
  if (directory == nullptr) return found;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    int number = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (failure != std::errc{} || std::string_view(end) != kSpoolEnding || number >= epoch)
      continue;
    found.push_back(
        {number, path_of(folder, number, kSpoolEnding), path_of(folder, number, ".acked")});
  }
  ::closedir(directory);
  std::sort(found.begin(), found.end(),
            [](const OldSpool& a, const OldSpool& b) { return a.epoch < b.epoch; });
  return found;
}

Result<Resend> Resend::open(const OldSpool& old) {
  const Acked acked = read_acked(old.acked_path);
  Fd file{::open(old.path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return tl::unexpected(errno_error("open " + old.path, errno));
  if (::lseek(file.get(), acked.offset, SEEK_SET) < 0) {
    return tl::unexpected(errno_error("seek in " + old.path, errno));
  }
  return Resend(old.epoch, std::move(file));
}

Result<bool> Resend::step(Spool& spool) {
  std::string buffer(1 << 20, '\0');
  ssize_t n = 0;
  do n = ::read(file_.get(), buffer.data(), buffer.size());
  while (n < 0 && errno == EINTR);
  if (n < 0) return tl::unexpected(errno_error("read an old spool", errno));
  if (n == 0) return false;
  decoder_.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(n)));
  for (;;) {
    auto record = decoder_.next();
    if (!record) return false;  // the crash tore the file here
    if (!*record) return true;
    wire::Record& found = **record;
    // Records that the dead runner itself sent again keep where they came from.
    const bool again = found.origin_epoch != 0;
    spool.append_again(std::move(found.body), again ? found.origin_epoch : epoch_,
                       again ? found.origin_seq : found.seq);
  }
}

}  // namespace baton::runner
