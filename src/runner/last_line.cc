// SPDX-License-Identifier: MIT
#include "runner/last_line.h"

#include <algorithm>

#include "base/text.h"

namespace baton::runner {
namespace {

// Some screens' worth: longer lines are data, and a message is no place for them.
constexpr std::size_t kTailMax = 1024;
constexpr std::size_t kLineShown = 300;

}  // namespace

void LastLine::feed(std::string_view bytes) {
  tail_ += bytes.substr(bytes.size() - std::min(bytes.size(), kTailMax));
  if (tail_.size() > kTailMax) tail_.erase(0, tail_.size() - kTailMax);
}

std::string LastLine::text() const {
  const std::string_view whole = trim(tail_);
  const std::size_t newline = whole.rfind('\n');
  const std::string_view line = whole.substr(newline == std::string_view::npos ? 0 : newline + 1);
  // GoogleTest's own: the case's name is known.
  if (line.starts_with("[ RUN ")) return "";
  return to_valid_utf8(trim(line.substr(0, kLineShown)));
}

}  // namespace baton::runner
