// SPDX-License-Identifier: MIT
#include "cli/suites_verbs.h"

#include <boost/json.hpp>

#include "cli/pages.h"
#include "cli/simple.h"
#include "client/api_client.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

// "ns/name" or "name" (namespace "default") as path segments.
std::string suite_path(const std::string& id) {
  const std::size_t slash = id.find('/');
  const std::string space = slash == std::string::npos ? "default" : id.substr(0, slash);
  const std::string name = slash == std::string::npos ? id : id.substr(slash + 1);
  return "/suites/" + client::escape(space) + "/" + client::escape(name);
}

std::string schedule_path(const Invocation& invocation) {
  return "/schedules/" + client::escape(invocation.arguments.at(0));
}

const std::vector<Column> kScheduleColumns{{"NAME", "name"},   {"SUITE", "suite"},
                                           {"CRON", "cron"},   {"EVERY", "every"},
                                           {"ZONE", "time_zone"}, {"NEXT", "next_at"},
                                           {"RUNS", "run_count"}, {"PAUSED", "paused"}};

int view_suite(Host&, const Invocation& invocation) {
  return get_and_print_object(invocation, "suites view", suite_path(invocation.arguments.at(0)),
                              {{"name", "name"},
                               {"namespace", "namespace"},
                               {"kind", "kind"},
                               {"description", "description"},
                               {"owner", "owner"},
                               {"labels", "labels"},
                               {"command", "command"},
                               {"environment", "environment"},
                               {"attempts", "max_attempts"},
                               {"problem", "discovery_error"},
                               {"cases", "cases"}});
}

int set_schedule(Host&, const Invocation& invocation) {
  json::object body;
  for (const auto& [flag, key] :
       {std::pair{"--suite", "suite"}, std::pair{"--cron", "cron"}, std::pair{"--every", "every"},
        std::pair{"--time-zone", "time_zone"}, std::pair{"--filter", "filter"},
        std::pair{"--until", "until"}, std::pair{"--overlap", "overlap"},
        std::pair{"--catch-up", "catch_up"}})
    if (const std::string value = invocation.value(flag); !value.empty()) body[key] = value;
  const auto max_runs = number_of(invocation, "--max-runs");
  if (!max_runs) return report("schedule set", max_runs.error());
  if (*max_runs) body["max_runs"] = **max_runs;
  return send_and_print(invocation, "schedule set", "PUT", schedule_path(invocation),
                        std::move(body), kScheduleColumns);
}

std::function<int(Host&, const Invocation&)> schedule_action(std::string action) {
  return [action = std::move(action)](Host&, const Invocation& invocation) {
    return post_and_print(
        invocation, "schedule " + action, schedule_path(invocation) + "/" + action, json::object{},
        action == "trigger" ? std::vector<Column>{{"run", "id"}, {"state", "state"}}
                            : kScheduleColumns);
  };
}

int create_token(Host&, const Invocation& invocation) {
  json::object body{{"name", invocation.arguments.at(0)},
                    {"scope", invocation.value("--scope", "operator")}};
  if (const std::string expires = invocation.value("--expires"); !expires.empty())
    body["expires"] = expires;
  return post_and_print(
      invocation, "token create", "/tokens", std::move(body),
      {{"id", "id"}, {"token", "token"}, {"scope", "scope"}, {"expires", "expires_at"}});
}

}  // namespace

std::vector<Verb> suites_verbs() {
  return {
      make_verb("suites ls", "", "List the suites", page_flags(),
                [](Host&, const Invocation& invocation) {
                  return print_page(invocation, "suites ls", "/suites",
                                    {{"NAMESPACE", "namespace"},
                                     {"NAME", "name"},
                                     {"KIND", "kind"},
                                     {"OWNER", "owner"},
                                     {"LAST RUN", "last_run.id"},
                                     {"VERDICT", "last_run.verdict"},
                                     {"DESCRIPTION", "description"}});
                }),
      make_verb("suites view", "SUITE", "Show a suite and its cases", {}, view_suite),
      make_verb("suites rm", "SUITE", "Delete a suite that no file declares", {},
                [](Host&, const Invocation& invocation) {
                  return delete_path(invocation, "suites rm",
                                     suite_path(invocation.arguments.at(0)));
                }),
  };
}

std::vector<Verb> schedule_verbs() {
  return {
      make_verb("schedule ls", "", "List the schedules", page_flags(),
                [](Host&, const Invocation& invocation) {
                  return print_page(invocation, "schedule ls", "/schedules", kScheduleColumns);
                }),
      make_verb("schedule set", "NAME", "Create or replace a schedule",
                {{"--suite", "S", "The suite to run"},
                 {"--cron", "EXPR", "Five fields, or six with seconds first"},
                 {"--every", "D", "A fixed interval instead of a cron expression"},
                 {"--time-zone", "ZONE", "IANA name (UTC)"},
                 {"--filter", "RE", "Only cases whose name matches"},
                 {"--max-runs", "N", "Stop after so many runs"},
                 {"--until", "TIME", "Stop at this time, RFC 3339"},
                 {"--overlap", "POLICY", "skip, queue or allow while a run of it goes on"},
                 {"--catch-up", "POLICY", "none or once after the server was down"}},
                set_schedule),
      make_verb("schedule pause", "NAME", "Stop it for now", {}, schedule_action("pause")),
      make_verb("schedule resume", "NAME", "Let it go on", {}, schedule_action("resume")),
      make_verb("schedule trigger", "NAME", "Start a run of it now", {},
                schedule_action("trigger")),
      make_verb("schedule rm", "NAME", "Delete it", {},
                [](Host&, const Invocation& invocation) {
                  return delete_path(invocation, "schedule rm", schedule_path(invocation));
                }),
  };
}

std::vector<Verb> token_verbs() {
  return {
      make_verb("token create", "NAME", "Make a token; it is shown only now",
                {{"--scope", "SCOPE", "viewer, operator (default) or admin"},
                 {"--expires", "TIME", "RFC 3339 time or a duration such as 90d"}},
                create_token),
      make_verb("token ls", "", "List the tokens", page_flags(),
                [](Host&, const Invocation& invocation) {
                  return print_page(invocation, "token ls", "/tokens",
                                    {{"ID", "id"},
                                     {"NAME", "name"},
                                     {"SCOPE", "scope"},
                                     {"CREATED", "created_at"},
                                     {"LAST USED", "last_used_at"},
                                     {"EXPIRES", "expires_at"}});
                }),
      make_verb("token revoke", "ID", "Make a token worthless", {},
                [](Host&, const Invocation& invocation) {
                  return delete_path(invocation, "token revoke",
                                     "/tokens/" + client::escape(invocation.arguments.at(0)));
                }),
      make_verb(
          "audit", "", "Who did what, newest first", page_flags(),
          [](Host&, const Invocation& invocation) {
            return print_page(
                invocation, "audit", "/audit",
                {{"TIME", "at"}, {"WHO", "actor"}, {"ACTION", "action"}, {"SUBJECT", "subject"}});
          }),
  };
}

}  // namespace baton::cli
