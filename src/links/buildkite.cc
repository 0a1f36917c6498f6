// SPDX-License-Identifier: MIT
#include "links/buildkite.h"

#include <boost/json.hpp>

#include "links/peer.h"
#include "net/url.h"

namespace baton::links::buildkite {
namespace {

using model::ErrorClass;

struct Unblock {
  std::string organization;
  std::string pipeline;
  std::string build;
  std::string job;
  std::string body = "{}";
  bool cancel_on_failure = false;

  bool has_build() const { return !pipeline.empty() && !build.empty(); }
};

Result<Unblock> read_unblock(std::string_view fields) {
  Unblock unblock;
  std::string unblocker;
  std::string form;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    optional_part(f, "organization", unblock.organization);
    optional_part(f, "pipeline", unblock.pipeline);
    optional_number_or_line(f, "build", unblock.build);
    needed_part(f, "job", unblock.job);
    optional_line(f, "unblocker", unblocker);
    f.json("fields", form);
    if (!form.empty() && !form.starts_with('{')) f.fault("fields", "must be an object");
    f.boolean("cancel_on_failure", unblock.cancel_on_failure);
    if (unblock.pipeline.empty() != unblock.build.empty())
      f.fault("build", "pipeline and build go together");
    if (unblock.cancel_on_failure && !unblock.has_build())
      f.fault("cancel_on_failure", "needs pipeline and build");
  }));
  boost::json::object body;
  if (!unblocker.empty()) body["unblocker"] = unblocker;
  if (!form.empty()) body["fields"] = Json(form).raw();
  unblock.body = boost::json::serialize(body);
  return unblock;
}

net::HttpRequest buildkite_call(const model::LinkProfile& profile, std::string method,
                                const std::string& path) {
  net::HttpRequest request = call(std::move(method), profile.url, path);
  request.headers.set("Authorization", "Bearer " + profile.token.value);
  return request;
}

std::string organization_path(const Unblock& unblock) {
  return "/v2/organizations/" + net::percent_encode(unblock.organization);
}
std::string build_path(const Unblock& unblock) {
  return fmt::format("{}/pipelines/{}/builds/{}", organization_path(unblock),
                     net::percent_encode(unblock.pipeline), net::percent_encode(unblock.build));
}

/// What a refusal means, by the job's state.
Outcome settle(const Message& message, const model::LinkProfile& profile, Http& http,
               const Unblock& unblock, Outcome refusal) {
  if (!unblock.has_build())
    return as_dead(std::move(refusal), ErrorClass::rejected,
                   "with pipeline and build in the target Baton could see the job's state");
  const auto answer = http.send(buildkite_call(profile, "GET", build_path(unblock)));
  if (!is_good(answer)) return outcome_of(answer, message.now);
  const Json build(answer->body);
  for (const Json& job : build.objects("jobs")) {
    if (job.text("id") != unblock.job) continue;
    const std::string state = job.text("state");
    if (state == "unblocked" || state == "passed" || state == "finished")
      return delivered(refusal.status);
    if (state == "waiting" || state == "pending" || state == "blocked")
      return as_again(std::move(refusal), ErrorClass::transient, "the job is " + state);
    if (state == "canceled" || state == "skipped" || build.text("state") == "canceled")
      return as_dead(std::move(refusal), ErrorClass::peer_gone, "the job is " + state);
  }
  return as_dead(std::move(refusal), ErrorClass::rejected);
}

Outcome leave(const Message& message, const model::LinkProfile& profile, Http& http,
              const Unblock& unblock) {
  if (!unblock.cancel_on_failure) {
    Outcome outcome = delivered(0);
    outcome.error = "the gate did not pass: the job stays blocked";
    return outcome;
  }
  const auto answer = http.send(buildkite_call(profile, "PUT", build_path(unblock) + "/cancel"));
  // It is over already.
  if (answer && answer->status == 422) return delivered(422);
  return outcome_of(answer, message.now);
}

Outcome unblock(const Message& message, const model::LinkProfile& profile, Http& http) {
  auto wanted = read_unblock(message.delivery.target.fields);
  if (!wanted) return unreadable(wanted.error());
  if (wanted->organization.empty()) wanted->organization = profile.user;
  if (wanted->organization.empty())
    return dead(ErrorClass::misconfigured, 0,
                "name the organization in the target, or in the link");
  if (!is_passed(message.gate)) return leave(message, profile, http, *wanted);
  const std::string base = wanted->has_build() ? build_path(*wanted) : organization_path(*wanted);
  net::HttpRequest request = buildkite_call(
      profile, "PUT", fmt::format("{}/jobs/{}/unblock", base, net::percent_encode(wanted->job)));
  set_json(request, wanted->body);
  const auto answer = http.send(std::move(request));
  Outcome outcome = outcome_of(answer, message.now);
  if (outcome.status == 422 && says(*answer, "canceled"))
    return as_dead(std::move(outcome), ErrorClass::peer_gone);
  if (outcome.status == 400 || outcome.status == 422)
    return settle(message, profile, http, *wanted, std::move(outcome));
  return outcome;
}

}  // namespace

Deliver find(std::string_view op) { return op == "unblock" ? unblock : nullptr; }

Result<void> check(const model::Target& target) {
  BATON_TRY(unblock, read_unblock(target.fields));
  return {};
}

}  // namespace baton::links::buildkite
