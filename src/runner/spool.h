// SPDX-License-Identifier: MIT
#pragma once
// The runner's records on disk until the server has them: `<folder>/<epoch>.spool`, append-only,
// and `<epoch>.acked`, the last acknowledged seq and where it ends in the file. The supervisor
// appends; the uploader's thread reads batches and acknowledges. What is acknowledged gives its
// disk space back at once.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "wire/records.h"

namespace baton::runner {

/// Records that could not be written (disk full) or are not written yet: beyond it tests wait.
inline constexpr std::size_t kPendingMax = 8 << 20;
/// One POST. A plan may be larger and then goes alone.
inline constexpr std::size_t kBatchMax = 4 << 20;

class Spool {
 public:
  /// Errors: unavailable (folder, disk), conflict (a spool of this epoch exists).
  static Result<std::unique_ptr<Spool>> create(const std::string& folder, int epoch,
                                               std::int64_t bytes_max);

  // The supervisor's side.
  void append(wire::RecordBody body);
  /// With its seq of the dead runner.
  void append_again(wire::RecordBody body, int origin_epoch, std::int64_t origin_seq);
  /// Writes what was appended. False when the disk did not take all of it: call again later.
  bool write();
  /// Too much is unwritten or unacknowledged: take no more output from tests for now.
  bool crowded() const;
  /// Another limit of what is not acknowledged.
  void limit(std::int64_t bytes_max) { bytes_max_ = bytes_max; }
  std::int64_t last_seq() const { return last_seq_; }
  std::int64_t acked() const { return acked_.load(); }

  // The uploader's side.
  struct Batch {
    std::int64_t last_seq = 0;
    std::string bytes;  // empty: nothing came within the time
  };
  /// Waits for written records that are not acknowledged; makes them durable and reads them.
  Result<Batch> next(Duration wait);
  /// Everything up to `seq` is at the server. Also moves back the start of the next batch when the
  /// server has less than was sent.
  void acknowledge(std::int64_t seq);
  /// Wakes next().
  void interrupt();

 private:
  // Whole records, hardly more than kBatchMax: the unit of sending.
  struct Group {
    std::int64_t last_seq;
    std::uint64_t end;
  };
  Spool(Fd file, Fd acked_file, std::int64_t bytes_max);
  void save_ack(std::int64_t seq, std::uint64_t offset);

  std::int64_t bytes_max_;
  Fd file_;
  Fd acked_file_;
  std::int64_t last_seq_ = 0;
  std::string pending_;
  std::vector<Group> pending_groups_;  // of pending_, with their ends in it
  std::size_t pending_at_ = 0;  // bytes of pending_ that are in the file already
  std::uint64_t written_ = 0;   // size of the file
  std::atomic<std::int64_t> acked_{0};
  std::atomic<std::uint64_t> acked_offset_{0};
  std::uint64_t punched_ = 0;   // uploader's
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Group> groups_;    // guarded by mutex_; not acknowledged
  bool interrupted_ = false;    // guarded by mutex_
};

/// A dead runner's records that the server may not have, and how to be rid of them.
struct OldSpool {
  int epoch = 0;
  std::string path;
  std::string acked_path;
};
/// The spools of epochs before `epoch`, oldest first.
std::vector<OldSpool> old_spools(const std::string& folder, int epoch);
/// Appends the unacknowledged whole records of an old spool to the new one, piece by piece, so that
/// the caller can wait for space in between. A torn end is dropped.
class Resend {
 public:
  /// Errors: unavailable, not_found.
  static Result<Resend> open(const OldSpool& old);
  /// Appends the next piece, without writing it. False at the end. Errors: unavailable
  /// (unreadable).
  Result<bool> step(Spool& spool);

 private:
  Resend(int epoch, Fd file) : epoch_(epoch), file_(std::move(file)) {}

  int epoch_;
  Fd file_;
  wire::RecordDecoder decoder_;
};

}  // namespace baton::runner
