// SPDX-License-Identifier: MIT
#pragma once
// The streams of all runs: one append-only file per run with everything its runners sent, and
// beside it an index that can be made again from it. They are the truth for logs, for the replay of
// live events and for log downloads.  <folder>/<id / 1000>/<id>.stream and .index
//
// A batch is durable when append() returns. What a crash tore is cut off when the stream is opened.
// Any thread; blocks on the disk, so never on the writer's thread.
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "store/blobs/stream_entry.h"

namespace baton::store {

/// Streams kept open: a file descriptor and an index of 72 bytes per entry each.
inline constexpr std::size_t kOpenStreamsMax = 64;
/// Beyond this much memory of indexes the streams used longest ago are closed.
inline constexpr std::size_t kIndexMemoryMax = 16 << 20;

/// What a stream has so far; all zero before the first append.
struct StreamState {
  int epoch = 0;             // of the last entry
  std::int64_t seq = 0;      // of the last entry
  std::int64_t ordinal = 0;  // of the last entry
  std::int64_t stored_bytes = 0;
};

struct Appended {
  std::int64_t first_ordinal = 0;  // of what was new; 0 when everything was known already
  std::int64_t last_ordinal = 0;   // of the stream
};

/// Whose output: one attempt's, the suite's own (test "", attempt 0), or the whole run's.
struct LogSelection {
  std::string test = {};
  int attempt = 0;
  bool whole_run = false;
};

struct LogSize {
  std::int64_t bytes = 0;
  std::int64_t lines = 0;  // number of the last line
};

struct LogLines {
  std::string text;             // as written, the line ends included
  std::int64_t first_line = 0;  // number of the first line in it; 0 when there is none
  std::int64_t next_line = 0;   // where to go on
};

class RunStream;

class RunStreams {
 public:
  /// Errors: unavailable.
  static Result<std::unique_ptr<RunStreams>> open(std::string folder);
  ~RunStreams();
  RunStreams(const RunStreams&) = delete;
  RunStreams& operator=(const RunStreams&) = delete;

  /// Appends what is new of `entries`, which are in the order of (epoch, seq): what is not beyond
  /// the stream's last (epoch, seq) is known and skipped, so that repeating a batch is harmless.
  /// Errors: conflict (an older epoch than the stream's last), invalid (beyond a limit, wrong
  /// order), unavailable (disk full …: nothing of the batch is kept).
  Result<Appended> append(RunId run, std::span<const StreamEntry> entries);

  Result<StreamState> state(RunId run);

  /// Entries behind `after` in order: at most `limit`, and about `max_bytes` of payload, but at
  /// least one when there is one.  Errors: unavailable (damaged).
  Result<std::vector<StreamEntry>> read(RunId run, std::int64_t after, std::size_t limit = 256,
                                        std::size_t max_bytes = 1 << 20);

  Result<LogSize> log_size(RunId run, const LogSelection& selection);
  /// Bytes [offset, offset + size) of the log as written, as far as there are; size is cut to 4
  /// MiB.
  Result<std::string> log_bytes(RunId run, const LogSelection& selection, std::int64_t offset,
                                std::int64_t size);
  /// Where line `line` (from 1) begins in the log; the log's size when it has not so many.
  Result<std::int64_t> line_offset(RunId run, const LogSelection& selection, std::int64_t line);
  /// At most `lines` lines from `from_line`, and about 4 MiB.
  Result<LogLines> log_lines(RunId run, const LogSelection& selection, std::int64_t from_line,
                             std::int64_t lines);

  /// Deletes the stream of a run; nothing when there is none.
  Result<void> remove(RunId run);

 private:
  explicit RunStreams(std::string folder);
  struct Slot;
  /// Keeps a stream open while it is used.
  class Pin {
   public:
    Pin(RunStreams& streams, RunId run);
    ~Pin();
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    RunStream& operator*() const;
    RunStream* operator->() const { return &**this; }

   private:
    RunStreams& streams_;
    Slot* slot_;
  };
  void close_unused();

  const std::string folder_;
  std::mutex mutex_;
  std::map<RunId, std::unique_ptr<Slot>> slots_;  // guarded by mutex_
  std::list<RunId> recent_;                       // most recently used first; guarded by mutex_
};

}  // namespace baton::store
