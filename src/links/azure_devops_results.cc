// SPDX-License-Identifier: MIT
// The results of the subject as a test run of the build. Neither the run nor a result can be made
// twice without being there twice: the run is looked for by its name before it is made, and what it
// has by the names of the tests before more is added.
#include <algorithm>
#include <set>

#include "links/azure_devops.h"
#include "net/url.h"
#include "wire/json_writer.h"

namespace baton::links::azure {
namespace {

using model::CaseVerdict;

// Results of one request; 1,000 are the limit of the service.
constexpr std::size_t kBatch = 100;
// Results of one page when they are looked at.
constexpr std::size_t kPage = 1'000;
// Pages looked at: more tests than any run here has.
constexpr int kPagesMax = 200;
// The service cuts or refuses longer messages.
constexpr std::size_t kMessageMax = 4'000;
constexpr std::size_t kNameMax = 512;

std::string_view outcome_name(CaseVerdict verdict) {
  switch (verdict) {
    case CaseVerdict::passed:
    case CaseVerdict::flaky: return "Passed";
    case CaseVerdict::failed:
    case CaseVerdict::quarantined_failure: return "Failed";
    case CaseVerdict::errored: return "Error";
    case CaseVerdict::timed_out: return "Timeout";
    case CaseVerdict::cancelled: return "Aborted";
    case CaseVerdict::skipped:
    case CaseVerdict::pending: return "NotExecuted";
  }
  return "NotExecuted";
}

std::string_view outcome_name(model::Outcome outcome) {
  switch (outcome) {
    case model::Outcome::passed: return "Passed";
    case model::Outcome::failed: return "Failed";
    case model::Outcome::errored: return "Error";
    case model::Outcome::timed_out: return "Timeout";
    case model::Outcome::cancelled: return "Aborted";
    case model::Outcome::skipped:
    case model::Outcome::running: return "NotExecuted";
  }
  return "NotExecuted";
}

std::string key_of(std::string_view suite, std::string_view name) {
  return fmt::format("{}\n{}", cut_text(suite, kNameMax), cut_text(name, kNameMax));
}

void write_attempt(wire::JsonWriter& out, const model::Attempt& attempt) {
  out.begin_object()
      .field("displayName", fmt::format("Attempt {}", attempt.number))
      .field("sequenceId", attempt.number)
      .field("outcome", outcome_name(attempt.outcome))
      .field("durationInMs", attempt.duration.count());
  out.field_if("errorMessage", cut_text(attempt.message, kMessageMax)).end_object();
}

void write_result(wire::JsonWriter& out, const CaseLine& line) {
  const model::CaseResult& result = line.result;
  Duration took{0};
  for (const model::Attempt& attempt : result.attempts) took += attempt.duration;
  out.begin_object()
      .field("testCaseTitle", cut_text(result.name, kNameMax))
      .field("automatedTestName", cut_text(result.name, kNameMax))
      .field("automatedTestStorage", cut_text(line.suite, kNameMax))
      .field("automatedTestType", "Baton")
      .field("outcome", outcome_name(result.verdict))
      .field("state", "Completed")
      .field("durationInMs", took.count());
  if (!result.attempts.empty() && result.verdict != CaseVerdict::passed) {
    const model::Attempt& last = result.attempts.back();
    out.field_if("errorMessage", cut_text(last.message, kMessageMax));
    if (!last.file.empty()) out.field("stackTrace", fmt::format("{}:{}", last.file, last.line));
  }
  if (result.verdict == CaseVerdict::quarantined_failure)
    out.field("comment", "quarantined: it does not count");
  if (result.attempts.size() > 1) {
    out.field("resultGroupType", "rerun").key("subResults").begin_array();
    for (const model::Attempt& attempt : result.attempts) write_attempt(out, attempt);
    out.end_array();
  }
  out.end_object();
}

class Publisher {
 public:
  Publisher(const Place& place, Peer& peer)
      : place_(place), peer_(peer), base_(place.plan_url + "/" + place.project + "/_apis/test/") {}

  Outcome run(const std::vector<CaseLine>& cases) {
    if (!peer_.memo.has("run")) {
      if (!find_or_make()) return std::move(failure_);
      // Noted before the run is filled: a crash finds it by its number.
      return later(Duration{0}, peer_.memo.to_text());
    }
    if (!peer_.memo.has("complete")) {
      std::set<std::string> there;
      if (!look(there) || !add_missing(cases, there) || !complete()) return std::move(failure_);
      peer_.memo.set("complete", 1);
    }
    // Not before: a test run without its files says more than one that is never complete.
    if (peer_.profile.attachments.empty() || !peer_.message.list_files)
      return peer_.with_memo(delivered(status_));
    return attach_artifacts(peer_, base_ + run_path());
  }

 private:
  // Looks at what is there; a service that cannot show it has nothing for us to find.
  bool see(const std::string& path, Json& found) {
    const auto answer = peer_.send(call("GET", base_, path), test_versions());
    if (is_taken(answer)) {
      found = Json(answer->body);
      return true;
    }
    if (answer && (answer->status == 404 || answer->status == 405)) return true;
    failure_ = peer_.failure(answer);
    return false;
  }

  bool send(net::HttpRequest request, Json* body = nullptr) {
    const auto answer = peer_.send(std::move(request), test_versions());
    if (!is_taken(answer)) {
      failure_ = peer_.failure(answer);
      return false;
    }
    status_ = answer->status;
    if (body != nullptr) *body = Json(answer->body);
    return true;
  }

  // The gate's id is in it: nobody else's run has this name.
  std::string name() const {
    const model::Gate& gate = peer_.message.gate;
    const std::string& title = gate.request.name.empty() ? place_.task_name : gate.request.name;
    return cut_text(fmt::format("{} ({})", title.empty() ? "Baton" : title, gate.id), 250);
  }

  bool find_or_make() {
    if (!place_.build.empty()) {
      Json found;
      const std::string path =
          "runs?buildUri=" + net::percent_encode("vstfs:///Build/Build/" + place_.build);
      if (!see(path, found)) return false;
      for (const Json& run : found.objects("value"))
        if (run.text("name") == name()) return note(run);
    }
    wire::JsonWriter out;
    out.begin_object().field("name", name()).field("automated", true);
    out.field("state", "InProgress");
    if (!place_.build.empty())
      out.key("build").begin_object().field("id", place_.build).end_object();
    out.end_object();
    net::HttpRequest request = call("POST", base_, "runs");
    set_json(request, out.take());
    Json made;
    return send(std::move(request), &made) && note(made);
  }

  bool note(const Json& run) {
    const std::int64_t id = run.number("id", -1);
    if (id < 0) {
      failure_ =
          peer_.with_memo(again(model::ErrorClass::transient, status_, "the test run has no id"));
      return false;
    }
    peer_.memo.set("run", id);
    return true;
  }

  std::string run_path() const { return fmt::format("Runs/{}", peer_.memo.number("run")); }

  bool look(std::set<std::string>& there) {
    for (int page = 0; page < kPagesMax; ++page) {
      Json found;
      const std::string path = fmt::format("{}/results?$top={}&$skip={}", run_path(), kPage,
                                           static_cast<std::size_t>(page) * kPage);
      if (!see(path, found)) return false;
      const std::vector<Json> results = found.objects("value");
      for (const Json& result : results)
        there.insert(key_of(result.text("automatedTestStorage"), result.text("automatedTestName")));
      if (results.size() < kPage) break;
    }
    return true;
  }

  bool add_missing(const std::vector<CaseLine>& cases, const std::set<std::string>& there) {
    std::vector<const CaseLine*> missing;
    for (const CaseLine& line : cases)
      if (!there.contains(key_of(line.suite, line.result.name))) missing.push_back(&line);
    for (std::size_t from = 0; from < missing.size(); from += kBatch) {
      wire::JsonWriter out;
      out.begin_array();
      for (std::size_t i = from; i < std::min(from + kBatch, missing.size()); ++i)
        write_result(out, *missing[i]);
      out.end_array();
      net::HttpRequest request = call("POST", base_, run_path() + "/results");
      set_json(request, out.take());
      if (!send(std::move(request))) return false;
    }
    return true;
  }

  bool complete() {
    net::HttpRequest request = call("PATCH", base_, run_path());
    set_json(request, R"({"state":"Completed"})");
    return send(std::move(request));
  }

  const Place& place_;
  Peer& peer_;
  std::string base_;
  Outcome failure_;
  int status_ = 0;
};

}  // namespace

Outcome deliver_results(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto place = parse_place(message.delivery.target.fields);
  if (!place) return unreadable(place.error());
  const auto cases = message.read_cases ? message.read_cases() : std::vector<CaseLine>{};
  if (!cases)
    return again(model::ErrorClass::transient, 0, "the results: " + cases.error().message);
  // The verdict of an outside system comes without results.
  if (cases->empty()) return delivered(0);
  Peer peer(message, profile, http);
  return Publisher(*place, peer).run(*cases);
}

}  // namespace baton::links::azure
