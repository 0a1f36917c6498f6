// SPDX-License-Identifier: MIT
#include "cli/lock_verbs.h"

#include <boost/json.hpp>
#include <charconv>
#include <cstdio>

#include "base/file.h"
#include "base/text.h"
#include "cli/connection.h"
#include "cli/lock_exec.h"
#include "cli/lock_request.h"
#include "cli/pages.h"
#include "cli/signals.h"
#include "cli/simple.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

// A restarting server is waited for by who gives back, so that nobody waits for the TTL.
constexpr Duration kReleasePatience{10'000};

const std::vector<Column> kLeaseLines{
    {"lease", "id"},          {"state", "state"},   {"environment", "grants"},
    {"holder", "holder"},     {"fence", "fence"},   {"expires in ms", "expires_in_ms"},
    {"ended by", "ended_by"}, {"reason", "reason"}, {"successor", "successor"}};

// For tables: the nested parts as people read them.
json::value for_people(json::value lease) {
  if (!lease.is_object()) return lease;
  json::object& object = lease.as_object();
  std::string wanted = grants_of(lease);
  if (const json::value* wants = object.if_contains("wants");
      wanted.empty() && wants != nullptr && wants->is_array())
    for (const json::value& want : wants->get_array()) {
      const std::string name = text_at(want, "environment");
      wanted += (wanted.empty() ? "" : ", ") + (name.empty() ? text_at(want, "labels") : name);
    }
  object["grants"] = wanted;
  if (const json::value* holder = object.if_contains("holder"))
    object["holder"] = describe_holder(*holder);
  if (const std::int64_t left = integer_at(lease, "expires_in_ms"); left > 0)
    object["expires"] = "in " + describe_duration(Duration{left});
  else if (const std::int64_t position = integer_at(lease, "position"); position > 0)
    object["expires"] = fmt::format("position {}", position);
  return lease;
}

int print_lease(const Invocation& invocation, json::value lease) {
  const bool table = invocation.output == Output::table;
  print_object(invocation.output, table ? for_people(std::move(lease)) : lease, kLeaseLines);
  return kOk;
}

// The id alone on stdout, so that LEASE=$(baton lock acquire …) works; or the whole lease.
void print_id(const Invocation& invocation, const json::value& lease) {
  if (invocation.output != Output::table) return print(invocation.output, lease, {});
  std::printf("%s\n", harmless(text_at(lease, "id")).c_str());
}

// NAME=value lines as $GITHUB_ENV, GitLab's dotenv reports and `set -a; . FILE` read them. A value
// of several lines has no form that all of them read.
Result<void> write_variables(const std::string& path, const json::value& lease) {
  std::string text;
  if (auto before = read_file(path)) text = *std::move(before);
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  for (const auto& [name, value] : lease_variables(lease)) {
    if (has_control_bytes(value))
      return fail_with_fix(Code::unprocessable, "use `baton lock exec`, which hands on any value",
                           "the value of {} does not fit on a line", name);
    text += fmt::format("{}={}\n", name, value);
  }
  if (auto written = replace_file(path, text); !written)
    return tl::unexpected(of_file(std::move(written).error()));
  return {};
}

int acquire(Host&, const Invocation& invocation) {
  const auto request = lock_request(invocation);
  if (!request) return report("lock acquire", request.error()), kUsage;
  const auto target = find_target(invocation);
  if (!target) return report("lock acquire", target.error());
  Signals signals;
  int code = kError;
  const auto held = wait_for_lock(target->endpoint(), *request, signals.token(), code);
  if (!held) return signals.exit_code(code);
  const auto give_back = [&] {
    static_cast<void>(client::release_lease(target->endpoint(), held->id,
                                            {held->fence, "clean", ""}, kReleasePatience));
  };
  // It came between the grant and here: whoever asked does not want it any more.
  if (signals.received() != 0) return give_back(), signals.exit_code(kError);
  if (const std::string path = invocation.value("--env-file"); !path.empty())
    if (auto written = write_variables(path, held->document); !written)
      return give_back(), report("lock acquire --env-file " + path, written.error());
  print_id(invocation, held->document);
  say(harmless(fmt::format("{} is held as {}, fence {}, for {} unless renewed",
                           grants_of(held->document), held->id, held->fence,
                           describe_duration(held->left))));
  return kOk;
}

// The lease that is meant: the argument, or BATON_LEASE. An environment's name stands for the lease
// that this user, machine or build holds there.
Result<std::string> lease_argument(const Invocation& invocation, client::ApiClient& api) {
  const std::string given =
      invocation.arguments.empty() ? variable("BATON_LEASE") : invocation.arguments[0];
  if (given.empty())
    return fail_with_fix(Code::invalid, "name one; `baton lock ls` lists them",
                         "no lease is named, and BATON_LEASE is not set");
  if (given.starts_with("lse_")) return given;
  BATON_TRY(held, all_items(api, "/leases", "state=held&environment=" + client::escape(given)));
  const Asker asker = asker_of(invocation);
  std::vector<std::string> mine;
  std::string others;
  for (const json::value& lease : held) {
    if (is_same_asker(asker, text_at(lease, "holder.name"), text_at(lease, "holder.run")))
      mine.push_back(text_at(lease, "id"));
    else
      others += fmt::format("{}{} by {}", others.empty() ? "" : ", ", text_at(lease, "id"),
                            text_at(lease, "holder.name"));
  }
  if (mine.size() == 1) return mine[0];
  if (mine.size() > 1)
    return fail_with_fix(Code::conflict, "name the lease by its id; `baton lock ls` lists them",
                         "{} leases of {} are yours", mine.size(), given);
  return fail_with_fix(Code::not_found, "baton lock ls", "no lease of {} is yours{}", given,
                       others.empty() ? "" : "; held: " + others);
}

// --fence, or BATON_FENCE where BATON_LEASE is the lease, or what the server says it is.
Result<std::int64_t> fence_of(const Invocation& invocation, client::ApiClient& api,
                              const std::string& lease) {
  std::string text = invocation.value("--fence");
  if (text.empty() && variable("BATON_LEASE") == lease) text = variable("BATON_FENCE");
  if (text.empty()) {
    BATON_TRY(document, api.get("/leases/" + client::escape(lease)));
    return integer_at(document, "fence");
  }
  std::int64_t fence = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), fence);
  if (bad != std::errc{} || end != text.data() + text.size())
    return fail_with_fix(Code::invalid, "--fence 42", "the fence \"{}\" is no number", text);
  return fence;
}

// Who acts on a lease that is gone has lost it.
int report_lost(std::string_view what, const Error& error) {
  const int code = report(what, error);
  return error.code == Code::gone ? kLeaseLost : code;
}

int renew(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("lock renew", api.error());
  api->set_patience(kReleasePatience);
  const auto lease = lease_argument(invocation, *api);
  if (!lease) return report("lock renew", lease.error());
  const auto fence = fence_of(invocation, *api, *lease);
  if (!fence) return report("lock renew " + *lease, fence.error());
  auto renewed = client::renew_lease(*api, *lease, *fence, kReleasePatience);
  if (!renewed) return report_lost("lock renew " + *lease, renewed.error());
  return print_lease(invocation, std::move(renewed->document));
}

int release(Host&, const Invocation& invocation) {
  const auto target = find_target(invocation);
  if (!target) return report("lock release", target.error());
  client::ApiClient api{target->endpoint()};
  api.set_patience(kReleasePatience);
  const auto lease = lease_argument(invocation, api);
  if (!lease) return report("lock release", lease.error());
  client::LeaseFarewell farewell;
  farewell.outcome = invocation.value("--outcome");
  farewell.note = invocation.value("--note");
  const bool own = variable("BATON_LEASE") == *lease && !variable("BATON_FENCE").empty();
  if (own || !invocation.value("--fence").empty()) {
    const auto fence = fence_of(invocation, api, *lease);
    if (!fence) return report("lock release " + *lease, fence.error());
    farewell.fence = *fence;
  }
  auto ended = client::release_lease(target->endpoint(), *lease, farewell, kReleasePatience);
  if (!ended) return report("lock release " + *lease, ended.error());
  return print_lease(invocation, std::move(*ended));
}

int transfer(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("lock transfer", api.error());
  const std::string heir = invocation.value("--to");
  const std::string name = invocation.value("--to-holder");
  if (heir.empty() == name.empty())
    return report("lock transfer", Error{Code::invalid,
                                         "say who gets it: a lease that waits or a "
                                         "new holder",
                                         "--to LEASE, or --to-holder NAME"});
  const auto lease = lease_argument(invocation, *api);
  if (!lease) return report("lock transfer", lease.error());
  const auto fence = fence_of(invocation, *api, *lease);
  if (!fence) return report("lock transfer " + *lease, fence.error());
  json::object to{{"lease", heir}};
  if (heir.empty()) {
    json::object holder{{"name", name}};
    for (const auto& [flag, key] :
         {std::pair{"--holder-url", "url"}, std::pair{"--reason", "reason"}})
      if (const std::string value = invocation.value(flag); !value.empty()) holder[key] = value;
    to = {{"holder", std::move(holder)}};
  }
  auto next = api->post(fmt::format("/leases/{}/transfer", client::escape(*lease)),
                        json::object{{"fence", *fence}, {"to", std::move(to)}});
  if (!next) return report_lost("lock transfer " + *lease, next.error());
  print_id(invocation, *next);
  say(harmless(fmt::format("{} went to {} as {}, fence {}", grants_of(*next),
                           text_at(*next, "holder.name"), text_at(*next, "id"),
                           integer_at(*next, "fence"))));
  return kOk;
}

int revoke(Host&, const Invocation& invocation) {
  const std::string reason = invocation.value("--reason");
  if (reason.empty())
    return report("lock revoke", Error{Code::invalid, "no reason is given; the holder reads it",
                                       "--reason \"why it is taken away\""});
  auto api = connect(invocation);
  if (!api) return report("lock revoke", api.error());
  const std::string& lease = invocation.arguments.at(0);
  auto ended = api->post(fmt::format("/leases/{}/revoke", client::escape(lease)),
                         json::object{{"reason", reason}});
  if (!ended) return report("lock revoke " + lease, ended.error());
  return print_lease(invocation, std::move(*ended));
}

int list(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("lock ls", api.error());
  std::string query = "limit=" + client::escape(invocation.value("--limit", "50"));
  for (const char* name : {"environment", "holder", "cursor"})
    if (const std::string value = invocation.value(std::string{"--"} + name); !value.empty())
      query += fmt::format("&{}={}", name, client::escape(value));
  // Without a word on it those that hold or wait.
  std::vector<std::string> states{"held", "queued"};
  if (const std::string state = invocation.value("--state"); !state.empty()) states = {state};
  if (invocation.has("--all")) states = {""};
  json::array items;
  std::string next;
  for (const std::string& state : states) {
    auto page =
        api->get("/leases?" + query + (state.empty() ? "" : "&state=" + client::escape(state)));
    if (!page) return report("lock ls", page.error());
    for (json::value& lease : page->at("items").as_array()) items.push_back(std::move(lease));
    next = text_at(*page, "next_cursor");
  }
  if (invocation.output == Output::table)
    for (json::value& lease : items) lease = for_people(std::move(lease));
  json::object document{{"items", std::move(items)}};
  if (!next.empty() && states.size() == 1) document["next_cursor"] = next;
  print(invocation.output, document,
        {{"LEASE", "id"},
         {"STATE", "state"},
         {"ENVIRONMENT", "grants"},
         {"HOLDER", "holder"},
         {"FENCE", "fence"},
         {"SINCE", "granted_at"},
         {"EXPIRES", "expires"}});
  if (!next.empty() && invocation.output == Output::table)
    say(states.size() == 1 ? "more: --cursor " + next : "more: --state held, or --limit 500");
  return kOk;
}

const Flag kFence{"--fence", "N", "The lease's fence (BATON_FENCE, else what the server says)"};
const Flag kOutcome{"--outcome", "O", "How it is left: clean (default), dirty or broken"};

Verb acquire_verb() {
  Verb verb = make_verb("lock acquire", "ENV", "Take an environment, waiting for it if need be",
                        lock_flags(), acquire);
  verb.arguments_max = kLockEnvironmentsMax;
  verb.flags.push_back(
      {"--env-file", "F", "Append BATON_LEASE=…, BATON_FENCE=… and the properties"});
  verb.example =
      "LEASE=$(baton lock acquire deploy-or-test --wait 10m --ttl 1h)\n"
      "  ./deploy.sh\n  baton lock release $LEASE";
  return verb;
}

Verb exec_verb() {
  Verb verb = make_verb("lock exec", "ENV", "Hold an environment while a command runs",
                        lock_flags(), lock_exec);
  verb.arguments_max = kLockEnvironmentsMax;
  verb.takes_rest = true;
  verb.flags.push_back({"--kill-grace", "D", "From SIGTERM to SIGKILL when the time is over (5s)"});
  verb.flags.push_back({"--outcome", "O", "How the command leaves it: clean, dirty or broken"});
  verb.flags.push_back({"--dirty-on-failure", "", "dirty when the command's exit code is not 0"});
  verb.example = "baton lock exec staging --wait 30m --reason \"release 1.4\" -- ./deploy.sh";
  return verb;
}

}  // namespace

std::vector<Verb> lock_verbs() {
  std::vector<Verb> verbs{
      exec_verb(),
      acquire_verb(),
      make_verb("lock renew", "LEASE", "Keep a lease for another full time", {kFence}, renew),
      make_verb("lock release", "LEASE", "Give a lease back, or stop waiting for it",
                {kFence,
                 kOutcome,
                 {"--note", "T", "A word for the history"},
                 {"--holder", "NAME", "With an environment's name: whose lease"}},
                release),
      make_verb("lock transfer", "LEASE",
                "Hand a lease on; the environment is never free in between",
                {{"--to", "LEASE", "To this one, which waits"},
                 {"--to-holder", "NAME", "To a new lease of this holder"},
                 {"--holder-url", "URL", "Where to look at the new holder"},
                 {"--reason", "T", "What the new holder does"},
                 kFence},
                transfer),
      make_verb("lock revoke", "LEASE", "Take a lease away from its holder",
                {{"--reason", "T", "Why; the holder reads it"}}, revoke),
      make_verb("lock ls", "", "List the leases that are held or waited for",
                {{"--environment", "E", "Only of this environment"},
                 {"--holder", "NAME", "Only of this holder"},
                 {"--state", "STATE", "held, queued, released, expired, cancelled, timed_out, …"},
                 {"--all", "", "In any state, newest first"}},
                list)};
  for (Flag& flag : page_flags()) verbs.back().flags.push_back(std::move(flag));
  // BATON_LEASE or --label may stand for the argument.
  for (Verb& verb : verbs)
    if (verb.path != "lock revoke") verb.arguments_min = 0;
  return verbs;
}

}  // namespace baton::cli
