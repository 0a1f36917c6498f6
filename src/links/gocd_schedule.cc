// SPDX-License-Identifier: MIT
// Triggers a pipeline. The call may be lost or taken without a trace, and a second one is a second
// run: the newest counter is noted before it, and a newer run of ours is what confirms it.
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/ids.h"
#include "base/text.h"
#include "links/gocd.h"
#include "links/peer.h"
#include "net/url.h"

namespace baton::links::gocd {
namespace {

using model::ErrorClass;

// GoCD updates the materials first, which takes it as long as the repositories need.
constexpr Duration kScheduledWithin = std::chrono::minutes{5};
constexpr Duration kConfirmPause = std::chrono::seconds{2};
// `before` when GoCD shows no history: then its answer has to do.
constexpr std::int64_t kNoHistory = -1;

void check_variables(wire::JsonFields& f) {
  f.objects("environment_variables", [](wire::JsonFields& variable) {
    std::string name;
    std::string value;
    bool secure = false;
    needed_line(variable, "name", name);
    variable.text("value", value);
    variable.text("encrypted_value", value);
    variable.boolean("secure", secure);
    if (variable.has("value") == variable.has("encrypted_value"))
      variable.fault("value", "give either value or encrypted_value");
  });
}

void check_materials(wire::JsonFields& f) {
  f.objects("materials", [](wire::JsonFields& material) {
    std::string text;
    optional_line(material, "name", text);
    optional_line(material, "fingerprint", text);
    needed_line(material, "revision", text);
    if (!material.has("name") && !material.has("fingerprint"))
      material.fault("fingerprint", "it is required");
  });
}

std::int64_t newest(const History& history) {
  std::int64_t counter = 0;
  for (const PipelineRun& run : history.runs) counter = std::max(counter, run.counter);
  return history.is_known ? counter : kNoHistory;
}

/// The name that GoCD writes behind what we trigger, "" when it does not say.
std::string own_name(const model::LinkProfile& profile, Http& http) {
  if (profile.token.empty()) return profile.user;
  const auto answer = http.send(call(profile, "GET", "/go/api/current_user", 1));
  return is_good(answer) ? Json(answer->body).text("login_name") : std::string{};
}

bool has_our_run(const History& history, std::int64_t before, const model::LinkProfile& profile,
                 Http& http) {
  const auto is_new = [&](const PipelineRun& run) { return run.forced && run.counter > before; };
  if (std::none_of(history.runs.begin(), history.runs.end(), is_new)) return false;
  const std::string name = to_lower(own_name(profile, http));
  return std::any_of(history.runs.begin(), history.runs.end(), [&](const PipelineRun& run) {
    return is_new(run) && (name.empty() || to_lower(run.approver) == name);
  });
}

/// Another one after each start of the server.
const std::string& this_start() {
  static const std::string id = random_hex(8);
  return id;
}

/// GoCD may have taken a call of an earlier attempt: its answer was lost, or the server that was to
/// make the call ended before it could note what became of it.
bool is_open(const Json& memo) {
  return memo.number("before", kNoHistory) != kNoHistory &&
         (memo.has("asked_at") || memo.text("noted_by") != this_start());
}

/// What a refusal that is one for certain leaves of the memo. While an earlier call is open, GoCD
/// may refuse the next one because of it: its run is still to be told from those before it.
std::string memo_after_refusal(Json memo, const net::HttpResponse& answer, TimePoint now) {
  // The next attempt compares with what is there then. A run that somebody else of the same name
  // triggers meanwhile is not taken for ours.
  constexpr const char* kNothing = "{}";
  if (!is_open(memo)) return kNothing;
  const std::int64_t asked_at = memo.number("asked_at", to_ms(now));
  const bool is_over = now - from_ms(asked_at) >= kScheduledWithin;
  if (is_over && answer.status == 409 && !says(answer, "already forced")) return kNothing;
  return memo.set("asked_at", asked_at).to_text();
}

Outcome refused_schedule(const Result<net::HttpResponse>& answer, Json memo, TimePoint now) {
  Outcome outcome = refused(answer, now);
  if (!answer || answer->status >= 500 || answer->status == 408) {
    // Perhaps it was taken: compare next time.
    outcome.memo = memo.set("asked_at", to_ms(now)).to_text();
    return outcome;
  }
  outcome.memo = memo_after_refusal(std::move(memo), *answer, now);
  // Forced already, paused, locked, a stage is active.
  if (answer->status == 409) outcome = as_again(std::move(outcome), ErrorClass::transient);
  return outcome;
}

Outcome not_seen(const Json& memo, const Message& message) {
  if (message.now - from_ms(memo.number("accepted_at")) < kScheduledWithin)
    return later(kConfirmPause, {});
  Outcome outcome =
      dead(ErrorClass::rejected, 202,
           fmt::format("GoCD accepted the request, but no run of the pipeline came within {}; see "
                       "its server health messages (a material may not be reachable), then "
                       "redeliver",
                       describe_duration(kScheduledWithin)));
  outcome.memo = "{}";
  return outcome;
}

}  // namespace

Result<Schedule> read_schedule(std::string_view fields) {
  Schedule schedule;
  bool update = false;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_part(f, "pipeline", schedule.pipeline);
    check_variables(f);
    check_materials(f);
    f.boolean("update_materials_before_scheduling", update);
  }));
  boost::json::object body = Json(fields).raw();
  body.erase("pipeline");
  if (!body.empty()) schedule.body = boost::json::serialize(body);
  return schedule;
}

Outcome schedule(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto wanted = read_schedule(message.delivery.target.fields);
  if (!wanted) return unreadable(wanted.error());
  const Json memo(message.delivery.memo);
  const std::int64_t before = memo.number("before", kNoHistory);
  if (!memo.has("before") || before != kNoHistory) {
    const auto history = look_at_history(profile, http, wanted->pipeline, message.now);
    if (!history) return history.error();
    if (!memo.has("before")) {
      Json noted = memo;
      noted.set("before", newest(*history)).set("noted_by", this_start());
      return later(Duration{0}, noted.to_text());
    }
    if (has_our_run(*history, before, profile, http)) return delivered(202);
    if (memo.has("accepted_at")) return not_seen(memo, message);
  }
  net::HttpRequest request =
      call(profile, "POST",
           fmt::format("/go/api/pipelines/{}/schedule", net::percent_encode(wanted->pipeline)), 1);
  if (!wanted->body.empty()) set_json(request, wanted->body);
  const auto answer = http.send(std::move(request));
  if (!is_good(answer)) return refused_schedule(answer, memo, message.now);
  if (before == kNoHistory) return delivered(answer->status);
  return later(kConfirmPause, Json(memo).set("accepted_at", to_ms(message.now)).to_text());
}

}  // namespace baton::links::gocd
