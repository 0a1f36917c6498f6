// SPDX-License-Identifier: MIT
#pragma once
// The limits on what a report may make us hold. Beyond a "Max" the report is refused; beyond a
// "Kept" the text is cut and says so.
#include <cstddef>

namespace baton::reports {

// Real reports nest below 20; deeper ones are attacks on recursive readers.
inline constexpr std::size_t kDepthMax = 64;
inline constexpr std::size_t kXmlAttributesMax = 256;
// One tag, comment or processing instruction. Expat must hold it as a whole; element text it need
// not.
inline constexpr std::size_t kXmlTokenMax = 4 << 20;
// JSON documents are parsed as a whole; Playwright embeds screenshots, yet stays well below.
inline constexpr std::size_t kJsonBytesMax = 64 << 20;
// One line of TAP or go test -json; the rest of a longer one is dropped.
inline constexpr std::size_t kLineKept = 1 << 20;
inline constexpr std::size_t kMessageKept = 64 << 10;
inline constexpr std::size_t kDetailsKept = 256 << 10;
inline constexpr std::size_t kOutputKept = 1 << 20;
inline constexpr std::size_t kNameKept = 1'000;  // what model::check_case_name accepts
inline constexpr std::size_t kPropertiesKept = 1'000;
inline constexpr std::size_t kAttemptsKept = 1'000;
inline constexpr std::size_t kWarningsKept = 50;
// Cases of one report. Names seen are remembered as hashes: 16 MB at the limit.
inline constexpr std::size_t kCasesMax = 1'000'000;

}  // namespace baton::reports
