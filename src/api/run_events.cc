// SPDX-License-Identifier: MIT
#include "api/run_events.h"

#include <charconv>

#include "base/text.h"
#include "net/sse.h"
#include "wire/run_json.h"

namespace baton::api {
namespace {

bool read_integer(std::string_view text, std::int64_t& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size() && out >= 0;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  // What follows the last line end is no line.
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

std::string log_json(const store::StreamEntry& entry, std::int64_t line, std::string_view text,
                     bool continued) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  wire::JsonWriter out;
  out.begin_object()
      .field("test", entry.test)
      .field("attempt", entry.attempt)
      .field("line", line)
      .field("text", text);
  if (continued) out.field("continued", true);
  return out.end_object().take();
}

Result<std::string> output_events(const store::StreamEntry& entry, std::int64_t seen_pieces) {
  BATON_TRY(text, store::raw_output(entry));
  const auto lines = lines_of(text);
  // The first piece ends a line of an earlier entry when fewer lines start here than are seen here.
  const bool continued = entry.lines < static_cast<std::int64_t>(lines.size());
  std::int64_t number = entry.first_line - (continued ? 1 : 0);
  std::string out;
  std::int64_t piece = 0;
  for (const std::string_view line : lines) {
    ++piece;
    if (piece > seen_pieces)
      out += net::sse_format({.event = "log",
                              .data = log_json(entry, number, line, continued && piece == 1),
                              .id = fmt::format("{}.{}", entry.ordinal, piece)});
    ++number;
  }
  return out;
}

}  // namespace

Result<StreamPosition> parse_position(std::string_view last_event_id) {
  StreamPosition position;
  if (last_event_id.empty()) return position;
  const std::size_t dot = last_event_id.find('.');
  if (dot == std::string_view::npos ||
      !read_integer(last_event_id.substr(0, dot), position.ordinal) ||
      !read_integer(last_event_id.substr(dot + 1), position.piece))
    return fail(Code::invalid, "Last-Event-ID \"{}\" is none of this stream", last_event_id);
  return position;
}

Result<std::string> events_of(const store::StreamEntry& entry, StreamPosition seen, bool logs) {
  const bool partly_seen = entry.ordinal == seen.ordinal;
  if (entry.kind == store::EntryKind::output)
    return logs ? output_events(entry, partly_seen ? seen.piece : 0) : std::string{};
  if (partly_seen) return std::string{};
  std::string_view event;
  if (entry.kind == store::EntryKind::attempt_started) event = "attempt_started";
  if (entry.kind == store::EntryKind::attempt_finished) event = "attempt_finished";
  if (event.empty()) return std::string{};
  return net::sse_format({.event = std::string{event},
                          .data = entry.payload,
                          .id = fmt::format("{}.0", entry.ordinal)});
}

std::string run_finished_event(const model::Run& run, std::string_view link_base) {
  return net::sse_format({.event = "run_finished",
                          .data = wire::to_json(run, link_base),
                          .id = std::string{kEndId}});
}

std::string attempt_started_json(std::string_view test, int attempt, TimePoint at) {
  wire::JsonWriter out;
  out.begin_object().field("test", test).field("attempt", attempt).field("started_at", at);
  return out.end_object().take();
}

std::string attempt_finished_json(const model::Attempt& attempt) {
  wire::JsonWriter out;
  wire::write_attempt(out, attempt, {});
  // The test's name goes first, as in every other event.
  wire::JsonWriter name;
  name.begin_object().field("test", attempt.test);
  return name.take() + "," + out.take().substr(1);
}

}  // namespace baton::api
