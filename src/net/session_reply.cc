// SPDX-License-Identifier: MIT
// Writing a response: from memory, from a file, or as a stream.
#include <fmt/format.h>

#include "base/log.h"
#include "net/response_head.h"
#include "net/session.h"

namespace baton::net {

namespace asio = boost::asio;

namespace {
// Up to here head and body leave in one write.
constexpr std::size_t kTogetherMax = 64 * 1024;
}  // namespace

asio::awaitable<bool> Session::send(Response response, Exchange& exchange) {
  exchange.close = exchange.close || response.close || draining();
  const bool body_allowed = has_body(response.status);
  const bool wants_body = body_allowed && exchange.method != "HEAD";
  HeadFacts facts;
  facts.date = worker_.now_date();
  facts.request_id = exchange.request_id;
  const auto* text = std::get_if<std::string>(&response.body);
  const auto* file = std::get_if<FileBody>(&response.body);
  const bool is_stream = text == nullptr && file == nullptr;
  if (text != nullptr && body_allowed) facts.content_length = text->size();
  if (file != nullptr && body_allowed) facts.content_length = file->length;
  if (is_stream && wants_body) {
    facts.chunked = !exchange.http_1_0;
    exchange.close = exchange.close || exchange.http_1_0;
  }
  facts.close = exchange.close;

  std::string head = format_head(response, facts);
  const bool together = wants_body && text != nullptr && text->size() <= kTogetherMax;
  if (together) head += *text;
  bool sent = co_await write_all(head);
  if (sent && wants_body && !together) {
    if (text != nullptr) {
      sent = co_await write_all(*text);
    } else if (file != nullptr) {
      sent = co_await send_file(std::move(std::get<FileBody>(response.body)));
    } else {
      sent = co_await send_stream(std::move(std::get<StreamBody>(response.body)), facts.chunked);
    }
  }
  if (timed_out_) ++shared_.counters.timeouts;
  exchange.body_bytes = is_stream ? streamed_ : facts.content_length.value_or(0);
  served(exchange, response.status, sent);
  co_return sent;
}

asio::awaitable<bool> Session::send_file(FileBody file) {
  while (file.length > 0) {
    if (gone_ || timed_out_) co_return false;
    const Step step = transport_->send_file(file.file.get(), file.offset, file.length);
    if (step.kind == Step::Kind::done) {
      file.offset += step.bytes;
      file.length -= step.bytes;
      co_await take_turns(step.bytes);
      continue;
    }
    // `end`: the file is shorter than was announced; only a cut tells the client.
    if (step.kind == Step::Kind::end || step.kind == Step::Kind::failed) co_return false;
    expire_at(Clock::now() + limits_.write_stall);
    co_await ready(step.kind);
  }
  deadline_ = Clock::time_point::max();
  co_return true;
}

/// Runs the handler's stream. When it throws, the connection is cut, so that the client sees that
/// the body is not complete.
asio::awaitable<bool> Session::send_stream(StreamBody stream, bool chunked) {
  streaming_ = true;
  chunked_ = chunked;
  streamed_ = 0;
  bool whole = false;
  Sink sink{std::shared_ptr<Sink::Port>(shared_from_this())};
  try {
    co_await stream(sink);
    whole = true;
  } catch (const std::exception& e) {
    log::error("bug.uncaught", {{"where", "stream"}, {"what", e.what()}});
  } catch (...) {
    log::error("bug.uncaught", {{"where", "stream"}, {"what", "not a std::exception"}});
  }
  streaming_ = false;
  if (!whole || gone_ || timed_out_) co_return false;
  if (!chunked) co_return true;
  const bool ended = co_await write_all("0\r\n\r\n");
  co_return ended;
}

asio::awaitable<bool> Session::write(std::string bytes) {
  if (!streaming_ || gone_ || timed_out_) co_return false;
  if (bytes.empty()) co_return true;  // an empty chunk would end the body
  streamed_ += bytes.size();
  if (chunked_) {
    bytes.insert(0, fmt::format("{:x}\r\n", bytes.size()));
    bytes += "\r\n";
  }
  const bool sent = co_await write_all(bytes);
  if (!sent) gone_ = true;
  co_return sent;
}

asio::awaitable<void> Session::wait_gone() {
  Gate gate;
  co_await gate.wait(kForever, caller());
}

void Session::served(const Exchange& exchange, int status, bool complete) {
  if (!shared_.on_served) return;
  Served facts{.method = exchange.method,
               .target = exchange.target,
               .request_id = exchange.request_id,
               .peer = peer_,
               .status = status,
               .body_bytes = exchange.body_bytes,
               .complete = complete,
               .took = Clock::now() - exchange.started};
  shared_.on_served(facts);
}

}  // namespace baton::net
