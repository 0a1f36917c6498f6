// SPDX-License-Identifier: MIT
#pragma once
// A ZIP file made bit by bit: entries are compressed as they come, nothing is held but the list of
// names for the end. Sizes and checksums follow each entry (PKWARE APPNOTE 6.3.9, 4.3.9), with the
// 64-bit fields of 4.5.3, so that entries may be of any size. One thread.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::api {

class ZipWriter {
 public:
  ZipWriter();
  ~ZipWriter();

  /// Begins an entry. name: relative, with slashes, UTF-8, checked by the caller.
  void begin(std::string_view name);
  void add(std::string_view bytes);
  void end_entry();
  /// The directory; nothing may follow.
  void finish();
  /// What was written since the last call.
  std::string take() { return std::move(out_); }

 private:
  struct Entry {
    std::string name;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t packed = 0;
    std::uint32_t crc = 0;
  };
  struct Deflate;
  void put(std::string_view bytes);
  void put_number(std::uint64_t number, int bytes);
  void put_directory_entry(const Entry& entry);

  std::string out_;
  std::uint64_t position_ = 0;
  std::vector<Entry> entries_;
  std::unique_ptr<Deflate> deflate_;
};

}  // namespace baton::api
