// SPDX-License-Identifier: MIT
// A deployment that waits for a protection rule: at most ten reports of 1,024 characters each are
// taken. Five show progress at most, and the rest is for the verdict.
#include <array>

#include "links/allow_list.h"
#include "links/github.h"
#include "links/progress.h"
#include "wire/json_writer.h"

namespace baton::links::github {
namespace {

using model::ErrorClass;

constexpr std::size_t kCommentMax = 1'024;
constexpr std::array<int, 5> kSteps{0, 25, 50, 75, 90};
// Posts of progress, with those whose answer was lost: one of the ten is the verdict's, and one
// more is for its repetition.
constexpr std::int64_t kReportsMax = 8;

std::string body_of(const Place& place, std::string_view state, std::string_view comment) {
  wire::JsonWriter out;
  out.begin_object()
      .field("environment_name", place.environment)
      .field_if("state", state)
      .field("comment", cut_text(comment, kCommentMax))
      .end_object();
  return out.take();
}

Outcome go_on(const Peer& peer) {
  Outcome outcome = later(Duration{0}, peer.memo.to_text());
  outcome.after.reset();
  return outcome;
}

// The highest step that is reached, from 1; 0 for none.
std::int64_t step_of(int percent) {
  std::int64_t step = 0;
  for (const int each : kSteps)
    if (percent >= each) ++step;
  return step;
}

std::string verdict_comment(const Message& message) {
  std::string line = short_report(message, kCommentMax / 2);
  for (char& c : line)
    if (c == '`') c = '\'';
  const std::string url = details_url(message);
  const std::string text = "`" + line + "`";  // in code it mentions nobody
  const std::string link = "\n\n[More](" + url + ")";
  return url.empty() || text.size() + link.size() > kCommentMax ? text : text + link;
}

// True when the deployment still waits; an answer that cannot be had says so as well.
bool still_waits(Peer& peer) {
  constexpr std::string_view kEnd = "/deployment_protection_rule";
  std::string_view run = peer.place.callback;
  if (!run.ends_with(kEnd)) return true;
  run.remove_suffix(kEnd.size());
  const auto pending = peer.send("GET", fmt::format("{}/pending_deployments", run));
  if (!is_good(pending)) return true;
  for (const Json& each : json_objects(pending->body))
    if (each.object("environment").text("name") == peer.place.environment) return true;
  return false;
}

Result<Place> read_target(const Message& message, const model::LinkProfile& profile) {
  BATON_TRY(place, parse_place("protection_rule", message.delivery.target.fields));
  // Once more than when it came in: the profile may have got another address since.
  const std::array<std::string, 1> allow{profile.url};
  BATON_TRY_VOID(allowed_by(place.callback, allow));
  return place;
}

}  // namespace

Outcome deliver_progress(const Message& message, const model::LinkProfile& profile, Http& http) {
  if (message.gate.state != model::GateState::pending) return delivered(0);
  const auto place = read_target(message, profile);
  if (!place) return unreadable(place.error());
  Peer peer(message, profile, http, *place);
  const Progress progress = progress_of(message);
  const std::int64_t step = step_of(progress.percent);
  const std::int64_t reports = peer.memo.number("reports");
  if (step <= peer.memo.number("step") || reports >= kReportsMax) return go_on(peer);
  const std::string comment = fmt::format("Baton: {} %, {}", progress.percent, progress.text);
  peer.memo.set("reports", reports + 1);  // also of one whose answer is lost
  const auto answer = peer.send("POST", place->callback, body_of(*place, "", comment));
  if (!is_good(answer)) return peer.failure(answer);
  peer.memo.set("step", step);
  return go_on(peer);
}

Outcome deliver_protection_rule(const Message& message, const model::LinkProfile& profile,
                                Http& http) {
  const auto place = read_target(message, profile);
  if (!place) return unreadable(place.error());
  Peer peer(message, profile, http, *place);
  const std::string_view state = is_passed(message.gate) ? "approved" : "rejected";
  const auto answer =
      peer.send("POST", place->callback, body_of(*place, state, verdict_comment(message)));
  if (is_good(answer)) return peer.with_memo(delivered(answer->status));
  const bool is_over =
      answer && (answer->status == 422 || answer->status == 404) && !still_waits(peer);
  if (!is_over) return peer.failure(answer);
  // An attempt whose answer was lost did it.
  if (message.delivery.attempts > 0 && message.delivery.last_status == 0)
    return peer.with_memo(delivered(answer->status));
  return as_dead(peer.failure(answer), ErrorClass::peer_gone,
                 "the deployment does not wait any more");
}

}  // namespace baton::links::github
