// SPDX-License-Identifier: MIT
// Check runs and statuses of a commit: in progress while the gate is open, then its verdict.
#include <algorithm>

#include "links/github.h"
#include "links/progress.h"
#include "net/url.h"
#include "wire/json_writer.h"

namespace baton::links::github {
namespace {

using model::GateVerdict;

constexpr std::size_t kAnnotationsPerCall = 50;
// Six calls; a change that breaks more tests than that is not read line by line.
constexpr std::size_t kAnnotationsMax = 300;
// GitHub's 65,535 are characters; bytes are never fewer.
constexpr std::size_t kSummaryMax = 65'535;
constexpr std::size_t kTitleMax = 255;
constexpr std::size_t kAnnotationTextMax = 4'000;
constexpr std::size_t kDescriptionMax = 140;

std::string_view conclusion_of(const model::Gate& gate) {
  switch (gate.verdict) {
    case GateVerdict::passed: return "success";
    case GateVerdict::timed_out: return "timed_out";
    case GateVerdict::cancelled: return "cancelled";
    case GateVerdict::failed:
    case GateVerdict::errored: return "failure";
    case GateVerdict::none: break;
  }
  return "cancelled";  // not "skipped": that satisfies a branch's rules
}

std::string_view status_of(const model::Gate& gate) {
  if (gate.state == model::GateState::pending) return "pending";
  if (is_passed(gate)) return "success";
  return gate.verdict == GateVerdict::errored ? "error" : "failure";
}

// The verdict, or what ended the gate without one.
std::string end_line(const model::Gate& gate, std::size_t max) {
  return gate.verdict == GateVerdict::none ? std::string{name_of(gate.state)}
                                           : verdict_line(gate, max);
}

// A target for some verdicts only is nobody's business before there is one.
bool is_hidden(const Message& message) {
  return message.gate.state == model::GateState::pending &&
         message.delivery.target.when != model::When::always;
}

Outcome go_on(const Peer& peer) {
  Outcome outcome = later(Duration{0}, peer.memo.to_text());
  outcome.after.reset();
  return outcome;
}

/// A failed case with a place in the repository.
struct Annotation {
  const CaseLine* line;
  std::string path;
  int number = 1;
  std::string_view message;
};

std::vector<Annotation> annotations_of(const std::vector<CaseLine>& cases) {
  std::vector<Annotation> found;
  for (const CaseLine& line : cases) {
    if (!is_bad(line) || line.result.attempts.empty()) continue;
    const model::Attempt& last = line.result.attempts.back();
    std::string_view path = last.file;
    if (path.starts_with("./")) path.remove_prefix(2);
    // An absolute path is one of the machine that ran the test.
    if (path.empty() || path.starts_with('/') || path.find("..") != std::string_view::npos)
      continue;
    if (found.size() == kAnnotationsMax) break;
    found.push_back({&line, std::string{path}, std::max(1, last.line), last.message});
  }
  return found;
}

void write_annotation(wire::JsonWriter& out, const Annotation& annotation) {
  const std::string message = cut_text(annotation.message, kAnnotationTextMax);
  out.begin_object()
      .field("path", annotation.path)
      .field("start_line", annotation.number)
      .field("end_line", annotation.number)
      .field("annotation_level", "failure")
      .field("title", cut_text(annotation.line->result.name, kTitleMax))
      .field("message", message.empty() ? "failed" : message)
      .end_object();
}

// For people, who find GitHub's own "Re-run" in a menu only. Without a secret no press on it would
// be believed.
bool has_rerun(const Message& message, const model::LinkProfile& profile) {
  const GateVerdict verdict = message.gate.verdict;
  return verdict != GateVerdict::none && verdict != GateVerdict::passed && !profile.secrets.empty();
}

// GitHub takes 20 bytes for label and identifier, and 40 for the description.
void write_rerun(wire::JsonWriter& out) {
  out.key("actions").begin_array().begin_object();
  out.field("label", "Re-run").field("description", "Asks the same question again.");
  out.field("identifier", kRerunAction).end_object().end_array();
}

class CheckRun {
 public:
  explicit CheckRun(Peer& peer) : peer_(peer), gate_(peer.message.gate) {}

  Outcome run() {
    if (peer_.message.read_cases) {
      auto cases = peer_.message.read_cases();
      if (cases) cases_ = std::move(*cases);
    }
    const bool is_open = gate_.state == model::GateState::pending;
    if (!peer_.memo.has("id") && !find_or_make()) return std::move(failure_);
    if (is_open) return show_progress();
    return complete();
  }

 private:
  bool send(const std::string& method, const std::string& path, const std::string& body,
            Json* answer = nullptr) {
    const auto got = peer_.send(method, path, body);
    if (!is_good(got)) {
      failure_ = peer_.failure(got);
      return false;
    }
    status_ = got->status;
    if (answer != nullptr) *answer = Json(got->body);
    return true;
  }

  std::string run_path() const {
    return peer_.repo_path(fmt::format("/check-runs/{}", peer_.memo.number("id")));
  }

  // Ours has the delivery's id: after a lost answer it is found instead of made twice.
  bool find_or_make() {
    Json found;
    const std::string path =
        fmt::format("/commits/{}/check-runs?check_name={}&filter=all&per_page=100", peer_.place.sha,
                    net::percent_encode(peer_.place.name));
    if (!send("GET", peer_.repo_path(path), "", &found)) return false;
    for (const Json& each : found.objects("check_runs"))
      if (each.text("external_id") == peer_.message.delivery.id) return note(each);
    wire::JsonWriter out;
    out.begin_object()
        .field("name", peer_.place.name)
        .field("head_sha", peer_.place.sha)
        .field("external_id", peer_.message.delivery.id)
        .field("status", "in_progress")
        .field("started_at", gate_.created_at)
        .field_if("details_url", details_url(peer_.message))
        .end_object();
    Json made;
    is_new_ = true;
    return send("POST", peer_.repo_path("/check-runs"), out.take(), &made) && note(made);
  }

  bool note(const Json& check_run) {
    const std::int64_t id = check_run.number("id");
    if (id == 0) {
      failure_ =
          peer_.with_memo(again(model::ErrorClass::transient, status_, "the check run has no id"));
      return false;
    }
    peer_.memo.set("id", id);
    return true;
  }

  // At each tenth: changes of every second would use up the limit of the App's contents.
  Outcome show_progress() {
    const Progress progress = progress_of(cases_);
    const std::int64_t tenth = progress.percent / 10;
    if (peer_.memo.number("tenth") >= tenth) return go_on(peer_);
    wire::JsonWriter out;
    out.begin_object().field("status", "in_progress").key("output").begin_object();
    out.field("title", progress.text).field("summary", progress.text).end_object().end_object();
    if (!send("PATCH", run_path(), out.take())) return std::move(failure_);
    peer_.memo.set("tenth", tenth);
    return go_on(peer_);
  }

  // How many annotations the check run has. The answer to a batch may have been lost, or the server
  // killed before it was noted.
  bool look_at_annotations() {
    Json found;
    if (!send("GET", run_path(), "", &found)) return false;
    const std::int64_t there = found.object("output").number("annotations_count");
    if (there > peer_.memo.number("annotated")) peer_.memo.set("annotated", there);
    return true;
  }

  // GitHub appends the annotations of each call: one batch per attempt, noted before the next.
  Outcome complete() {
    const std::vector<Annotation> all = annotations_of(cases_);
    const auto noted = [&] { return static_cast<std::size_t>(peer_.memo.number("annotated")); };
    if (!is_new_ && noted() < all.size() && !look_at_annotations()) return std::move(failure_);
    const std::size_t from = std::min(noted(), all.size());
    const std::size_t to = std::min(from + kAnnotationsPerCall, all.size());
    const bool is_last = to >= all.size();
    wire::JsonWriter out;
    out.begin_object();
    if (is_last) {
      out.field("status", "completed").field("conclusion", conclusion_of(gate_));
      out.field("completed_at", gate_.decided_at.value_or(peer_.message.now));
      if (has_rerun(peer_.message, peer_.profile)) write_rerun(out);
    }
    out.field_if("details_url", details_url(peer_.message));
    out.key("output")
        .begin_object()
        .field("title", end_line(gate_, kTitleMax))
        .field("summary", report(peer_.message, cases_, kSummaryMax));
    if (from < to) {
      out.key("annotations").begin_array();
      for (std::size_t i = from; i < to; ++i) write_annotation(out, all[i]);
      out.end_array();
    }
    out.end_object().end_object();
    if (!send("PATCH", run_path(), out.take())) return std::move(failure_);
    peer_.memo.set("annotated", static_cast<std::int64_t>(to));
    return is_last ? peer_.with_memo(delivered(status_)) : later(Duration{0}, peer_.memo.to_text());
  }

  Peer& peer_;
  const model::Gate& gate_;
  std::vector<CaseLine> cases_;
  Outcome failure_;
  int status_ = 0;
  bool is_new_ = false;  // made by this attempt: no other can have annotated it
};

}  // namespace

Outcome deliver_check_run(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto place = parse_place("check_run", message.delivery.target.fields);
  if (!place) return unreadable(place.error());
  Peer peer(message, profile, http, *place);
  return is_hidden(message) ? go_on(peer) : CheckRun(peer).run();
}

// The same status twice shows as one: the last of a context counts.
Outcome deliver_status(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto place = parse_place("status", message.delivery.target.fields);
  if (!place) return unreadable(place.error());
  Peer peer(message, profile, http, *place);
  const bool is_open = message.gate.state == model::GateState::pending;
  if (is_hidden(message) || (is_open && peer.memo.number("pending") == 1)) return go_on(peer);
  wire::JsonWriter out;
  out.begin_object().field("state", status_of(message.gate));
  out.field_if("target_url", details_url(message));
  out.field("description",
            is_open ? "waiting for the verdict" : end_line(message.gate, kDescriptionMax));
  out.field("context", place->context).end_object();
  const auto answer = peer.send("POST", peer.repo_path("/statuses/" + place->sha), out.take());
  if (!is_good(answer)) return peer.failure(answer);
  if (!is_open) return peer.with_memo(delivered(answer->status));
  peer.memo.set("pending", 1);
  return go_on(peer);
}

}  // namespace baton::links::github
