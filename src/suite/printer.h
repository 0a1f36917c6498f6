// SPDX-License-Identifier: MIT
#pragma once
// The text behind the type-erased arguments of <baton/detail/print.h>.
#include <string>
#include <string_view>

#include <baton/detail/print.h>

namespace baton::detail {

class Printer {
 public:
  std::string text;
};

}  // namespace baton::detail

namespace baton::suite {

inline std::string_view view(TextView text) { return {text.data(), text.size()}; }

/// As a failure message shows it: texts quoted, shortened beyond 4 KiB.
std::string shown(const detail::Arg& arg);
/// As a value or a name: texts plain.
std::string plain(const detail::Arg& arg);
/// {fmt}'s rules; a format that does not fit the arguments is kept and the mistake is named, as a
/// log line is never worth a failed test.
std::string format_args(std::string_view format, const detail::Arg* args, std::size_t count);

}  // namespace baton::suite
