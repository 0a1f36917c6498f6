// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "links/azure_devops.h"
#include "wire/json_writer.h"

namespace baton::links::azure {
namespace {

using model::ErrorClass;

// Azure DevOps registers the session after it has the answer to its call.
constexpr Duration kEarliest{1'000};
constexpr std::string_view kNoId = "00000000-0000-0000-0000-000000000000";
// Up to this version plans of gates know their jobs by the tasks' ids.
constexpr std::int64_t kGatesVersionOld = 12;

std::string event_of(const Place& place, bool passed, bool is_old_gate) {
  wire::JsonWriter out;
  out.begin_object()
      .field("name", "TaskCompleted")
      .field("taskId", is_old_gate ? kNoId : std::string_view{place.task})
      .field("jobId", is_old_gate ? place.task : place.job)
      .field("result", passed ? "succeeded" : "failed")
      .end_object();
  return out.take();
}

// After a lost answer or a crash the session may be gone because this very verdict ended it. The
// record tells: it has our result since the gate was decided. (A check that waits for no callback
// was completed when it called, before that.)
bool is_confirmed(Peer& peer, const Place& place) {
  const model::Gate& gate = peer.message.gate;
  const auto answer = peer.send(call("GET", place.records_path(), ""), task_versions());
  if (!is_taken(answer) || !gate.decided_at) return false;
  for (const Json& record : Json(answer->body).objects("value")) {
    if (to_lower(record.text("id")) != place.task) continue;
    const auto finished = parse_rfc3339(record.text("finishTime"));
    return finished && *finished >= *gate.decided_at &&
           record.text("result") == (is_passed(gate) ? "succeeded" : "failed");
  }
  return false;
}

// A task that was made up has a record only when somebody writes one, and no record, no task. It
// may be there already; without it the event says what is wrong.
void write_record(Peer& peer, const Place& place) {
  wire::JsonWriter out;
  out.begin_object().key("value").begin_array().begin_object();
  out.field("id", place.task).field("parentId", place.job).field("type", "Task");
  out.field("name", "Baton").field("state", "inProgress").end_object().end_array();
  out.field("count", 1).end_object();
  net::HttpRequest request = call("PATCH", place.records_path(), "");
  set_json(request, out.take());
  static_cast<void>(peer.send(std::move(request), task_versions()));
}

}  // namespace

Outcome deliver_check(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto place = parse_place(message.delivery.target.fields);
  if (!place) return unreadable(place.error());
  Peer peer(message, profile, http);
  const Duration age = message.now - message.gate.created_at;
  // A clock that was set back does not hold the verdict up for longer.
  if (age >= Duration{0} && age < kEarliest) return later(kEarliest - age, peer.memo.to_text());
  if (to_lower(place->hub) == "gates" && !peer.memo.has("plan_version")) {
    const auto plan = peer.send(call("GET", place->plan_path(), ""), task_versions());
    if (!is_taken(plan)) return peer.failure(plan);
    peer.memo.set("plan_version", Json(plan->body).number("version", kGatesVersionOld + 1));
  }
  const bool is_old_gate =
      peer.memo.number("plan_version", kGatesVersionOld + 1) <= kGatesVersionOld;
  if (place->is_task_made) write_record(peer, *place);
  net::HttpRequest request = call("POST", place->plan_path(), "/events");
  set_json(request, event_of(*place, is_passed(message.gate), is_old_gate));
  const auto answer = peer.send(std::move(request), peer.event_versions());
  if (is_taken(answer)) return peer.with_memo(delivered(answer->status));
  if (is_session_missing(answer) && is_confirmed(peer, *place))
    return peer.with_memo(delivered(answer->status));
  return peer.failure(answer);
}

}  // namespace baton::links::azure
