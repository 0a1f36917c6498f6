// SPDX-License-Identifier: MIT
#pragma once
// What must hold of any report that was read, whatever the bytes were.
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "base/text.h"
#include "reports/report.h"

inline void check(bool condition) {
  if (!condition) std::abort();
}

inline void check_report(const baton::reports::Report& report) {
  std::set<std::string> names;
  for (const auto& item : report.items) {
    check(!item.name.empty() && item.name.size() <= 1'000 && baton::is_valid_utf8(item.name));
    check(names.insert(item.name).second);
    check(!item.attempts.empty());
    for (const auto& attempt : item.attempts) {
      check(baton::is_valid_utf8(attempt.message) && baton::is_valid_utf8(attempt.output));
      check(attempt.duration >= baton::Duration{0} && attempt.line >= 0);
    }
  }
}

inline void check_formats(std::string_view input,
                          std::initializer_list<baton::reports::Format> formats) {
  for (const auto format : formats) {
    const auto report = baton::reports::parse(input, {.format = format, .filename = "f"});
    if (report) {
      check_report(*report);
    } else {
      check(!report.error().message.empty());
    }
    const auto partial =
        baton::reports::parse(input, {.format = format, .filename = "f", .partial = true});
    check(partial && (report || !partial->errored.empty()));
    check_report(*partial);
  }
}
