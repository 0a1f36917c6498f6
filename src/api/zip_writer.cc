// SPDX-License-Identifier: MIT
#include "api/zip_writer.h"

#include <zlib.h>

#include "base/assert.h"

namespace baton::api {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50;
constexpr std::uint32_t kDescriptor = 0x08074b50;
constexpr std::uint32_t kDirectory = 0x02014b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kLocator64 = 0x07064b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint64_t kVersion = 45;           // the first with 64-bit sizes
constexpr std::uint64_t kFlags = 0x0008 | 0x0800;  // sizes follow; names are UTF-8
constexpr std::uint64_t kDeflated = 8;
constexpr std::uint64_t kDate = 0x0021;  // 1980-01-01: the same files give the same archive
constexpr std::uint64_t kIn64 = 0xffffffff;

}  // namespace

struct ZipWriter::Deflate {
  z_stream stream{};
  Deflate() {
    // Negative window bits: the bare stream that ZIP wants. Speed before size: most of what is
    // large among artifacts (videos, traces) is compressed already.
    BATON_ASSERT(
        deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK,
        "no memory for zlib");
  }
  ~Deflate() { deflateEnd(&stream); }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  std::string run(std::string_view bytes, int flush) {
    std::string out;
    char buffer[32 << 10];
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(buffer);
      stream.avail_out = sizeof buffer;
      deflate(&stream, flush);
      out.append(buffer, sizeof buffer - stream.avail_out);
    } while (stream.avail_out == 0);
    return out;
  }
};

ZipWriter::ZipWriter() = default;
ZipWriter::~ZipWriter() = default;

void ZipWriter::put(std::string_view bytes) {
  out_ += bytes;
  position_ += bytes.size();
}

void ZipWriter::put_number(std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out_ += static_cast<char>(number & 0xff);
    number >>= 8;
  }
  position_ += static_cast<std::uint64_t>(bytes);
}

void ZipWriter::begin(std::string_view name) {
  Entry entry;
  entry.name = name;
  entry.offset = position_;
  put_number(kLocal, 4);
  for (const std::uint64_t field : {kVersion, kFlags, kDeflated, std::uint64_t{0}, kDate})
    put_number(field, 2);
  put_number(0, 4);  // checksum and sizes follow
  put_number(kIn64, 4);
  put_number(kIn64, 4);
  put_number(name.size(), 2);
  put_number(20, 2);
  put(name);
  put_number(0x0001, 2);  // says that the descriptor has 64-bit sizes
  put_number(16, 2);
  put_number(0, 8);
  put_number(0, 8);
  entries_.push_back(std::move(entry));
  deflate_ = std::make_unique<Deflate>();
}

void ZipWriter::add(std::string_view bytes) {
  if (bytes.empty()) return;
  Entry& entry = entries_.back();
  entry.crc = static_cast<std::uint32_t>(crc32(
      entry.crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
  entry.size += bytes.size();
  const std::string packed = deflate_->run(bytes, Z_NO_FLUSH);
  entry.packed += packed.size();
  put(packed);
}

void ZipWriter::end_entry() {
  Entry& entry = entries_.back();
  const std::string packed = deflate_->run({}, Z_FINISH);
  entry.packed += packed.size();
  put(packed);
  deflate_.reset();
  put_number(kDescriptor, 4);
  put_number(entry.crc, 4);
  put_number(entry.packed, 8);
  put_number(entry.size, 8);
}

void ZipWriter::put_directory_entry(const Entry& entry) {
  put_number(kDirectory, 4);
  for (const std::uint64_t field : {kVersion, kVersion, kFlags, kDeflated, std::uint64_t{0}, kDate})
    put_number(field, 2);
  put_number(entry.crc, 4);
  put_number(kIn64, 4);
  put_number(kIn64, 4);
  put_number(entry.name.size(), 2);
  put_number(28, 2);
  for (int i = 0; i < 3; ++i) put_number(0, 2);  // comment, disk, internal attributes
  put_number(0, 4);                              // external attributes
  put_number(kIn64, 4);
  put(entry.name);
  put_number(0x0001, 2);
  put_number(24, 2);
  put_number(entry.size, 8);
  put_number(entry.packed, 8);
  put_number(entry.offset, 8);
}

void ZipWriter::finish() {
  const std::uint64_t directory = position_;
  for (const Entry& entry : entries_) put_directory_entry(entry);
  const std::uint64_t end = position_;
  const std::uint64_t count = entries_.size();
  put_number(kEnd64, 4);
  put_number(44, 8);
  put_number(kVersion, 2);
  put_number(kVersion, 2);
  put_number(0, 4);
  put_number(0, 4);
  for (const std::uint64_t field : {count, count, end - directory, directory}) put_number(field, 8);
  put_number(kLocator64, 4);
  put_number(0, 4);
  put_number(end, 8);
  put_number(1, 4);
  put_number(kEnd, 4);
  for (const std::uint64_t field :
       {std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0xffff}, std::uint64_t{0xffff}})
    put_number(field, 2);
  put_number(kIn64, 4);
  put_number(kIn64, 4);
  put_number(0, 2);
}

}  // namespace baton::api
