// SPDX-License-Identifier: MIT
#pragma once
// One record of a run as its stream keeps it: a piece of output, or a fact as a JSON document.
#include <cstdint>
#include <string>

#include "base/result.h"

namespace baton::store {

/// Stored as numbers; never renumber.
enum class EntryKind : std::uint8_t {
  plan = 1,
  setup = 2,
  attempt_started = 3,
  output = 4,
  attempt_finished = 5,
  artifact = 6,
  finished = 7,
};

enum class Codec : std::uint8_t { raw = 0, zstd = 1 };

/// Output is taken in pieces of at most this many bytes before compression.
inline constexpr std::uint32_t kEntryRawMax = 4 << 20;
/// A plan of 50,000 cases is the largest document.
inline constexpr std::uint32_t kEntryPayloadMax = 32 << 20;
inline constexpr std::size_t kEntryTestMax = 4'000;

struct StreamEntry {
  std::int64_t ordinal = 0;  // position in the stream from 1; given by append()
  int epoch = 0;             // which runner sent it
  std::int64_t seq = 0;      // its number in that runner's records
  EntryKind kind = EntryKind::output;
  std::string test;  // "" for the suite's own output and facts
  int attempt = 0;
  // Output only. `lines` counts the lines that start in it; the first of them is `first_line`.
  std::int64_t first_line = 0;
  std::int64_t lines = 0;
  std::int64_t raw_size = 0;  // bytes before compression
  Codec codec = Codec::raw;
  std::string payload;  // output: one zstd frame, or the bytes as written; else a JSON document
};

/// The bytes that the test wrote.  Errors: unprocessable (a broken frame, another size than said).
Result<std::string> raw_output(const StreamEntry& entry);

}  // namespace baton::store
