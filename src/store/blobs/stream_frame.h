// SPDX-License-Identifier: MIT
#pragma once
// The bytes of a stream: frames, each a header of 64 bytes, the test's name, the payload. The index
// file is the same headers one after another; where a frame lies follows from the sizes before it.
// Numbers are little-endian (docs/formats/run-stream.md).
#include <bit>
#include <cstring>
#include <string_view>

#include "store/blobs/stream_entry.h"

namespace baton::store {

inline constexpr std::uint32_t kFrameMagic = 0x31465242;  // "BRF1"

struct FrameHeader {
  std::uint32_t magic = kFrameMagic;
  std::uint32_t header_crc = 0;  // CRC-32 of the 56 bytes behind it
  std::uint64_t test_hash = 0;   // FNV-1a of the test's name
  std::int64_t seq = 0;
  std::int64_t first_line = 0;
  std::uint32_t epoch = 0;
  std::int32_t attempt = 0;
  std::uint32_t lines = 0;
  std::uint32_t raw_size = 0;
  std::uint32_t payload_size = 0;
  std::uint32_t payload_crc = 0;
  std::uint16_t test_size = 0;
  std::uint8_t kind = 0;
  std::uint8_t codec = 0;
  std::uint32_t reserved = 0;

  std::int64_t size() const { return std::int64_t{64} + test_size + payload_size; }
};
static_assert(sizeof(FrameHeader) == 64 && std::endian::native == std::endian::little,
              "headers are written as they lie in memory");

std::uint64_t hash_of_test(std::string_view name);
/// Errors: invalid (a limit is exceeded, a number is negative, output of another size than said).
Result<FrameHeader> header_of(const StreamEntry& entry);
/// Magic, checksum and limits: whether these bytes are a header that header_of() made.
bool is_valid(const FrameHeader& header);
/// Fills test and payload from the bytes behind the header.
/// Errors: unavailable (their checksum differs).
Result<StreamEntry> entry_of(const FrameHeader& header, std::string_view body);

}  // namespace baton::store
