// SPDX-License-Identifier: MIT
#pragma once
// Where everything that happens in a run becomes a record of the spool. Batches what one round of
// the loop brings into one write, and tells readers of output when to wait.
// Owned by the supervisor, on its thread.
#include <functional>
#include <memory>
#include <string>

#include "runner/loop.h"
#include "runner/output.h"
#include "runner/spool.h"
#include "wire/records.h"

namespace baton::runner {

/// The wall clock, for `at` fields.
TimePoint wall_now();

class Recorder {
 public:
  Recorder(Loop& loop, Spool& spool, std::int64_t log_limit);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Of each attempt's output, for streams made from now on.
  void set_log_limit(std::int64_t bytes) { log_limit_ = bytes; }
  void add(wire::RecordBody body);
  /// The stream of an attempt's output; test "" and attempt 0 for the suite's.
  std::unique_ptr<OutputStream> output(const std::string& test, int attempt);

  /// Take no more output now; `on_space` is called when it may go on.
  bool crowded() const { return spool_.crowded(); }
  void on_space(std::function<void()> handler) { on_space_ = std::move(handler); }
  /// Something was acknowledged.
  void check_space();
  /// Writes now; false when the disk is full.
  bool write();

 private:
  void write_soon(Duration delay);

  Loop& loop_;
  Spool& spool_;
  std::int64_t log_limit_;
  std::function<void()> on_space_;
  bool armed_ = false;
  bool was_crowded_ = false;
  bool disk_full_ = false;
  Loop::Timer timer_{};
};

}  // namespace baton::runner
