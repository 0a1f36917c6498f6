// SPDX-License-Identifier: MIT
// The live events of a run, from its stored stream: what was, then what comes, until the run ends.
#include "api/event_stream.h"
#include "api/handlers.h"
#include "api/lookup.h"
#include "api/reply.h"
#include "api/run_events.h"
#include "api/submit.h"
#include "store/run_table.h"

namespace baton::api {
namespace {

// What one step of a stream sends, and whether it is the last.
struct Step {
  std::string text;
  StreamPosition seen;
  bool read_any = false;
};

Result<Step> next_step(Context& context, RunId run, StreamPosition seen, bool logs) {
  // The entry that was seen in part is read again.
  const std::int64_t after = seen.piece > 0 ? seen.ordinal - 1 : seen.ordinal;
  BATON_TRY(entries, context.streams.read(run, after));
  Step step{.text = {}, .seen = seen};
  for (const store::StreamEntry& entry : entries) {
    if (entry.ordinal > seen.ordinal) step.read_any = true;
    BATON_TRY(text, events_of(entry, seen, logs));
    step.text += text;
    step.seen = {entry.ordinal, 0};
  }
  return step;
}

boost::asio::awaitable<void> stream_events(Context& context, net::Sink sink, RunId run,
                                           StreamPosition seen, bool logs) {
  const StreamSlot slot(context);
  Watch::Waiter waiter(context.watch, store::run_subject(run));
  bool alive = co_await sink.write(net::sse_retry(kReconnectMs));
  while (alive) {
    // The state first: what a finished run wrote is all in the stream then.
    auto row =
        read(context, [&](store::Session& session) { return store::find_run(session, run); });
    // On an error or when the run is deleted the client connects again and is told.
    if (!row || !*row) co_return;
    auto step = co_await context.disk.run<Result<Step>>(
        [&context, run, seen, logs] { return next_step(context, run, seen, logs); });
    if (!step) co_return;
    const bool more = step->read_any;
    if (more || !step->text.empty()) seen = step->seen;
    if (!step->text.empty()) alive = co_await sink.write(std::move(step->text));
    if (!alive) co_return;
    if (more) continue;
    if ((*row)->run.state == model::RunState::finished) {
      co_await sink.write(run_finished_event((*row)->run, context.settings.public_url));
      co_return;
    }
    alive = co_await wait_on_stream(context, sink, waiter);
  }
}

}  // namespace

Async stream_run(Context& context, Call& call) {
  auto row =
      read(context, [&](store::Session& session) { return find_run(session, call.args[0]); });
  if (!row) co_return tl::unexpected(row.error());
  const std::string_view last = call.request.headers.get("Last-Event-ID");
  // 204 tells an EventSource not to connect again: it has seen the end.
  if (last == kEndId) co_return net::reply(204);
  auto seen = parse_position(last);
  if (!seen) co_return tl::unexpected(seen.error());
  const auto logs = flag_query(call, "logs", true);
  if (!logs) co_return tl::unexpected(logs.error());
  co_return event_stream(context, [&context, run = row->run.id, seen = *seen,
                                   logs = *logs](net::Sink sink) {
    return stream_events(context, sink, run, seen, logs);
  });
}

}  // namespace baton::api
