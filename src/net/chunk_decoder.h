// SPDX-License-Identifier: MIT
#pragma once
// Decodes chunked bodies (RFC 9112 §7.1) from bytes, strictly: CRLF only, no blanks around a size,
// short extensions, trailers checked and dropped. No I/O.
// Beast's own decoder is not used: it asserts when a last chunk arrives in pieces.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton::net {

class ChunkDecoder {
 public:
  /// `body_max`: what all chunks together may announce.
  explicit ChunkDecoder(std::uint64_t body_max) : left_(body_max) {}

  /// Appends what `input` brings of the body to `body` and returns how many bytes were used: all,
  /// or up to the end of the body. Errors: invalid (400), too_large (413); then it stays unusable.
  Result<std::size_t> decode(std::string_view input, std::string& body);
  bool done() const { return state_ == State::done; }

 private:
  enum class State {
    size,       // its digits
    extension,  // up to the CR
    size_lf,
    data,
    data_cr,
    data_lf,
    line_start,  // of a trailer line, or the CR of the last line
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
    done,
  };
  Result<void> take(char c);
  Result<void> take_size(char c);
  Result<void> take_trailer(char c);

  State state_ = State::size;
  std::uint64_t left_;       // of the body's limit
  std::uint64_t chunk_ = 0;  // size, then bytes of it still to come
  std::size_t digits_ = 0;
  std::size_t extra_ = 0;  // bytes of the extension, then of the trailer
};

}  // namespace baton::net
