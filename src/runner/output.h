// SPDX-License-Identifier: MIT
#pragma once
// The output of one attempt (or of the suite) on its way to the records: bytes as they are, cut
// into chunks at line ends, beyond the limit only the first and the last part with a line between
// them that says how much is missing. Holds at most a chunk and the last part in memory.
// On the supervisor's thread.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "runner/loop.h"
#include "wire/records.h"

namespace baton::runner {

/// Of the limit, at most a quarter and at most this is kept of the end.
inline constexpr std::int64_t kTailMax = 1 << 20;
/// A line is seen by a reader within this time, and chunks stay large under load.
inline constexpr Duration kFlushAfter{15};

class OutputStream {
 public:
  /// Receives the chunks: test, attempt, lines and payload are set.
  using Emit = std::function<void(wire::OutputRecord)>;
  OutputStream(Loop& loop, std::string test, int attempt, std::int64_t limit, Emit emit);
  ~OutputStream();
  OutputStream(const OutputStream&) = delete;
  OutputStream& operator=(const OutputStream&) = delete;

  void write(std::string_view bytes);
  /// Emits what is left. Nothing may be written after it.
  void finish();
  /// Bytes emitted so far: what a reader can download.
  std::int64_t kept() const { return kept_; }

 private:
  void buffer(std::string_view bytes);
  void flush_lines();
  void keep_tail(std::string_view bytes);
  void emit(std::string_view bytes);
  void arm();

  Loop& loop_;
  std::string test_;
  int attempt_;
  std::int64_t head_left_;
  std::int64_t tail_max_;
  Emit emit_;
  std::string buffer_;        // not emitted yet
  std::string tail_;          // a ring of tail_max_ bytes once it is full
  std::size_t tail_at_ = 0;   // where the oldest byte of the full ring is
  std::int64_t left_out_ = 0;
  std::int64_t kept_ = 0;
  std::int64_t next_line_ = 1;
  bool at_line_start_ = true;
  bool armed_ = false;
  Loop::Timer timer_{};
};

}  // namespace baton::runner
