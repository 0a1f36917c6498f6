// SPDX-License-Identifier: MIT
// The searches of a run's stream: a log by byte and by line, out of the pieces that hold it.
#include <algorithm>

#include "store/blobs/run_stream.h"

namespace baton::store {
namespace {

constexpr std::int64_t kAnswerMax = 4 << 20;

/// Offset of the n-th line start (from 0) in a piece of output that has `lines` of them.
std::int64_t line_start(std::string_view text, std::int64_t lines, std::int64_t n) {
  const std::string_view inner = text.substr(0, text.empty() ? 0 : text.size() - 1);
  const auto behind_newlines = std::count(inner.begin(), inner.end(), '\n');
  // One line start more than newlines with text behind them: the piece begins with a line.
  std::int64_t found = lines > behind_newlines ? 0 : -1;
  if (found == n) return 0;
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    if (++found == n) return static_cast<std::int64_t>(at) + 1;
  return static_cast<std::int64_t>(text.size());
}

}  // namespace

template <class Visit>
void RunStream::for_each_piece(const LogSelection& selection, Visit visit) const {
  const std::uint64_t hash = hash_of_test(selection.test);
  std::int64_t offset = 0, next_line = 1;
  for (std::size_t i = 0; i < headers_.size(); ++i) {
    const FrameHeader& header = headers_[i];
    if (header.kind != static_cast<std::uint8_t>(EntryKind::output)) continue;
    if (!selection.whole_run &&
        (header.test_hash != hash || header.attempt != selection.attempt))
      continue;
    // Numbers jump where the runner left lines out, and begin anew with a new runner.
    const std::int64_t first =
        selection.whole_run ? next_line : std::max(next_line, header.first_line);
    if (!visit(Piece{i, offset, first})) return;
    offset += header.raw_size;
    next_line = first + header.lines;
  }
}

Result<LogSize> RunStream::log_size(const LogSelection& selection) {
  BATON_TRY_VOID(ensure_open(false));
  const std::shared_lock lock(mutex_);
  LogSize size;
  for_each_piece(selection, [&](const Piece& piece) {
    const FrameHeader& header = headers_[piece.index];
    size.bytes = piece.offset + header.raw_size;
    size.lines = piece.first_line + header.lines - 1;
    return true;
  });
  return size;
}

Result<std::string> RunStream::find_bytes(const LogSelection& selection, std::int64_t offset,
                                          std::int64_t size) const {
  std::string bytes;
  if (offset < 0 || size <= 0) return bytes;
  const std::int64_t end = offset + std::min(size, kAnswerMax);
  Result<void> outcome;
  for_each_piece(selection, [&](const Piece& piece) {
    const std::int64_t piece_end = piece.offset + headers_[piece.index].raw_size;
    if (piece_end <= offset) return true;
    if (piece.offset >= end) return false;
    auto raw = entry_at(piece.index).and_then(raw_output);
    if (!raw) {
      outcome = tl::unexpected(std::move(raw).error());
      return false;
    }
    const auto from = static_cast<std::size_t>(std::max<std::int64_t>(offset - piece.offset, 0));
    const auto to = static_cast<std::size_t>(std::min(end, piece_end) - piece.offset);
    bytes.append(*raw, from, to - from);
    return true;
  });
  if (!outcome) return tl::unexpected(std::move(outcome).error());
  return bytes;
}

Result<std::int64_t> RunStream::find_line(const LogSelection& selection,
                                          std::int64_t line) const {
  if (line <= 1) return 0;
  std::int64_t found = -1, end = 0;
  Result<void> outcome;
  for_each_piece(selection, [&](const Piece& piece) {
    const FrameHeader& header = headers_[piece.index];
    end = piece.offset + header.raw_size;
    if (line >= piece.first_line + header.lines) return true;
    auto raw = entry_at(piece.index).and_then(raw_output);
    if (!raw) {
      outcome = tl::unexpected(std::move(raw).error());
      return false;
    }
    const auto n = std::max<std::int64_t>(line - piece.first_line, 0);
    found = piece.offset + line_start(*raw, header.lines, n);
    return false;
  });
  if (!outcome) return tl::unexpected(std::move(outcome).error());
  return found < 0 ? end : found;
}

Result<std::string> RunStream::log_bytes(const LogSelection& selection, std::int64_t offset,
                                         std::int64_t size) {
  BATON_TRY_VOID(ensure_open(false));
  const std::shared_lock lock(mutex_);
  return find_bytes(selection, offset, size);
}

Result<std::int64_t> RunStream::line_offset(const LogSelection& selection, std::int64_t line) {
  BATON_TRY_VOID(ensure_open(false));
  const std::shared_lock lock(mutex_);
  return find_line(selection, line);
}

Result<LogLines> RunStream::log_lines(const LogSelection& selection, std::int64_t from_line,
                                      std::int64_t lines) {
  BATON_TRY_VOID(ensure_open(false));
  const std::shared_lock lock(mutex_);
  from_line = std::max<std::int64_t>(from_line, 1);
  LogLines found;
  found.next_line = from_line;
  if (lines <= 0) return found;
  // A count beyond any log means the rest, and must not overflow.
  const std::int64_t last = from_line + std::min<std::int64_t>(lines, 1LL << 40);
  BATON_TRY(begin, find_line(selection, from_line));
  BATON_TRY(end, find_line(selection, last));
  BATON_TRY(text, find_bytes(selection, begin, end - begin));
  if (text.empty()) return found;
  const auto cut = text.rfind('\n');
  // Too long for one answer: whole lines only, unless a single line is too long by itself.
  if (static_cast<std::int64_t>(text.size()) < end - begin && cut != std::string::npos)
    text.resize(cut + 1);
  found.first_line = from_line;
  found.next_line = from_line + std::count(text.begin(), text.end(), '\n') +
                    (text.back() == '\n' ? 0 : 1);
  found.text = std::move(text);
  return found;
}

}  // namespace baton::store
