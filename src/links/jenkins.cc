// SPDX-License-Identifier: MIT
#include "links/jenkins.h"

#include <cctype>

#include "base/text.h"
#include "links/peer.h"
#include "net/url.h"

namespace baton::links::jenkins {
namespace {

using model::ErrorClass;

// A webhook-step answers 202 for a step that is not reached yet, for one that was served already,
// and for a token that nobody knows; a restart forgets what it took. So it is told this often.
constexpr std::int64_t kToldMax = 3;
constexpr Duration kToldPause = std::chrono::seconds{5};
// Of an id that Jenkins lists, in a message.
constexpr std::size_t kIdShownMax = 100;

struct Input {
  std::string build_path;  // "/job/a/job/b/7"
  std::string id;
};

std::string job_path(std::string_view job, wire::JsonFields& f) {
  std::string path;
  for (const std::string_view part : split(job, '/')) {
    if (part.empty() || part == "." || part == "..") f.fault("job", "is no name of a job");
    path += "/job/" + net::percent_encode(part);
  }
  return path;
}

Result<Input> read_input(std::string_view fields) {
  Input input;
  std::string job;
  std::string build;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_line(f, "job", job);
    if (!job.empty()) input.build_path = job_path(job, f);
    needed_number_or_line(f, "build", build);
    input.build_path += "/" + net::percent_encode(build);
    needed_part(f, "id", input.id);
  }));
  return input;
}

Result<std::string> read_step(std::string_view fields) {
  std::string token;
  BATON_TRY_VOID(
      wire::read_json(fields, [&](wire::JsonFields& f) { needed_part(f, "token", token); }));
  return token;
}

net::HttpRequest jenkins_call(const model::LinkProfile& profile, std::string method,
                              std::string_view path) {
  net::HttpRequest request = call(std::move(method), profile.url, path);
  const model::Secret& secret = profile.token.empty() ? profile.password : profile.token;
  if (!profile.user.empty())
    request.headers.set("Authorization", basic_credentials(profile.user, secret.value));
  return request;
}

/// Without an API token Jenkins wants a crumb, of the same session.
Result<void> add_crumb(net::HttpRequest& request, const model::LinkProfile& profile, Http& http) {
  const auto answer = http.send(jenkins_call(profile, "GET", "/crumbIssuer/api/json"));
  if (!answer) return tl::unexpected(answer.error());
  const Json crumb(answer->body);
  const std::string field = crumb.text("crumbRequestField");
  if (answer->status != 200 || field.empty()) return {};  // it protects itself in no such way
  request.headers.set(field, crumb.text("crumb"));
  std::string cookies;
  for (const std::string_view cookie : answer->headers.all("Set-Cookie")) {
    if (!cookies.empty()) cookies += "; ";
    cookies += trim(cookie.substr(0, cookie.find(';')));
  }
  if (!cookies.empty()) request.headers.set("Cookie", cookies);
  return {};
}

/// The build says what became of an input that is not there.
/// seen: it waited at the input at an earlier attempt, or may have got an answer of ours.
Outcome settle(const Message& message, const model::LinkProfile& profile, Http& http,
               const Input& input, bool seen) {
  const auto answer =
      http.send(jenkins_call(profile, "GET", input.build_path + "/api/json?tree=building,result"));
  Outcome outcome = outcome_of(answer, message.now);
  if (outcome.status == 404)
    return as_dead(std::move(outcome), ErrorClass::peer_gone,
                   "Jenkins has no such build, or does not show it to the link's user");
  if (!is_good(answer)) return outcome;
  const Json build(answer->body);
  const bool passed = is_passed(message.gate);
  if (build.is_true("building")) {
    if (seen && passed) return delivered(404);
    return again(ErrorClass::transient, 404,
                 seen ? "the build has not ended although its input is settled"
                      : "the build has not come to the input yet");
  }
  const std::string result = build.text("result");
  const bool went_on = result == "SUCCESS" || result == "UNSTABLE" || (seen && result != "ABORTED");
  if (passed ? went_on : result == "ABORTED") return delivered(404);
  return dead(ErrorClass::peer_gone, 404,
              fmt::format("the build is over ({}) and did not wait for this", result));
}

/// What a build waits for, as Jenkins lists it.
struct Pending {
  bool is_known = false;  // false: no such plugin, or no such build: the input itself will tell
  std::string id;         // the input's own spelling, "" when it is not among them
  std::string all;        // of all inputs, for people
  int alike = 0;          // inputs that differ from ours in case only
};

/// Jenkins writes the first letter of an id in upper case.
std::string as_jenkins_spells(std::string id) {
  id[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(id[0])));
  return id;
}

tl::expected<Pending, Outcome> look_at_inputs(const model::LinkProfile& profile, Http& http,
                                              const Input& input, TimePoint now) {
  const auto answer =
      http.send(jenkins_call(profile, "GET", input.build_path + "/wfapi/pendingInputActions"));
  if (answer && answer->status == 404) return Pending{};
  if (!is_good(answer)) return tl::unexpected(outcome_of(answer, now));
  Pending pending;
  pending.is_known = true;
  for (const Json& item : json_objects(answer->body)) {
    const std::string id = item.text("id");
    pending.all += (pending.all.empty() ? "" : ", ") + cut_text(to_valid_utf8(id), kIdShownMax);
    if (to_lower(id) != to_lower(input.id)) continue;
    ++pending.alike;
    if (pending.id != as_jenkins_spells(input.id)) pending.id = id;
  }
  return pending;
}

/// The target's spelling is none of several that are like it.
bool is_ambiguous(const Pending& pending, const Input& input) {
  return pending.alike > 1 && pending.id != as_jenkins_spells(input.id);
}

Outcome ambiguous(const Pending& pending) {
  return dead(ErrorClass::misconfigured, 200,
              fmt::format("the build waits at inputs that differ in case only: {}; give the id as "
                          "it is listed there",
                          pending.all));
}

/// A build may wait at other inputs before ours, or beside it.
Outcome not_reached(const Message& message, const model::LinkProfile& profile, Http& http,
                    const Input& input, const Pending& pending) {
  Outcome outcome = settle(message, profile, http, input, false);
  if (outcome.kind != Outcome::Kind::delivered && !pending.all.empty())
    outcome.error += fmt::format("; it waits at {}", pending.all);
  return outcome;
}

/// Jenkins answered that there is no such input: what it lists is to agree.
Outcome not_there(const Message& message, const model::LinkProfile& profile, Http& http,
                  const Input& input, const std::string& asked) {
  const auto pending = look_at_inputs(profile, http, input, message.now);
  if (!pending) return pending.error();
  Json memo(message.delivery.memo);
  if (pending->id.empty()) return settle(message, profile, http, input, memo.has("seen"));
  if (is_ambiguous(*pending, input)) return ambiguous(*pending);
  if (pending->id != asked)
    return later(Duration{0}, memo.set("seen", 1).set("id", pending->id).to_text());
  return again(ErrorClass::misconfigured, 404,
               fmt::format("Jenkins lists the input {} but no page of it; let proxies before it "
                           "hand on POST",
                           asked));
}

Outcome answer_input(const Message& message, const model::LinkProfile& profile, Http& http,
                     const Input& input) {
  Json memo(message.delivery.memo);
  const std::string listed = memo.text("id");
  const std::string id = listed.empty() ? as_jenkins_spells(input.id) : listed;
  net::HttpRequest request =
      jenkins_call(profile, "POST",
                   fmt::format("{}/input/{}/{}", input.build_path, net::percent_encode(id),
                               is_passed(message.gate) ? "proceedEmpty" : "abort"));
  if (profile.token.empty())
    if (const auto added = add_crumb(request, profile, http); !added)
      return outcome_of(tl::unexpected(added.error()), message.now);
  const auto answer = http.send(std::move(request));
  if (answer && answer->status == 404) return not_there(message, profile, http, input, id);
  if (answer && says(*answer, "already been given"))
    return settle(message, profile, http, input, true);
  Outcome outcome = outcome_of(answer, message.now);
  if (!answer || answer->status >= 500) outcome.memo = memo.set("seen", 1).to_text();
  return outcome;
}

Outcome input(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto wanted = read_input(message.delivery.target.fields);
  if (!wanted) return unreadable(wanted.error());
  Json memo(message.delivery.memo);
  if (!memo.has("seen")) {
    const auto pending = look_at_inputs(profile, http, *wanted, message.now);
    if (!pending) return pending.error();
    if (is_ambiguous(*pending, *wanted)) return ambiguous(*pending);
    // Noted before it is answered: a lost answer must not look like an input not reached yet.
    if (!pending->id.empty())
      return later(Duration{0}, memo.set("seen", 1).set("id", pending->id).to_text());
    if (pending->is_known) return not_reached(message, profile, http, *wanted, *pending);
  }
  return answer_input(message, profile, http, *wanted);
}

Outcome webhook_step(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto token = read_step(message.delivery.target.fields);
  if (!token) return unreadable(token.error());
  net::HttpRequest request =
      call("POST", profile.url, "/webhook-step/" + net::percent_encode(*token));
  set_json(request, verdict_json(message));
  // The step's authToken, without a scheme; credentials of a user would be a wrong one.
  if (!profile.secrets.empty()) request.headers.set("Authorization", profile.secrets.front().value);
  const auto answer = http.send(std::move(request));
  Outcome outcome = outcome_of(answer, message.now);
  if (outcome.status == 403)
    return as_dead(std::move(outcome), ErrorClass::auth,
                   "the step has an authToken: give it as the link's webhook_secret");
  if (outcome.status != 202) return outcome;
  Json memo(message.delivery.memo);
  const std::int64_t told = memo.number("told") + 1;
  if (told >= kToldMax) return delivered(202);
  Outcome next = later(kToldPause, memo.set("told", told).to_text());
  next.status = 202;
  return next;
}

}  // namespace

Deliver find(std::string_view op) {
  if (op == "input") return input;
  if (op == "webhook_step") return webhook_step;
  return nullptr;
}

Result<void> check(const model::Target& target) {
  if (target.op == "input") return without_value(read_input(target.fields));
  return without_value(read_step(target.fields));
}

}  // namespace baton::links::jenkins
