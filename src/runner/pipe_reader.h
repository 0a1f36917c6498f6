// SPDX-License-Identifier: MIT
#pragma once
// The reading end of a pipe that a test writes to. Waits while the recorder is crowded, so that a
// slow disk slows the test down instead of losing its output. On the supervisor's thread.
#include <functional>
#include <set>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "runner/loop.h"
#include "runner/recorder.h"

namespace baton::runner {

class PipeReader;

/// The readers of a run: they wait and go on together.
class Readers {
 public:
  explicit Readers(Recorder& recorder);
  bool crowded() const { return recorder_.crowded(); }

 private:
  friend class PipeReader;
  Recorder& recorder_;
  std::set<PipeReader*> readers_;
};

class PipeReader {
 public:
  using OnBytes = std::function<void(std::string_view)>;
  PipeReader(Loop& loop, Readers& readers, Fd fd, OnBytes on_bytes);
  ~PipeReader();
  PipeReader(const PipeReader&) = delete;
  PipeReader& operator=(const PipeReader&) = delete;

  /// Reads all that is in the pipe now, crowded or not, and stops watching.
  void drain();
  /// A pipe with its reading end non-blocking; both close on exec. Errors: unavailable.
  struct Ends {
    Fd read;
    Fd write;
  };
  static Result<Ends> make_pipe();

 private:
  friend class Readers;
  enum class Got { bytes, nothing, end };
  Got read_once(std::size_t* size = nullptr);
  void on_readable();
  void close();

  Loop& loop_;
  Readers& readers_;
  Fd fd_;
  OnBytes on_bytes_;
  Loop::Watch watch_{};
  bool enlarged_ = false;
};

}  // namespace baton::runner
