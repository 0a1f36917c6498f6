// SPDX-License-Identifier: MIT
#pragma once
// Text of a report, bounded and repaired: what goes into a Case is valid UTF-8 without NUL.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace baton::reports {

/// Keeps the first `limit` bytes of what is appended and counts the rest.
class KeptText {
 public:
  explicit KeptText(std::size_t limit) : limit_(limit) {}
  void append(std::string_view text);
  bool empty() const { return text_.empty(); }
  std::string_view view() const { return text_; }
  /// The text, cleaned, with a last line that says how much was left out.
  std::string take();

 private:
  std::size_t limit_;
  std::size_t dropped_ = 0;
  std::string text_;
};

/// Valid UTF-8, NUL as U+FFFD, at most `limit` bytes, cut between characters.
std::string clean(std::string_view text, std::size_t limit);
/// A case name that model::check_case_name accepts; a longer one keeps its start and ends in a
/// hash.
std::string clean_name(std::string_view text);
/// Without blank lines around it and without the indentation that all its lines share.
std::string unindent(std::string_view text);

/// Seconds as reports write them: "0.25", "1,234.5", "0,25", "0.25s", "1e-3"; nonsense is 0.
Duration seconds_of(std::string_view text);
/// Rounded to milliseconds; negative, infinite and absurd values become 0.
Duration from_seconds(double seconds);
/// "hh:mm:ss.fffffff", with days before it as "d.".
Duration timespan_of(std::string_view text);
/// RFC 3339, with or without an offset (then UTC).
std::optional<TimePoint> time_of(std::string_view text);

struct Location {
  std::string file;
  int line = 0;
};
/// The first "name.ext:12" or "name.ext(12)" in the text.
std::optional<Location> find_location(std::string_view text);

/// A non-negative number at the start of the text, saturating; 0 when there is none.
int leading_number(std::string_view text);

}  // namespace baton::reports
