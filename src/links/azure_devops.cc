// SPDX-License-Identifier: MIT
#include "links/azure_devops.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"

namespace baton::links::azure {
namespace {

using model::ErrorClass;

// The session may not be registered yet when the answer comes at once: three more attempts within
// half a minute tell that from one that is over.
constexpr std::array<Duration, 3> kSessionPauses{Duration{5'000}, Duration{10'000},
                                                 Duration{15'000}};

constexpr std::string_view kGoneHint =
    "the check is over (timed out, cancelled, answered), or its Completion event is not Callback: "
    "set it to Callback in the check's advanced options";

bool is_refused(const Result<net::HttpResponse>& answer) {
  if (!answer) return false;
  const int status = answer->status;
  // Who is not known is sent to a page to sign in, by a redirect or at once.
  const bool to_sign_in =
      status == 302 &&
      to_lower(answer->headers.get("Location")).find("signin") != std::string::npos;
  return status == 401 || status == 403 || status == 203 || to_sign_in;
}

// VssInvalidPreviewVersionException, VssVersionOutOfRangeException and their like.
bool is_version_refused(const Result<net::HttpResponse>& answer) {
  return answer && answer->status == 400 &&
         (says(*answer, "api-version") || (says(*answer, "\"Vss") && says(*answer, "Version")));
}

void add_version(net::HttpRequest& request, const std::string& version) {
  request.url += request.url.find('?') == std::string::npos ? '?' : '&';
  request.url += "api-version=" + version;
}

// X-RateLimit-Delay: by how many seconds this call was, or the next will be, held up.
std::optional<Duration> delay_of(const net::Headers& headers) {
  const std::string value{headers.get("X-RateLimit-Delay")};
  char* end = nullptr;
  const double seconds = std::strtod(value.c_str(), &end);
  if (end == value.c_str() || !(seconds > 0) || seconds > 3'600) return {};
  return Duration{static_cast<std::int64_t>(seconds * 1'000)};
}

}  // namespace

std::string Place::plan_path() const {
  return fmt::format("{}/{}/_apis/distributedtask/hubs/{}/plans/{}", plan_url, project, hub, plan);
}

std::string Place::records_path() const {
  return fmt::format("{}/timelines/{}/records", plan_path(), timeline);
}

std::string to_fields(const Place& place) {
  wire::JsonWriter out;
  out.begin_object()
      .field("plan_url", place.plan_url)
      .field("project", place.project)
      .field("hub", place.hub)
      .field("plan", place.plan)
      .field("job", place.job)
      .field("timeline", place.timeline)
      .field("task", place.task)
      .field_if("task_name", place.task_name)
      .field_if("build", place.build);
  if (place.is_task_made) out.field("is_task_made", true);
  out.end_object();
  return out.take();
}

Result<Place> parse_place(std::string_view fields) {
  Place place;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_line(f, "plan_url", place.plan_url);
    needed_line(f, "project", place.project);
    needed_line(f, "hub", place.hub);
    needed_line(f, "plan", place.plan);
    needed_line(f, "job", place.job);
    needed_line(f, "timeline", place.timeline);
    needed_line(f, "task", place.task);
    optional_line(f, "task_name", place.task_name);
    optional_line(f, "build", place.build);
    f.boolean("is_task_made", place.is_task_made);
  }));
  return place;
}

std::span<const std::string> task_versions() {
  static const std::array<std::string, 2> kVersions{"4.1", "4.1-preview.1"};
  return kVersions;
}

std::span<const std::string> test_versions() {
  static const std::array<std::string, 2> kVersions{"7.1", "5.0"};
  return kVersions;
}

bool is_taken(const Result<net::HttpResponse>& answer) {
  return is_good(answer) && answer->status != 203;
}

bool is_session_missing(const Result<net::HttpResponse>& answer) {
  return answer && answer->status >= 400 && says(*answer, "OrchestrationSessionNotFound");
}

Peer::Peer(const Message& the_message, const model::LinkProfile& the_profile, Http& http)
    : message(the_message),
      profile(the_profile),
      memo(std::string_view{the_message.delivery.memo}),
      http_(http) {}

// False: the profile's own token is used.
bool Peer::use_token(net::HttpRequest& request) const {
  const auto token = message.secrets.find("token");
  const bool has_own = !profile.token.empty();
  if (token != message.secrets.end() && !(has_own && memo.number("own_token") == 1)) {
    request.headers.set("Authorization", "Bearer " + token->second);
    return true;
  }
  if (has_own) request.headers.set("Authorization", basic_credentials("", profile.token.value));
  return false;
}

Result<net::HttpResponse> Peer::send(net::HttpRequest request,
                                     std::span<const std::string> versions) {
  request.headers.set("Accept", "application/json");
  for (;;) {
    const std::size_t version = memo.number("next_version") == 1 && versions.size() > 1 ? 1 : 0;
    net::HttpRequest attempt = request;
    add_version(attempt, versions[version]);
    const bool is_job_token = use_token(attempt);
    Result<net::HttpResponse> answer = http_.send(std::move(attempt));
    if (is_refused(answer) && is_job_token && !profile.token.empty()) {
      memo.set("own_token", 1);
    } else if (is_version_refused(answer) && version == 0 && versions.size() > 1) {
      memo.set("next_version", 1);
    } else {
      return answer;
    }
  }
}

Outcome Peer::with_memo(Outcome outcome) const {
  outcome.memo = memo.to_text();
  return outcome;
}

Outcome Peer::failure(const Result<net::HttpResponse>& answer) {
  Outcome outcome = outcome_of(answer, message.now);
  if (!answer) return with_memo(std::move(outcome));
  if (is_session_missing(answer)) {
    // A delivery that a person sends again, or whose call is repeated, has all of its tries.
    const std::int64_t began = to_ms(message.delivery.first_at.value_or(TimePoint{}));
    const bool is_same = memo.number("session_since") == began;
    const auto missed =
        is_same ? static_cast<std::size_t>(memo.number("session_missing")) : std::size_t{0};
    memo.set("session_since", began);
    if (missed >= kSessionPauses.size())
      return with_memo(as_dead(std::move(outcome), ErrorClass::peer_gone, kGoneHint));
    memo.set("session_missing", static_cast<std::int64_t>(missed + 1));
    outcome = as_again(std::move(outcome), ErrorClass::transient, kGoneHint);
    outcome.after = kSessionPauses[missed];
  } else if (is_refused(answer)) {
    outcome = again(ErrorClass::auth, answer->status,
                    fmt::format("status {}: the token is refused", answer->status));
    outcome = as_dead(std::move(outcome), ErrorClass::auth,
                      fmt::format("the job's token is valid for 48 h and needs the right to edit "
                                  "the check; give links.azure_devops.{} a `pat`",
                                  profile.name));
  } else if (answer->status == 404) {
    outcome = as_dead(std::move(outcome), ErrorClass::peer_gone,
                      "the run or its plan is not there any more");
  } else if (answer->status == 429 || answer->status == 503) {
    if (!outcome.after) outcome.after = delay_of(answer->headers);
  }
  return with_memo(std::move(outcome));
}

std::vector<std::string> Peer::event_versions() const {
  std::vector<std::string> versions;
  const auto add = [&](std::string_view version) {
    if (!version.empty() && std::find(versions.begin(), versions.end(), version) == versions.end())
      versions.emplace_back(version);
  };
  for (const std::string_view each : split(profile.api_version, ',')) add(trim(each));
  add("2.0-preview.1");  // what every server has
  add("7.1-preview.1");
  return versions;
}

Deliver find(std::string_view op) {
  if (op == "check") return deliver_check;
  if (op == "log") return deliver_log;
  return op == "results" ? deliver_results : nullptr;
}

model::Stage stage(std::string_view op) {
  if (op == "log") return model::Stage::progress;
  return op == "results" ? model::Stage::after : model::Stage::verdict;
}

}  // namespace baton::links::azure
