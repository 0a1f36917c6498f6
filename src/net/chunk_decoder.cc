// SPDX-License-Identifier: MIT
#include "net/chunk_decoder.h"

#include <algorithm>

#include "net/text.h"

namespace baton::net {
namespace {

// Extensions have no use; the limit keeps a sender from hiding data there.
constexpr std::size_t kExtensionMax = 256;
constexpr std::size_t kTrailerMax = 8 * 1024;
// 64 bits; more would overflow.
constexpr std::size_t kDigitsMax = 16;

Result<void> bad(std::string_view what) { return fail(Code::invalid, "a chunk has {}", what); }

}  // namespace

Result<std::size_t> ChunkDecoder::decode(std::string_view input, std::string& body) {
  std::size_t used = 0;
  while (used < input.size() && state_ != State::done) {
    if (state_ == State::data) {
      const std::size_t count = std::min<std::uint64_t>(chunk_, input.size() - used);
      body.append(input.substr(used, count));
      used += count;
      chunk_ -= count;
      if (chunk_ == 0) state_ = State::data_cr;
      continue;
    }
    BATON_TRY_VOID(take(input[used]));
    ++used;
  }
  return used;
}

Result<void> ChunkDecoder::take(char c) {
  switch (state_) {
    case State::size:
    case State::extension: return take_size(c);
    case State::size_lf:
      if (c != '\n') return bad("a CR without LF");
      if (chunk_ > left_) return fail(Code::too_large, "the chunks are longer than the limit");
      left_ -= chunk_;
      state_ = chunk_ > 0 ? State::data : State::line_start;
      digits_ = extra_ = 0;
      return {};
    case State::data_cr:
      if (c != '\r') return bad("more bytes than it says");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (c != '\n') return bad("a CR without LF");
      state_ = State::size;
      return {};
    default: return take_trailer(c);
  }
}

Result<void> ChunkDecoder::take_size(char c) {
  if (c == '\r') {
    if (digits_ == 0) return bad("no size");
    state_ = State::size_lf;
    return {};
  }
  if (state_ == State::extension) {
    if (++extra_ > kExtensionMax) return bad("a long extension");
    if (is_control(c) && c != '\t') return bad("a control byte in its extension");
    return {};
  }
  if (c == ';' && digits_ > 0) {
    state_ = State::extension;
    return {};
  }
  const int value = hex_value(c);
  if (value < 0 || ++digits_ > kDigitsMax) return bad("no valid size");
  chunk_ = chunk_ * 16 + static_cast<std::uint64_t>(value);
  return {};
}

Result<void> ChunkDecoder::take_trailer(char c) {
  if (++extra_ > kTrailerMax) return bad("a long trailer");
  switch (state_) {
    case State::line_start:
      if (c == '\r') {
        state_ = State::last_lf;
        return {};
      }
      if (!is_token_char(c)) return bad("a malformed trailer");
      state_ = State::trailer_name;
      return {};
    case State::trailer_name:
      if (c == ':') {
        state_ = State::trailer_value;
        return {};
      }
      return is_token_char(c) ? Result<void>{} : bad("a malformed trailer");
    case State::trailer_value:
      if (c == '\r') {
        state_ = State::trailer_lf;
        return {};
      }
      return is_control(c) && c != '\t' ? bad("a control byte in its trailer") : Result<void>{};
    case State::trailer_lf:
      if (c != '\n') return bad("a CR without LF");
      state_ = State::line_start;
      return {};
    default:
      if (c != '\n') return bad("a CR without LF");
      state_ = State::done;
      return {};
  }
}

}  // namespace baton::net
