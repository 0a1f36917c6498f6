// SPDX-License-Identifier: MIT
#include "runner/output.h"

#include <fmt/core.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace baton::runner {
namespace {

constexpr std::size_t kChunkMax = wire::kOutputChunkMax;
// A frame's own overhead eats what little there is to gain.
constexpr std::size_t kCompressFrom = 256;
// Faster than any test writes, and logs shrink to a tenth.
constexpr int kLevel = 1;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// Empty when compression does not pay.
std::string compressed(std::string_view bytes) {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(context.get(), out.data(), out.size(), bytes.data(),
                                             bytes.size(), kLevel);
  if (ZSTD_isError(size) != 0 || size > bytes.size() - bytes.size() / 8) return {};
  out.resize(size);
  return out;
}

std::int64_t count_newlines(std::string_view bytes) {
  std::int64_t count = 0;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end) {
    const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    if (found == nullptr) break;
    ++count;
    at = static_cast<const char*>(found) + 1;
  }
  return count;
}

}  // namespace

OutputStream::OutputStream(Loop& loop, std::string test, int attempt, std::int64_t limit, Emit emit)
    : loop_(loop),
      test_(std::move(test)),
      attempt_(attempt),
      tail_max_(std::clamp<std::int64_t>(limit / 4, 0, kTailMax)),
      emit_(std::move(emit)) {
  head_left_ = std::max<std::int64_t>(limit - tail_max_, 0);
}

OutputStream::~OutputStream() {
  if (armed_) loop_.cancel(timer_);
}

void OutputStream::write(std::string_view bytes) {
  const std::size_t head = std::min(bytes.size(), static_cast<std::size_t>(head_left_));
  head_left_ -= static_cast<std::int64_t>(head);
  if (head > 0) buffer(bytes.substr(0, head));
  if (head < bytes.size()) keep_tail(bytes.substr(head));
}

void OutputStream::buffer(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t take = std::min(bytes.size(), kChunkMax - buffer_.size());
    buffer_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (buffer_.size() == kChunkMax) flush_lines();
  }
  arm();
}

void OutputStream::arm() {
  if (armed_ || buffer_.empty()) return;
  armed_ = true;
  timer_ = loop_.after(kFlushAfter, [this] {
    armed_ = false;
    flush_lines();
    arm();
  });
}

// Up to the last newline; all of it when there is none.
void OutputStream::flush_lines() {
  if (buffer_.empty()) return;
  const std::size_t newline = buffer_.rfind('\n');
  const std::size_t size = newline == std::string::npos ? buffer_.size() : newline + 1;
  emit(std::string_view(buffer_).substr(0, size));
  buffer_.erase(0, size);
}

void OutputStream::keep_tail(std::string_view bytes) {
  const std::size_t max = static_cast<std::size_t>(tail_max_);
  if (bytes.size() >= max) {
    left_out_ += static_cast<std::int64_t>(tail_.size() + bytes.size() - max);
    tail_.assign(bytes.substr(bytes.size() - max));
    tail_at_ = 0;
    return;
  }
  const std::size_t room = std::min(max - tail_.size(), bytes.size());
  tail_.append(bytes.substr(0, room));
  bytes.remove_prefix(room);
  left_out_ += static_cast<std::int64_t>(bytes.size());
  while (!bytes.empty()) {
    const std::size_t take = std::min(bytes.size(), max - tail_at_);
    tail_.replace(tail_at_, take, bytes.substr(0, take));
    tail_at_ = (tail_at_ + take) % max;
    bytes.remove_prefix(take);
  }
}

void OutputStream::finish() {
  std::string rest = tail_.substr(tail_at_) + tail_.substr(0, tail_at_);
  if (left_out_ > 0) {
    // The kept end begins with a whole line, so that the marker stands alone.
    if (const std::size_t newline = rest.find('\n'); newline != std::string::npos) {
      left_out_ += static_cast<std::int64_t>(newline + 1);
      rest.erase(0, newline + 1);
    }
    const bool fresh = buffer_.empty() ? at_line_start_ : buffer_.back() == '\n';
    buffer(fmt::format("{}[baton: {} bytes are left out here]\n", fresh ? "" : "\n", left_out_));
  }
  buffer(rest);
  while (!buffer_.empty()) flush_lines();
  tail_.clear();
  if (armed_) loop_.cancel(timer_);
  armed_ = false;
}

void OutputStream::emit(std::string_view bytes) {
  wire::OutputRecord record;
  record.test = test_;
  record.attempt = attempt_;
  record.first_line = next_line_;
  const bool ends_line = bytes.back() == '\n';
  record.lines = count_newlines(bytes) - (ends_line ? 1 : 0) + (at_line_start_ ? 1 : 0);
  record.bytes = static_cast<std::int64_t>(bytes.size());
  next_line_ += record.lines;
  at_line_start_ = ends_line;
  kept_ += record.bytes;
  if (bytes.size() >= kCompressFrom) {
    record.payload = compressed(bytes);
    if (!record.payload.empty()) record.codec = wire::Codec::zstd;
  }
  if (record.codec == wire::Codec::raw) record.payload = bytes;
  emit_(std::move(record));
}

}  // namespace baton::runner
