// SPDX-License-Identifier: MIT
#include "net/sse.h"

#include <charconv>
#include <utility>

namespace baton::net {
namespace {

void append_clean(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
}

/// One field per line of `text`; CR, LF and CRLF end a line.
void append_lines(std::string& out, std::string_view prefix, std::string_view text) {
  while (true) {
    const std::size_t end = text.find_first_of("\r\n");
    out += prefix;
    out += text.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos) return;
    const bool pair = text.substr(end, 2) == "\r\n";
    text.remove_prefix(end + (pair ? 2 : 1));
  }
}

}  // namespace

std::string sse_format(SseFields event) {
  std::string out;
  out.reserve(event.data.size() + event.event.size() + event.id.size() + 32);
  if (!event.event.empty()) {
    out += "event: ";
    append_clean(out, event.event);
    out += '\n';
  }
  if (!event.id.empty()) {
    out += "id: ";
    append_clean(out, event.id);
    out += '\n';
  }
  append_lines(out, "data: ", event.data);
  out += '\n';
  return out;
}

std::string sse_comment(std::string_view text) {
  std::string out = ":";
  if (!text.empty()) out += ' ';
  append_clean(out, text);
  out += "\n\n";
  return out;
}

std::string sse_retry(std::size_t milliseconds) {
  return "retry: " + std::to_string(milliseconds) + "\n\n";
}

SseParser::SseParser(OnEvent on_event, std::size_t event_bytes_max)
    : on_event_(std::move(on_event)), max_(event_bytes_max) {}

bool SseParser::feed(std::string_view bytes) {
  while (!bytes.empty() && !failed_) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() + data_.size() > max_) {
      failed_ = true;
      break;
    }
    line_ += piece;
    if (end == std::string_view::npos) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    const std::string whole = std::exchange(line_, {});
    line(whole);
  }
  return !failed_;
}

void SseParser::line(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (at_start_ && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  at_start_ = false;
  if (text.empty()) {
    dispatch();
    return;
  }
  const std::size_t colon = text.find(':');
  if (colon == 0) return;
  if (colon == std::string_view::npos) {
    field(text, "");
    return;
  }
  std::string_view value = text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  field(text.substr(0, colon), value);
}

void SseParser::field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "event") {
    event_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    std::size_t ms = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, ms);
    if (error == std::errc{} && stop == end && !value.empty()) retry_ms_ = ms;
  }
}

void SseParser::dispatch() {
  const bool complete = has_data_;
  SseEvent event{std::exchange(event_, {}), std::exchange(data_, {}), last_id_};
  has_data_ = false;
  if (complete) on_event_(event);
}

}  // namespace baton::net
