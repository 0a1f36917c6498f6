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
constexpr std::string_view kCallbackEnd = "/deployment_protection_rule";

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

// By this a verdict is known as that of the delivery. Hidden where comments are shown.
std::string marker_of(const Message& message) {
  return "<!-- baton delivery=" + message.delivery.id + " -->";
}

std::string verdict_comment(const Message& message) {
  const std::string marker = "\n\n" + marker_of(message);
  std::string line = short_report(message, kCommentMax / 2);
  for (char& c : line)
    if (c == '`') c = '\'';
  const std::string url = details_url(message);
  const std::string text = "`" + line + "`";  // in code it mentions nobody
  const std::string link = "\n\n[More](" + url + ")";
  const bool has_link = !url.empty() && text.size() + link.size() + marker.size() <= kCommentMax;
  return text + (has_link ? link : "") + marker;
}

// The address of the run that waits; "" where the callback is none of GitHub's as we know it.
std::string run_of(const Place& place) {
  std::string_view run = place.callback;
  if (!run.ends_with(kCallbackEnd)) return {};
  run.remove_suffix(kCallbackEnd.size());
  return std::string{run};
}

// True when the run's history has the verdict of this delivery, from an attempt that ended unseen.
bool has_verdict(const Peer& peer, const Result<net::HttpResponse>& approvals) {
  if (!is_good(approvals)) return false;
  const std::string marker = marker_of(peer.message);
  for (const Json& review : json_objects(approvals->body))
    if (review.text("comment").find(marker) != std::string::npos) return true;
  return false;
}

// True when the deployment still waits; an answer that cannot be had says so as well.
bool still_waits(Peer& peer, const std::string& run) {
  if (run.empty()) return true;
  const auto pending = peer.send("GET", run + "/pending_deployments");
  if (!is_good(pending)) return true;
  for (const Json& each : json_objects(pending->body))
    if (each.object("environment").text("name") == peer.place.environment) return true;
  return false;
}

// True when the run went where the verdict sent it. For the case that the history does not name
// what Apps said: then nothing else tells a verdict that was taken from a job that was cancelled.
bool went_as_told(Peer& peer, const std::string& run) {
  const auto answer = peer.send("GET", run);
  if (!is_good(answer)) return false;
  const Json state(answer->body);
  const std::string conclusion = state.text("conclusion");
  if (!is_passed(peer.message.gate)) return conclusion == "failure";
  return state.text("status") != "completed" || conclusion == "success";
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
  const std::string run = run_of(*place);
  // A run that is started again waits at the same address: a verdict that is repeated would be one
  // for another deployment. Without the right to look it is told unseen.
  if (!run.empty()) {
    const auto approvals = peer.send("GET", run + "/approvals");
    if (has_verdict(peer, approvals)) return peer.with_memo(delivered(approvals->status));
    const bool is_unknown = !approvals || approvals->status == 401;
    Outcome unseen = peer.failure(approvals);
    if (!is_good(approvals) && (is_unknown || unseen.kind == Outcome::Kind::again)) return unseen;
  }
  const std::string_view state = is_passed(message.gate) ? "approved" : "rejected";
  const auto answer =
      peer.send("POST", place->callback, body_of(*place, state, verdict_comment(message)));
  if (is_good(answer)) return peer.with_memo(delivered(answer->status));
  const bool is_over =
      answer && (answer->status == 422 || answer->status == 404) && !still_waits(peer, run);
  if (!is_over) return peer.failure(answer);
  // An attempt whose answer was lost did it, or one that ended with the server.
  const bool was_lost = message.delivery.attempts > 0 && message.delivery.last_status == 0;
  if (was_lost || has_verdict(peer, peer.send("GET", run + "/approvals")) ||
      went_as_told(peer, run))
    return peer.with_memo(delivered(answer->status));
  return as_dead(peer.failure(answer), ErrorClass::peer_gone,
                 "the deployment does not wait any more");
}

}  // namespace baton::links::github
