// SPDX-License-Identifier: MIT
// The journal: as a list from a cursor, with a wait for what comes next, and as an event stream.
#include <charconv>

#include "api/event_stream.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/submit.h"
#include "store/tx.h"
#include "wire/event_json.h"
#include "wire/page.h"

namespace baton::api {
namespace {

constexpr int kStreamRows = 500;

struct JournalQuery {
  Seq after = 0;
  std::string kind;
  std::string subject;
  int limit = kPageDefault;
};

Result<Seq> start_of(Context& context, const Call& call, std::string_view text) {
  if (text == "latest")
    return read(context, [](store::Session& session) { return store::last_journal_seq(session); });
  Seq after = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), after);
  if (ec != std::errc{} || end != text.data() + text.size() || after < 0)
    return fail(Code::invalid, "\"{}\" is no position of the journal: {}", text, call.request.path);
  return after;
}

Result<JournalQuery> journal_query(Context& context, const Call& call) {
  JournalQuery query;
  query.kind = call.query("kind");
  query.subject = call.query("subject");
  BATON_TRY(limit, page_limit(call));
  query.limit = limit;
  BATON_TRY(cursor, integer_cursor(call));
  const std::string_view last_id = call.request.headers.get("Last-Event-ID");
  const std::string_view after = last_id.empty() ? call.query("after") : last_id;
  if (cursor) {
    query.after = *cursor;
  } else if (!after.empty()) {
    BATON_TRY(start, start_of(context, call, after));
    query.after = start;
  }
  // A position beyond the end, of a journal that was restored from a backup say, is the end.
  BATON_TRY(last, read(context, [](store::Session& session) {
              return store::last_journal_seq(session);
            }));
  if (last > 0) query.after = std::min(query.after, last);  // 0: all of it was removed
  return query;
}

// What the query finds, and how far the journal was read for it.
struct Found {
  std::vector<model::Event> events;
  Seq last = 0;
};

Result<Found> look(Context& context, const JournalQuery& query) {
  return read(context, [&](store::Session& session) -> Result<Found> {
    // The position first: what is appended meanwhile belongs to the next look.
    BATON_TRY(last, store::last_journal_seq(session));
    BATON_TRY(events, store::read_journal(session, query.after, query.limit, query.kind,
                                          query.subject));
    Found found{std::move(events), std::max(last, query.after)};
    if (!found.events.empty()) {
      const Seq newest = found.events.back().seq;
      const bool full = static_cast<int>(found.events.size()) == query.limit;
      found.last = full ? newest : std::max(found.last, newest);
    }
    return found;
  });
}

std::string event_json(const model::Event& event) {
  wire::JsonWriter out;
  wire::write_event(out, event);
  return out.take();
}

boost::asio::awaitable<void> stream_journal(Context& context, net::Sink sink, JournalQuery query) {
  const StreamSlot slot(context);
  query.limit = kStreamRows;
  Watch::Waiter waiter(context.watch, query.subject);
  bool alive = co_await sink.write(net::sse_retry(kReconnectMs) + net::sse_comment("journal"));
  while (alive) {
    const auto found = look(context, query);
    // The client connects again with Last-Event-ID and meets the error there.
    if (!found) co_return;
    query.after = found->last;
    std::string text;
    for (const model::Event& event : found->events)
      text += net::sse_format(
          {.event = event.kind, .data = event_json(event), .id = std::to_string(event.seq)});
    if (!text.empty()) {
      alive = co_await sink.write(std::move(text));
    } else {
      alive = co_await wait_on_stream(context, sink, waiter);
    }
  }
}

}  // namespace

Async list_events(Context& context, Call& call) {
  auto query = journal_query(context, call);
  if (!query) co_return tl::unexpected(query.error());
  if (call.request.headers.get("Accept").find("text/event-stream") != std::string_view::npos)
    co_return event_stream(context, [&context, query = *query](net::Sink sink) {
      return stream_journal(context, sink, query);
    });
  auto limit = wait_of(call);
  if (!limit) co_return tl::unexpected(limit.error());
  const auto end = std::chrono::steady_clock::now() + *limit;
  Watch::Waiter waiter(context.watch, query->subject);
  auto found = look(context, *query);
  for (net::Wake wake = net::Wake::notified; wake == net::Wake::notified;) {
    if (!found || !found->events.empty()) break;
    const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
    if (left <= Duration{0}) break;
    query->after = found->last;
    wake = co_await waiter.wait(left, call.request.caller);
    found = look(context, *query);
  }
  if (!found) co_return tl::unexpected(found.error());
  Page page(context, call);
  for (const model::Event& event : found->events) wire::write_event(page.items(), event);
  std::optional<std::string> next;
  if (static_cast<int>(found->events.size()) == query->limit)
    next = wire::encode_cursor(found->last);
  page.end_items().field("last_seq", found->last);
  co_return page.finish(next);
}

}  // namespace baton::api
