// SPDX-License-Identifier: MIT
#pragma once
// The log of one Testkube execution for the gates that wait for it. It is followed as a stream,
// and what a stream did not bring is taken from the whole log after the end. Every gate gets every
// byte once and in order: what counts is how far the text is, and how much of it a gate has, so a
// stream may be resumed, or begin anew. follow() and finish() belong to one thread at a time; gates
// come and go on any.
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/fnv.h"
#include "links/testkube_api.h"
#include "links/testkube_notices.h"

namespace baton::links {

/// Of an error of an append to a gate: it takes no more. Others: later, perhaps.
bool takes_no_more(const Error& error);

class TestkubeLog {
 public:
  /// Errors: those of takes_no_more, and others.
  using Append = std::function<Result<void>(const std::string& gate, std::string_view text)>;

  /// on_text: there was some; may be empty.
  TestkubeLog(std::string execution, Append append, std::function<void()> on_text = {});

  /// have: how many bytes of the log it has.
  void add(const std::string& gate, std::int64_t have);
  void remove(const std::string& gate);
  bool has_gates() const;

  /// One connection: blocks until it ends. Result: whether the execution has ended and every gate
  /// has its whole log; else the stream was cut, here or there, and is worth another.
  /// Errors: those of TestkubeApi and of append.
  Result<bool> follow(TestkubeApi& api);

  /// What is missing, from the whole log of an execution that has ended. It may be written in
  /// another way than it was streamed; then gates that have a part of the stream get it all, behind
  /// a line that says so. Harmless to repeat. Errors: those of TestkubeApi and of append.
  Result<void> finish(TestkubeApi& api);

  /// Every gate has all of it.
  bool is_complete() const { return complete_; }

 private:
  Result<void> give(std::string_view text);
  bool on_notice(const TestkubeNotice& notice);
  void rewind();
  bool settle();
  bool needs_rewind() const;
  Result<bool> is_written_as_streamed(TestkubeApi& api) const;
  Result<void> begin_anew();

  const std::string execution_;
  const Append append_;
  const std::function<void()> on_text_;

  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> gates_;  // guarded by mutex_: how much each has
  std::atomic<bool> complete_{false};

  // Of the thread that follows.
  std::int64_t seq_ = 0;
  std::int64_t at_ = 0;             // bytes of the log before the next notice
  std::uint64_t hash_ = kFnvBasis;  // of these
  bool ended_ = false;
  Result<void> appended_;
};

struct TestkubeLogLength {
  std::int64_t bytes = 0;
  bool was_waited_for = false;  // nothing told where the past ends: it took some seconds
};
/// How long the log is by now, without following it. Errors: those of TestkubeApi.
Result<TestkubeLogLength> testkube_log_length(TestkubeApi& api, std::string_view execution);

}  // namespace baton::links
