// SPDX-License-Identifier: MIT
#include "cli/lock_request.h"

#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <set>

#include "base/text.h"
#include "base/variable_name.h"
#include "cli/connection.h"
#include "cli/lock_progress.h"
#include "cli/output.h"
#include "cli/simple.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

Result<json::array> wants_of(const Invocation& invocation) {
  BATON_TRY(slots, number_of(invocation, "--slots"));
  const auto add = [&](json::object want, json::array& wants) {
    if (invocation.has("--shared")) want["mode"] = "shared";
    if (slots) want["slots"] = *slots;
    wants.push_back(std::move(want));
  };
  json::array wants;
  for (const std::string& name : invocation.arguments) add({{"environment", name}}, wants);
  json::object labels;
  for (const std::string& pair : invocation.all("--label")) {
    const std::size_t at = pair.find('=');
    if (at == std::string::npos || at == 0)
      return fail_with_fix(Code::invalid, "--label team=pay", "--label \"{}\" has no key and value",
                           pair);
    labels[pair.substr(0, at)] = pair.substr(at + 1);
  }
  if (!labels.empty()) add({{"labels", std::move(labels)}}, wants);
  if (wants.empty())
    return fail_with_fix(Code::invalid, "name one, or say --label K=V; `baton env ls` lists them",
                         "no environment is named");
  return wants;
}

std::string what_of(const Invocation& invocation) {
  std::string what;
  for (const std::string& name : invocation.arguments) what += (what.empty() ? "" : ", ") + name;
  for (const std::string& label : invocation.all("--label"))
    what += (what.empty() ? "" : ", ") + label;
  return what;
}

// Those who hold one of the environments now, from the server; from the last answer without it.
json::array holders_now(const client::Endpoint& endpoint, const LockRequest& request,
                        const json::value& last, std::string& closed) {
  json::array holders;
  std::set<std::string> seen;  // of several slots
  client::ApiClient api{endpoint};
  for (const json::value& want : request.body.at("wants").as_array()) {
    const std::string name = text_at(want, "environment");
    if (name.empty()) continue;
    client::Call call;
    call.path = "/environments/" + client::escape(name);
    call.timeout = Duration{3'000};
    const auto reply = api.call(call);
    if (!reply) continue;
    const std::string state = text_at(reply->body, "state");
    if (!state.empty() && state != "enabled" && closed.empty()) {
      const std::string why = text_at(reply->body, "state_reason");
      closed += fmt::format("{} is {}{}{}", name, state == "maintenance" ? "in maintenance" : state,
                            why.empty() ? "" : ": ", why);
    }
    if (const json::value* list = reply->body.as_object().if_contains("holders");
        list != nullptr && list->is_array())
      for (const json::value& holder : list->get_array())
        if (seen.insert(text_at(holder, "lease")).second) holders.push_back(holder);
  }
  if (const json::object* lease = last.if_object(); holders.empty() && lease != nullptr)
    if (const json::value* list = lease->if_contains("ahead"); list != nullptr && list->is_array())
      holders = list->get_array();
  return holders;
}

// `busy` is the server's refusal of who did not want to wait.
int not_served(const client::Endpoint& endpoint, const LockRequest& request,
               const json::value& last, const Error* busy) {
  std::string closed = describe_bars(last);
  const json::array holders = holders_now(endpoint, request, last, closed);
  std::string who;
  std::string lease;
  for (const json::value& one : holders) {
    who += (who.empty() ? "" : ", ") + describe_holder(one);
    if (lease.empty()) lease = text_at(one, "lease");
  }
  const std::string waited =
      request.wait.count() > 0 ? "not had within " + format_duration(request.wait) + ", " : "";
  // With labels nobody is known by name; the refusal says it.
  const bool unnamed = request.body.at("wants").as_array()[0].as_object().contains("labels");
  if (holders.empty() && (!closed.empty() || !unnamed)) {
    if (busy != nullptr) closed = busy->message;
    if (closed.empty()) closed = "nobody holds it, but it is not given out";
    say(harmless(fmt::format("baton: lock {}: {}{}", request.what, waited, closed)));
    say("fix: wait until it is open again; `baton env view` and `baton env bookings` tell when");
    return kUnavailable;
  }
  std::string why = who.empty() ? "others were served first" : "held by " + who;
  if (who.empty() && busy != nullptr) why = busy->message;
  if (!closed.empty()) why += "; " + closed;
  say(fmt::format("baton: lock {}: {}{}", request.what, waited, harmless(why)));
  say(fmt::format(
      "fix: wait longer with --wait{}",
      lease.empty() ? "" : ", ask the holder, or `baton lock revoke " + lease + " --reason …`"));
  return kLockTimeout;
}

int ended_otherwise(const LockRequest& request, const json::value& lease) {
  const std::string by = text_at(lease, "ended_by");
  const std::string why = text_at(lease, "reason");
  say(harmless(fmt::format("baton: lock {}: the request {} was {}{}{}{}{}", request.what,
                           text_at(lease, "id"), text_at(lease, "state"), by.empty() ? "" : " by ",
                           by, why.empty() ? "" : ": ", why)));
  say("fix: ask again, unless somebody else does the work now");
  return kCancelled;
}

void add_text(json::object& body, const char* key, const std::string& value) {
  if (!value.empty()) body[key] = value;
}

}  // namespace

std::vector<Flag> lock_flags() {
  return {{"--wait", "D", "Wait so long for it; without it, only if it is free"},
          {"--ttl", "D", "Time until it is lost unless renewed (the environment's, 2m)"},
          {"--reason", "T", "What it is for; those who wait read it"},
          {"--shared", "", "Beside other shared holders"},
          {"--priority", "N", "Go before those with a lower one (0)"},
          {"--slots", "N", "So many slots of each environment (1)"},
          {"--label", "K=V", "Any environment with this label; repeated, with all of them", true},
          {"--holder", "NAME", "Who asks (BATON_HOLDER, else the CI job, else user@host)"},
          {"--holder-url", "URL", "Where to look at the holder"},
          {"--supersede", "KEY", "Of those who wait with the same key only the newest goes on"}};
}

Asker asker_of(const Invocation& invocation) {
  Asker asker = find_asker(variable, host_name(), ::getpid());
  if (const std::string name = invocation.value("--holder", variable("BATON_HOLDER"));
      !name.empty())
    asker.name = name;
  if (const std::string url = invocation.value("--holder-url"); !url.empty()) asker.url = url;
  return asker;
}

Result<LockRequest> lock_request(const Invocation& invocation) {
  LockRequest request;
  request.what = what_of(invocation);
  BATON_TRY(wants, wants_of(invocation));
  const Asker asker = asker_of(invocation);
  json::object holder{{"name", asker.name}};
  add_text(holder, "url", asker.url);
  add_text(holder, "run", asker.run);
  add_text(holder, "reason", invocation.value("--reason"));
  request.body = {{"wants", std::move(wants)}, {"holder", std::move(holder)}};
  if (const std::string text = invocation.value("--ttl"); !text.empty()) {
    BATON_TRY(ttl, parse_duration(text));
    request.body["ttl"] = format_duration(ttl);
  }
  if (const std::string text = invocation.value("--wait"); !text.empty()) {
    BATON_TRY(wait, parse_duration(text));
    request.wait = wait;
  }
  if (const std::string text = invocation.value("--priority"); !text.empty()) {
    int priority = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), priority);
    if (bad != std::errc{} || end != text.data() + text.size())
      return fail_with_fix(Code::invalid, "--priority 5", "--priority \"{}\" is no number", text);
    request.body["priority"] = priority;
  }
  add_text(request.body, "supersede_key", invocation.value("--supersede"));
  return request;
}

std::optional<client::HeldLease> wait_for_lock(const client::Endpoint& endpoint,
                                               const LockRequest& request, std::stop_token stop,
                                               int& code) {
  LockProgress progress{request.what};
  client::LeaseWait how;
  how.wait = request.wait;
  how.stop = std::move(stop);
  how.on_queued = [&](const json::value& lease) { progress.queued(lease); };
  how.on_trouble = [&](const Error& error) { progress.trouble(error); };
  auto waited = client::acquire_lease(endpoint, request.body, how);
  progress.end();
  if (!waited) {
    const Error& error = waited.error();
    code = error.code == Code::busy ? not_served(endpoint, request, {}, &error)
                                    : report("lock " + request.what, error);
    return std::nullopt;
  }
  switch (waited->end) {
    case client::Waited::End::held: return std::move(waited->lease);
    case client::Waited::End::timed_out:
      code = not_served(endpoint, request, waited->document, nullptr);
      break;
    case client::Waited::End::stopped:
      say(fmt::format("stopped waiting for {}; the request is cancelled", request.what));
      code = kError;  // the caller knows the signal
      break;
    case client::Waited::End::ended: code = ended_otherwise(request, waited->document); break;
  }
  return std::nullopt;
}

std::map<std::string, std::string> lease_variables(const json::value& lease) {
  std::map<std::string, std::string> variables{{"BATON_LEASE", text_at(lease, "id")},
                                               {"BATON_FENCE", text_at(lease, "fence")}};
  const json::object* object = lease.if_object();
  if (object == nullptr) return variables;
  std::string names;
  std::string slots;
  std::set<std::string> seen;
  if (const json::value* grants = object->if_contains("grants");
      grants != nullptr && grants->is_array())
    for (const json::value& grant : grants->get_array()) {
      slots += (slots.empty() ? "" : ",") + text_at(grant, "slot");
      const std::string name = text_at(grant, "environment");
      if (seen.insert(name).second) names += (names.empty() ? "" : ",") + name;
    }
  variables["BATON_ENVIRONMENT"] = names;
  variables["BATON_SLOT"] = slots;
  if (const json::value* properties = object->if_contains("properties");
      properties != nullptr && properties->is_object())
    for (const auto& [key, value] : properties->get_object())
      variables[variable_name("BATON_ENV_", key)] =
          value.is_string() ? std::string{value.get_string()} : json::serialize(value);
  return variables;
}

std::string grants_of(const json::value& lease) {
  std::string text;
  const json::object* object = lease.if_object();
  const json::value* grants = object == nullptr ? nullptr : object->if_contains("grants");
  if (grants != nullptr && grants->is_array())
    for (const json::value& grant : grants->get_array())
      text += fmt::format("{}{}/{}", text.empty() ? "" : ", ", text_at(grant, "environment"),
                          text_at(grant, "slot"));
  return text;
}

std::string describe_holder(const json::value& holder) {
  // A lease carries its holder; a list of holders may be of either kind.
  const json::object* object = holder.if_object();
  if (object != nullptr)
    if (const json::value* inner = object->if_contains("holder");
        inner != nullptr && inner->is_object())
      return describe_holder(*inner);
  if (const json::string* name = holder.if_string()) return std::string{*name};
  std::string more;
  for (const char* key : {"reason", "url"})
    if (const std::string text = text_at(holder, key); !text.empty())
      more += (more.empty() ? "" : ", ") + text;
  const std::string name = text_at(holder, "name");
  return more.empty() ? name : fmt::format("{} ({})", name, more);
}

}  // namespace baton::cli
