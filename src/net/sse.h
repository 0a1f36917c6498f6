// SPDX-License-Identifier: MIT
#pragma once
// Server-sent events: writing them and reading them. Pure text, no I/O.
// Source: HTML standard, section "Server-sent events".
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace baton::net {

/// An event that was read.
struct SseEvent {
  std::string event = {};  // "" means "message"
  std::string data = {};
  std::string id = {};
};

/// An event to be written. Views, so that it may be built inside of a `co_await` expression: there
/// g++ 12 destroys members of a temporary aggregate twice.
struct SseFields {
  std::string_view event = {};
  std::string_view data = {};
  std::string_view id = {};
};

/// The event as text/event-stream: data may hold any line ends (each line becomes a `data:` field;
/// CR and CRLF arrive as LF). CR, LF and NUL in `event` and `id` are dropped. An empty id is not
/// sent.
std::string sse_format(SseFields event);
/// A comment: keeps proxies from cutting a quiet stream, and finds out that a client is gone.
std::string sse_comment(std::string_view text = "");
/// Tells the client how long to wait before it connects again.
std::string sse_retry(std::size_t milliseconds);

/// Takes a stream in pieces of any size and calls back for each complete event.
class SseParser {
 public:
  using OnEvent = std::function<void(const SseEvent&)>;
  /// `event_bytes_max`: a longer line or event makes feed() return false, for ever.
  explicit SseParser(OnEvent on_event, std::size_t event_bytes_max = 16 << 20);
  bool feed(std::string_view bytes);

  /// For Last-Event-ID when connecting again.
  const std::string& last_id() const { return last_id_; }
  /// The last `retry:` in ms, if any came.
  std::optional<std::size_t> retry_ms() const { return retry_ms_; }

 private:
  void line(std::string_view text);
  void field(std::string_view name, std::string_view value);
  void dispatch();

  OnEvent on_event_;
  std::size_t max_;
  std::string line_;
  std::string event_;
  std::string data_;
  std::string last_id_;
  std::optional<std::size_t> retry_ms_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool at_start_ = true;  // a byte order mark is skipped there
  bool failed_ = false;
};

}  // namespace baton::net
