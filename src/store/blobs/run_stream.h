// SPDX-License-Identifier: MIT
#pragma once
// The stream of one run: its file, its index in memory, and the searches in it. Made and kept by
// RunStreams. Any thread: one appends while others read; nobody sees what is not durable yet.
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "store/blobs/run_streams.h"
#include "store/blobs/stream_frame.h"

namespace baton::store {

class RunStream {
 public:
  /// path: without ".stream". Nothing is opened before the first use.
  explicit RunStream(std::string path) : path_(std::move(path)) {}

  Result<Appended> append(std::span<const StreamEntry> entries);
  Result<StreamState> state();
  Result<std::vector<StreamEntry>> read(std::int64_t after, std::size_t limit,
                                        std::size_t max_bytes);
  Result<LogSize> log_size(const LogSelection& selection);
  Result<std::string> log_bytes(const LogSelection& selection, std::int64_t offset,
                                std::int64_t size);
  Result<std::int64_t> line_offset(const LogSelection& selection, std::int64_t line);
  Result<LogLines> log_lines(const LogSelection& selection, std::int64_t from_line,
                             std::int64_t lines);
  Result<void> remove();
  /// Of the index, in bytes.
  std::size_t memory() const { return memory_; }

 private:
  /// A piece of the selected log and where it lies in it.
  struct Piece {
    std::size_t index;
    std::int64_t offset;      // of its first byte in the log
    std::int64_t first_line;  // of the first line that starts in it
  };
  /// Calls visit(Piece) for each, until it returns false.
  template <class Visit>
  void for_each_piece(const LogSelection& selection, Visit visit) const;

  Result<void> ensure_open(bool create);
  Result<void> open_files(bool create);
  Result<Fd> create_stream();
  void load_index();
  Result<void> scan_tail();
  void take(const FrameHeader& header);
  void write_index(std::size_t from);
  Result<void> write_frames(std::span<const StreamEntry* const> entries,
                            std::span<const FrameHeader> headers);
  Result<StreamEntry> entry_at(std::size_t index) const;
  Result<std::int64_t> find_line(const LogSelection& selection, std::int64_t line) const;
  Result<std::string> find_bytes(const LogSelection& selection, std::int64_t offset,
                                 std::int64_t size) const;

  const std::string path_;
  std::mutex appending_;              // one append at a time; taken before mutex_
  mutable std::shared_mutex mutex_;   // guards what follows
  bool opened_ = false;
  Fd stream_, index_;
  std::vector<FrameHeader> headers_;
  std::vector<std::int64_t> offsets_;  // of each frame in the file
  std::int64_t end_ = 0;               // durable bytes
  std::atomic<std::size_t> memory_ = 0;
};

}  // namespace baton::store
