// SPDX-License-Identifier: MIT
#pragma once
// The last line of an output: of a process that died without a word, it often says why. Keeps a
// bounded tail. Pure.
#include <string>
#include <string_view>

namespace baton::runner {

class LastLine {
 public:
  void feed(std::string_view bytes);
  /// The last line that is not blank, as valid UTF-8 and not too long for a message; "" for none,
  /// or when it only says which case begins.
  std::string text() const;

 private:
  std::string tail_;
};

}  // namespace baton::runner
