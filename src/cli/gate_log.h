// SPDX-License-Identifier: MIT
#pragma once
// `baton gate log`: a gate's log out, and lines of standard input into it. Blocking.
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/verb.h"

namespace baton::cli {

int gate_log(Host& host, const Invocation& invocation);

/// Cuts a stream into what is sent at once: whole lines as long as they are not longer than a
/// batch, and never half a character of UTF-8.
class LogBatches {
 public:
  static constexpr std::size_t kBatchMax = 64 << 10;

  void add(std::string_view bytes) { rest_ += bytes; }
  /// Something whole is there.
  bool ready() const { return rest_.find('\n') != std::string::npos || full(); }
  bool full() const { return rest_.size() >= kBatchMax; }
  /// The next batch as valid UTF-8 that ends with a line feed; "" when there is none. last: what
  /// has no end of line yet goes, too.
  std::string take(bool last);

 private:
  std::string rest_;
};

}  // namespace baton::cli
