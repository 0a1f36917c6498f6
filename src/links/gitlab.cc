// SPDX-License-Identifier: MIT
#include "links/gitlab.h"

#include <boost/json.hpp>

#include "links/peer.h"
#include "net/url.h"
#include "wire/json_writer.h"

namespace baton::links::gitlab {
namespace {

using model::ErrorClass;
using model::Stage;

constexpr std::size_t kDescriptionMax = 255;
constexpr std::size_t kTargetUrlMax = 255;
// GitLab makes a status check that is pending for two minutes a failed one.
constexpr Duration kKeepAlive = std::chrono::seconds{90};

struct CommitStatus {
  std::string project;
  std::string sha;
  std::string name;
  std::string pipeline_id;
  std::string ref;
};

Result<CommitStatus> read_commit_status(std::string_view fields) {
  CommitStatus status;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_number_or_line(f, "project", status.project);
    needed_part(f, "sha", status.sha);
    needed_line(f, "name", status.name);
    optional_number_or_line(f, "pipeline_id", status.pipeline_id);
    if (status.pipeline_id.find_first_not_of("0123456789") != std::string::npos)
      f.fault("pipeline_id", "must be a number");
    optional_line(f, "ref", status.ref);
  }));
  return status;
}

struct PlayJob {
  std::string project;
  std::string job;
  std::map<std::string, std::string> variables;
};

Result<PlayJob> read_play_job(std::string_view fields) {
  PlayJob play;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_number_or_line(f, "project", play.project);
    needed_number_or_line(f, "job", play.job);
    if (play.job.find_first_not_of("0123456789") != std::string::npos)
      f.fault("job", "must be the number of a job");
    f.text_map("variables", play.variables);
  }));
  return play;
}

struct StatusCheck {
  std::string project;
  std::int64_t iid = 0;
  std::string sha;
  std::int64_t rule = 0;
};

Result<StatusCheck> read_status_check(std::string_view fields) {
  StatusCheck check;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_number_or_line(f, "project", check.project);
    f.require("iid");
    f.integer("iid", check.iid, 1, INT64_MAX);
    needed_line(f, "sha", check.sha);
    f.require("rule");
    f.integer("rule", check.rule, 1, INT64_MAX);
  }));
  return check;
}

net::HttpRequest api_call(const model::LinkProfile& profile, std::string method,
                          const std::string& project, std::string_view below) {
  net::HttpRequest request =
      call(std::move(method), profile.url,
           fmt::format("/api/v4/projects/{}{}", net::percent_encode(project), below));
  if (!profile.token.empty()) request.headers.set("PRIVATE-TOKEN", profile.token.value);
  return request;
}

Outcome refused(const Result<net::HttpResponse>& answer, TimePoint now) {
  Outcome outcome = outcome_of(answer, now);
  if (outcome.status == 404)
    outcome.error += "; GitLab answers so also for what the link's token may not see";
  return outcome;
}

/// The state in "Cannot transition status via :enqueue from :pending".
std::string state_before(const net::HttpResponse& answer) {
  constexpr std::string_view kFrom = " from :";
  if (!says(answer, "cannot transition")) return {};
  const std::size_t at = answer.body.find(kFrom);
  if (at == std::string::npos) return {};
  const std::string_view rest = std::string_view(answer.body).substr(at + kFrom.size());
  return std::string{rest.substr(0, rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"))};
}

Outcome commit_status(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto status = read_commit_status(message.delivery.target.fields);
  if (!status) return unreadable(status.error());
  const std::string state = is_passed(message.gate) ? "success" : "failed";
  wire::JsonWriter body;
  body.begin_object()
      .field("state", state)
      .field("name", status->name)
      .field("description", verdict_line(message.gate, kDescriptionMax))
      .field_if("ref", status->ref);
  if (const std::string url = details_url(message); url.size() <= kTargetUrlMax)
    body.field_if("target_url", url);
  if (!status->pipeline_id.empty()) body.key("pipeline_id").raw(status->pipeline_id);
  body.end_object();
  net::HttpRequest request =
      api_call(profile, "POST", status->project, "/statuses/" + net::percent_encode(status->sha));
  set_json(request, body.take());
  const auto answer = http.send(std::move(request));
  Outcome outcome = refused(answer, message.now);
  // Posted before, or by whoever opened the gate: GitLab refuses the same state twice.
  if (outcome.status == 400 && state_before(*answer) == state) return delivered(400);
  // Another call holds the pipeline's lock.
  if (outcome.status == 409) return as_again(std::move(outcome), ErrorClass::transient);
  return outcome;
}

enum class JobState { playable, early, played, never };

JobState state_of(const Json& job) {
  const std::string status = job.text("status");
  if (status == "manual" || status == "scheduled") return JobState::playable;
  if (status == "created") return JobState::early;  // the stages before it are not done
  const bool has_run = job.has("started_at");
  if (status == "skipped" || (status == "canceled" && !has_run)) return JobState::never;
  return JobState::played;
}

tl::expected<JobState, Outcome> look_at_job(const model::LinkProfile& profile, Http& http,
                                            const PlayJob& play, TimePoint now) {
  const auto answer = http.send(api_call(profile, "GET", play.project, "/jobs/" + play.job));
  if (!is_good(answer)) return tl::unexpected(refused(answer, now));
  return state_of(Json(answer->body));
}

Outcome play_job(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto play = read_play_job(message.delivery.target.fields);
  if (!play) return unreadable(play.error());
  const auto state = look_at_job(profile, http, *play, message.now);
  if (!state) return state.error();
  if (*state == JobState::played) return delivered(200);
  if (*state == JobState::never)
    return dead(ErrorClass::peer_gone, 200, "the job was cancelled or skipped");
  if (*state == JobState::early)
    return again(ErrorClass::transient, 200, "the job waits for the stages before it");
  net::HttpRequest request =
      api_call(profile, "POST", play->project, fmt::format("/jobs/{}/play", play->job));
  if (!play->variables.empty()) {
    boost::json::array variables;
    for (const auto& [key, value] : play->variables)
      variables.push_back(boost::json::object{{"key", key}, {"value", value}});
    set_json(request, boost::json::serialize(
                          boost::json::object{{"job_variables_attributes", std::move(variables)}}));
  }
  const auto answer = http.send(std::move(request));
  if (!answer || answer->status != 400 || !says(*answer, "unplayable"))
    return refused(answer, message.now);
  const auto after = look_at_job(profile, http, *play, message.now);
  if (after && *after == JobState::played) return delivered(400);
  return refused(answer, message.now);
}

Outcome respond(const Message& message, const model::LinkProfile& profile, Http& http,
                std::string_view status) {
  const auto check = read_status_check(message.delivery.target.fields);
  if (!check) return unreadable(check.error());
  net::HttpRequest request =
      api_call(profile, "POST", check->project,
               fmt::format("/merge_requests/{}/status_check_responses", check->iid));
  wire::JsonWriter body;
  body.begin_object()
      .field("sha", check->sha)
      .field("external_status_check_id", check->rule)
      .field("status", status)
      .end_object();
  set_json(request, body.take());
  const auto answer = http.send(std::move(request));
  Outcome outcome = refused(answer, message.now);
  if (outcome.status == 409)
    return as_dead(std::move(outcome), ErrorClass::peer_gone,
                   "superseded: the merge request has newer commits");
  return outcome;
}

Outcome status_check(const Message& message, const model::LinkProfile& profile, Http& http) {
  return respond(message, profile, http, is_passed(message.gate) ? "passed" : "failed");
}

Outcome progress(const Message& message, const model::LinkProfile& profile, Http& http) {
  if (message.gate.state != model::GateState::pending) return delivered(0);
  Json memo(message.delivery.memo);
  const TimePoint due = from_ms(memo.number("posted_at")) + kKeepAlive;
  if (message.now < due) return later(due - message.now, {});
  const Outcome outcome = respond(message, profile, http, "pending");
  if (outcome.kind != Outcome::Kind::delivered) return outcome;
  Outcome next = later(kKeepAlive, memo.set("posted_at", to_ms(message.now)).to_text());
  next.status = outcome.status;
  return next;
}

}  // namespace

Deliver find(std::string_view op) {
  if (op == "commit_status") return commit_status;
  if (op == "play_job") return play_job;
  if (op == "status_check") return status_check;
  if (op == "progress") return progress;
  return nullptr;
}

Result<void> check(const model::Target& target) {
  if (target.op == "commit_status") return without_value(read_commit_status(target.fields));
  if (target.op == "play_job") return without_value(read_play_job(target.fields));
  return without_value(read_status_check(target.fields));
}

model::Stage stage(std::string_view op) {
  return op == "progress" ? Stage::progress : Stage::verdict;
}

}  // namespace baton::links::gitlab
