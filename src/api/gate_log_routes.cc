// SPDX-License-Identifier: MIT
// The log of a gate: as text from a byte on, as a stream of lines, and what is said to it.
#include <charconv>

#include "api/artifact_answer.h"
#include "api/event_stream.h"
#include "api/gate_files.h"
#include "api/handlers.h"
#include "api/pieces.h"
#include "api/reply.h"
#include "api/submit.h"
#include "base/text.h"
#include "engine/gate_ops.h"
#include "net/url.h"
#include "store/gate_table.h"
#include "store/run_table.h"

namespace baton::api {
namespace {

constexpr std::int64_t kPiece = 256 << 10;
constexpr const char* kType = "text/plain; charset=utf-8";

Result<model::Gate> gate_of(Context& context, const Call& call) {
  return read(context,
              [&](store::Session& session) { return engine::get_gate(session, call.args[0]); });
}

NextPiece pieces_of(Context& context, model::Gate gate, LogSpan span, net::ByteRange range) {
  const auto first = static_cast<std::int64_t>(range.first);
  return [&context, gate = std::move(gate), span, at = first,
          end = first + static_cast<std::int64_t>(range.length)]() mutable -> Result<std::string> {
    if (at == end) return std::string{};
    BATON_TRY(piece, read_log(context, gate, span, at,
                              static_cast<std::size_t>(std::min(kPiece, end - at))));
    if (piece.empty()) return fail(Code::unavailable, "the log of {} ends early", gate.id);
    at += static_cast<std::int64_t>(piece.size());
    return std::move(piece);
  };
}

// What is held of a line that does not end; a longer one comes in pieces.
constexpr std::size_t kLineMax = 64 << 10;

// Data of several lines would be several `data:` fields, so each line is an event; its id is the
// byte behind it, from which a client that was cut off goes on.
struct LineCutter {
  std::int64_t at = 0;
  std::string rest;

  std::string events_of(const std::string& text) {
    std::size_t from = 0;
    std::size_t searched = rest.size();
    rest += text;
    std::string out;
    for (;;) {
      const std::size_t end = rest.find('\n', searched);
      const std::size_t line_end = std::min(end, rest.size());
      while (line_end - from > kLineMax) {
        const std::size_t size = piece_size(from);
        out += event_of(from, size, 0);
        from += size;
      }
      if (end == std::string::npos) break;
      out += event_of(from, end - from, 1);
      from = searched = end + 1;
    }
    rest.erase(0, from);
    return out;
  }

 private:
  // A character is not taken apart, where it is one.
  std::size_t piece_size(std::size_t from) const {
    std::size_t size = kLineMax;
    while (size > kLineMax - 4 && (rest[from + size] & 0xC0) == 0x80) --size;
    return size;
  }
  std::string event_of(std::size_t from, std::size_t size, std::size_t behind) {
    at += static_cast<std::int64_t>(size + behind);
    return net::sse_format({.event = "log",
                            .data = to_valid_utf8(std::string_view(rest).substr(from, size)),
                            .id = std::to_string(at)});
  }
};

std::string decided_event(const model::Gate& gate) {
  return net::sse_format({.event = "decided", .data = store::gate_event_data(gate), .id = {}});
}

boost::asio::awaitable<void> stream_log(Context& context, net::Sink sink, std::string id,
                                        RunId run, std::int64_t from) {
  const StreamSlot slot(context);
  // What a run prints is news of the run.
  Watch::Waiter of_gate(context.watch, store::gate_subject(id),
                        raw(run) > 0 ? store::run_subject(run) : std::string{});
  const auto span = co_await context.disk.run<Result<LogSpan>>([&]() -> Result<LogSpan> {
    BATON_TRY(gate, read(context, [&](store::Session& s) { return engine::get_gate(s, id); }));
    return log_span(context, gate, true);
  });
  // Whoever has more than there is has it from another gate, and gets what comes.
  std::int64_t read_to = span ? std::min(from, span->size()) : from;
  LineCutter cutter{read_to, {}};
  bool alive = co_await sink.write(net::sse_retry(kReconnectMs) + net::sse_comment("log"));
  while (alive) {
    auto gate = read(context, [&](store::Session& s) { return engine::get_gate(s, id); });
    if (!gate) co_return;
    auto text = co_await context.disk.run<Result<std::string>>(
        [&] { return gate_log(context, *gate, read_to, static_cast<std::size_t>(kPiece)); });
    if (!text) co_return;
    read_to += static_cast<std::int64_t>(text->size());
    std::string events = cutter.events_of(*text);
    if (text->empty() && gate->state != model::GateState::pending) {
      if (!cutter.rest.empty()) events = cutter.events_of("\n");
      alive = co_await sink.write(events + decided_event(*gate));
      co_return;
    }
    if (!events.empty()) {
      alive = co_await sink.write(std::move(events));
    } else if (text->empty()) {
      alive = co_await wait_on_stream(context, sink, of_gate);
    }
  }
}

Result<std::int64_t> stream_start(const Call& call) {
  const std::string_view last = call.request.headers.get("Last-Event-ID");
  std::int64_t from = 0;
  const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), from);
  if (!last.empty() && (error != std::errc() || end != last.data() + last.size() || from < 0))
    return fail(Code::invalid, "Last-Event-ID \"{}\" is no position of a log", last);
  return from;
}

}  // namespace

Async get_gate_log(Context& context, Call& call) {
  auto gate = gate_of(context, call);
  if (!gate) co_return tl::unexpected(gate.error());
  if (call.request.headers.get("Accept").find("text/event-stream") != std::string_view::npos) {
    auto from = stream_start(call);
    if (!from) co_return tl::unexpected(from.error());
    co_return event_stream(context, [&context, id = gate->id,
                                  run = gate->request.subject.run,
                                  from = *from](net::Sink sink) {
      return stream_log(context, sink, id, run, from);
    });
  }
  // Who asks for a part of it may come back for the next one.
  const bool follows = !call.request.headers.get("Range").empty();
  auto span = co_await context.disk.run<Result<LogSpan>>(
      [&] { return log_span(context, *gate, follows); });
  if (!span) co_return tl::unexpected(span.error());
  // Both only ever grow.
  const std::string etag = fmt::format("\"{}-{}-{}\"", gate->id, span->run, span->own);
  if (auto unchanged = not_modified(call, etag)) co_return *std::move(unchanged);
  const auto bytes = static_cast<std::uint64_t>(span->size());
  const auto range = wanted_range(call, etag, bytes);
  if (!range) co_return refused_range(call, range.error(), bytes);
  net::Response response;
  set_range(response, *range, bytes);
  response.headers.set("ETag", etag);
  response.headers.set("Content-Type", kType);
  response.headers.set("Accept-Ranges", "bytes");
  response.body = pieces_body(
      context, pieces_of(context, *std::move(gate), *span, {range->first, range->length}));
  co_return response;
}

namespace {

// A gate that takes no more is told of before anything is written.
Result<model::Gate> pending_gate_of(Context& context, const Call& call) {
  BATON_TRY(gate, gate_of(context, call));
  if (gate.state != model::GateState::pending)
    return fail_with_fix(Code::conflict, "say it before the verdict", "the gate {} has ended: {}",
                         gate.id, name_of(gate.state));
  return std::move(gate);
}

PostOperation log_grew(std::string id, std::int64_t bytes, std::size_t posted) {
  return [id = std::move(id), bytes, posted](engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY_VOID(engine::gate_log_grew(c, id, bytes, static_cast<std::int64_t>(posted)));
    return store::StoredAnswer{200, "", fmt::format(R"({{"log_bytes":{}}})", bytes)};
  };
}

// Its bytes with the text, appended now or by an earlier request with the same key of which the
// server fell before it could say so: then the text is behind what is known to be there.
Result<std::int64_t> append_if_missing(Context& context, const model::Gate& gate,
                                       std::string_view text) {
  BATON_TRY(size, context.gate_logs.size(gate.id));
  const std::int64_t unknown = size - gate.log_bytes;
  if (unknown >= static_cast<std::int64_t>(text.size())) {
    BATON_TRY(tail,
              context.gate_logs.read(gate.id, gate.log_bytes, static_cast<std::size_t>(unknown)));
    if (tail.find(text) != std::string::npos) return size;
  }
  return context.gate_logs.append(gate.id, text);
}

// For threads of the disk: between the look for an earlier answer and the commit of this one no
// other request with a key gets in.
Answer append_once(Context& context, const Call& call, Post post, std::string_view text) {
  const auto turn = context.gate_logs.turn(call.args[0]);
  BATON_TRY(replay, find_replay(context, call, post));
  if (replay) return *std::move(replay);
  BATON_TRY(gate, pending_gate_of(context, call));
  BATON_TRY(bytes, append_if_missing(context, gate, text));
  return run_post(context, call, std::move(post), log_grew(gate.id, bytes, text.size()));
}

}  // namespace

Async append_gate_log(Context& context, Call& call) {
  // What is said at once is at least a line: half of one would be shown to nobody until the rest.
  std::string text = to_valid_utf8(call.request.body);
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  Post post{.scope = "gate log " + call.args[0]};
  if (!call.request.headers.get("Idempotency-Key").empty()) {
    auto answer =
        co_await context.disk.run<Answer>([&] { return append_once(context, call, post, text); });
    co_return answer;
  }
  auto gate = pending_gate_of(context, call);
  if (!gate) co_return tl::unexpected(gate.error());
  auto bytes = co_await context.disk.run<Result<std::int64_t>>(
      [&] { return context.gate_logs.append(gate->id, text); });
  if (!bytes) co_return tl::unexpected(bytes.error());
  PostOperation operation = log_grew(gate->id, *bytes, text.size());
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

}  // namespace baton::api
