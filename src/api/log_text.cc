// SPDX-License-Identifier: MIT
#include "api/log_text.h"

#include <algorithm>

namespace baton::api {
namespace {

constexpr std::size_t kPieceMax = 1 << 20;

// How many lines start in a text that begins at the start of a line.
std::int64_t line_starts(std::string_view text) {
  const auto ends = std::count(text.begin(), text.end(), '\n');
  return text.empty() || text.back() == '\n' ? ends : ends + 1;
}

// The next piece to store: whole lines while they fit.
std::string_view next_piece(std::string_view text) {
  if (text.size() <= kPieceMax) return text;
  const std::size_t end = text.rfind('\n', kPieceMax - 1);
  return text.substr(0, end == std::string_view::npos ? kPieceMax : end + 1);
}

}  // namespace

std::string output_text(Context& context, RunId run, const std::string& test, int attempt,
                        std::size_t max_bytes) {
  const store::LogSelection selection{.test = test, .attempt = attempt};
  std::string text;
  while (text.size() < max_bytes) {
    const auto piece =
        context.streams.log_bytes(run, selection, static_cast<std::int64_t>(text.size()),
                                  static_cast<std::int64_t>(max_bytes - text.size()));
    if (!piece || piece->empty()) return text;
    text += *piece;
  }
  return text + fmt::format("\n[cut after {} bytes; GET /api/v1/runs/{}/log has all]\n", max_bytes,
                            raw(run));
}

Result<void> store_outputs(store::RunStreams& streams, RunId run,
                           std::span<const ImportedOutput> outputs) {
  std::vector<store::StreamEntry> entries;
  std::int64_t seq = 0;
  for (const ImportedOutput& output : outputs) {
    std::int64_t line = 1;
    bool mid_line = false;
    for (std::string_view rest = output.text; !rest.empty();) {
      const std::string_view piece = next_piece(rest);
      rest.remove_prefix(piece.size());
      store::StreamEntry& entry = entries.emplace_back();
      entry.epoch = 1;
      entry.seq = ++seq;
      entry.test = output.test;
      entry.attempt = output.attempt;
      entry.first_line = line;
      entry.lines = line_starts(piece) - (mid_line ? 1 : 0);
      entry.raw_size = static_cast<std::int64_t>(piece.size());
      entry.payload = piece;
      line += entry.lines;
      mid_line = piece.back() != '\n';
    }
  }
  if (entries.empty()) return {};
  BATON_TRY_VOID(streams.append(run, entries));
  return {};
}

}  // namespace baton::api
