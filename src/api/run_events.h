// SPDX-License-Identifier: MIT
#pragma once
// Entries of a run's stream as server-sent events. Pure.
// An event's id is "<ordinal>.<piece>": the entry it comes from, and for output which line of the
// entry; a client that gives the last one it saw as Last-Event-ID gets what follows.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/run.h"
#include "store/blobs/stream_entry.h"

namespace baton::api {

/// Where a client is in a stream: everything up to piece `piece` of entry `ordinal` was seen.
struct StreamPosition {
  std::int64_t ordinal = 0;
  std::int64_t piece = 0;
};
/// "" is the beginning.  Errors: invalid.
Result<StreamPosition> parse_position(std::string_view last_event_id);

/// The id of run_finished: nothing follows it.
inline constexpr std::string_view kEndId = "end";

/// The events of one entry behind `seen`, as text/event-stream; "" when it has none to show.
/// Output: one `log` event per line, {test,attempt,line,text}; a line that came in pieces is told
/// in pieces, those after the first with "continued":true. Bytes that are not UTF-8 are repaired.
/// logs: false leaves the output out.
Result<std::string> events_of(const store::StreamEntry& entry, StreamPosition seen,
                              bool logs = true);
std::string run_finished_event(const model::Run& run, std::string_view link_base);

/// The JSON documents of the stream's facts, which are also the data of their events.
std::string attempt_started_json(std::string_view test, int attempt, TimePoint at);
std::string attempt_finished_json(const model::Attempt& attempt);

}  // namespace baton::api
