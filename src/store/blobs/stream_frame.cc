// SPDX-License-Identifier: MIT
#include "store/blobs/stream_frame.h"

#include <zlib.h>
#include <zstd.h>

#include <limits>

#include "base/fnv.h"

namespace baton::store {
namespace {

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint32_t header_crc_of(const FrameHeader& header) {
  constexpr std::size_t kSkipped = 8;  // magic and the checksum itself
  return crc_of({reinterpret_cast<const char*>(&header) + kSkipped, sizeof header - kSkipped});
}

bool fits_u32(std::int64_t value) {
  return value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
}

/// What the payload itself says; -1 when it does not or is no frame.
std::int64_t said_size(const StreamEntry& entry) {
  if (entry.codec == Codec::raw) return static_cast<std::int64_t>(entry.payload.size());
  const auto size = ZSTD_getFrameContentSize(entry.payload.data(), entry.payload.size());
  return size > kEntryRawMax ? -1 : static_cast<std::int64_t>(size);  // the errors are huge numbers
}

}  // namespace

std::uint64_t hash_of_test(std::string_view name) { return fnv1a(name); }

Result<FrameHeader> header_of(const StreamEntry& entry) {
  if (entry.payload.size() > kEntryPayloadMax || entry.test.size() > kEntryTestMax ||
      entry.raw_size > kEntryRawMax)
    return fail(Code::invalid, "record {} is too large", entry.seq);
  if (!fits_u32(entry.lines) || entry.raw_size < 0 || entry.first_line < 0 || entry.seq < 1 ||
      entry.epoch < 0 || entry.attempt < 0)
    return fail(Code::invalid, "record {} has an impossible number", entry.seq);
  if (entry.kind == EntryKind::output && said_size(entry) != entry.raw_size)
    return fail(Code::invalid, "the output of record {} has not the size that it says", entry.seq);
  FrameHeader header;
  header.test_hash = hash_of_test(entry.test);
  header.seq = entry.seq;
  header.first_line = entry.first_line;
  header.epoch = static_cast<std::uint32_t>(entry.epoch);
  header.attempt = entry.attempt;
  header.lines = static_cast<std::uint32_t>(entry.lines);
  header.raw_size = static_cast<std::uint32_t>(entry.raw_size);
  header.payload_size = static_cast<std::uint32_t>(entry.payload.size());
  header.payload_crc = crc_of(entry.payload);
  header.test_size = static_cast<std::uint16_t>(entry.test.size());
  header.kind = static_cast<std::uint8_t>(entry.kind);
  header.codec = static_cast<std::uint8_t>(entry.codec);
  header.header_crc = header_crc_of(header);
  return header;
}

bool is_valid(const FrameHeader& header) {
  return header.magic == kFrameMagic && header.header_crc == header_crc_of(header) &&
         header.payload_size <= kEntryPayloadMax && header.raw_size <= kEntryRawMax &&
         header.test_size <= kEntryTestMax && header.codec <= 1;
}

Result<StreamEntry> entry_of(const FrameHeader& header, std::string_view body) {
  StreamEntry entry;
  entry.test = body.substr(0, header.test_size);
  entry.payload = body.substr(header.test_size);
  if (entry.payload.size() != header.payload_size || crc_of(entry.payload) != header.payload_crc ||
      hash_of_test(entry.test) != header.test_hash)
    return fail(Code::unavailable, "the stream is damaged at record {}", header.seq);
  entry.epoch = static_cast<int>(header.epoch);
  entry.seq = header.seq;
  entry.kind = static_cast<EntryKind>(header.kind);
  entry.attempt = header.attempt;
  entry.first_line = header.first_line;
  entry.lines = header.lines;
  entry.raw_size = header.raw_size;
  entry.codec = static_cast<Codec>(header.codec);
  return entry;
}

Result<std::string> raw_output(const StreamEntry& entry) {
  if (entry.codec == Codec::raw) return entry.payload;
  if (entry.raw_size < 0 || entry.raw_size > kEntryRawMax)
    return fail(Code::unprocessable, "record {} says that it has {} bytes", entry.seq,
                entry.raw_size);
  std::string raw(static_cast<std::size_t>(entry.raw_size), '\0');
  const std::size_t size =
      ZSTD_decompress(raw.data(), raw.size(), entry.payload.data(), entry.payload.size());
  if (ZSTD_isError(size))
    return fail(Code::unprocessable, "the output of record {} is not a zstd frame: {}", entry.seq,
                ZSTD_getErrorName(size));
  if (size != raw.size())
    return fail(Code::unprocessable, "the output of record {} has {} bytes and not {}", entry.seq,
                size, raw.size());
  return raw;
}

}  // namespace baton::store
