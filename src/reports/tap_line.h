// SPDX-License-Identifier: MIT
#pragma once
// The parts of a TAP line, and the YAML block behind a test point.
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "reports/kept_text.h"
#include "reports/limits.h"

namespace baton::reports {

struct TapPoint {
  bool ok = false;
  std::string description;
  bool skip = false;
  bool todo = false;
  std::string reason;  // of the directive
};
/// "ok 3 - description # SKIP reason"; nothing when the line is another.
std::optional<TapPoint> parse_tap_point(std::string_view line);

struct TapPlan {
  int count = 0;
  bool skipped = false;
  std::string reason;
};
/// "1..5", "1..0 # SKIP reason".
std::optional<TapPlan> parse_tap_plan(std::string_view line);

bool is_block_start(std::string_view line);

/// The diagnostics of a point: enough of YAML to find the well-known fields, the rest as text.
class TapBlock {
 public:
  /// False when the line ends the block.
  bool add(std::string_view line);
  void add_comment(std::string_view line);

  std::string text() const { return clean(text_.view(), kDetailsKept); }
  const std::string& message() const { return message_; }
  const std::string& file() const { return place_.file; }
  int line() const { return place_.line; }
  Duration duration() const { return duration_; }

 private:
  void field(std::string_view key, std::string_view value);

  KeptText text_{kDetailsKept};
  std::string message_;
  bool scalar_ = false;  // within a block scalar that holds the message
  std::size_t scalar_indent_ = 0;
  bool started_ = false;
  Location place_;
  Duration duration_{0};
};

}  // namespace baton::reports
