// SPDX-License-Identifier: MIT
// The sections that say how the server itself behaves.
#include "config/keys.h"
#include "config/make.h"

namespace baton::config {
namespace {

using make::boolean;
using make::choice;
using make::duration;
using make::integer;
using make::labels;
using make::list;
using make::map;
using make::object;
using make::of;
using make::text;
using make::texts;

Schema data_key() {
  Schema schema = text(
      "Where everything is kept: a folder, or `postgres://…` for the rows, with `files` for the "
      "rest. A database address with a password is better given as a secret. Without this key "
      "`$STATE_DIRECTORY` counts, which systemd sets.",
      "./baton-data");
  schema.alternatives.push_back(make::secret(""));
  return schema;
}

}  // namespace

Schema server_section() {
  return object(
      "Where the server listens and what it keeps.",
      {
          {"listen",
           of(Type::address,
              "Address and port, `[::1]:1337` for IPv6; port 0 takes a free one. Other than "
              "loopback addresses should have `tls` or a proxy that has.",
              "127.0.0.1:1337"),
           false, "BATON_LISTEN"},
          {"data", data_key(), false, "BATON_DATA"},
          {"files",
           of(Type::path,
              "The folder of logs, artifacts and runners, where it is not `data` itself."),
           false, "BATON_FILES"},
          {"public_url",
           of(Type::url, "How others reach this server; links in answers begin with it."), false,
           "BATON_PUBLIC_URL"},
          {"instance",
           text("The name of this server where several are watched: the label `instance` of its "
                "metrics.",
                "baton"),
           false, "BATON_INSTANCE"},
          {"environment",
           text("What the legacy routes say a run ran against when it named no environment."),
           false, "BATON_SERVER_ENVIRONMENT"},
          {"auth",
           choice("`token`: every request needs a token. `none`: nobody does, which is accepted on "
                  "loopback addresses only.",
                  "token", {"token", "none"}),
           false, "BATON_AUTH"},
          {"tls", object("Serve HTTPS.",
                         {{"certificate", of(Type::path, "The certificate chain, PEM."), true},
                          {"key", of(Type::path, "Its private key, PEM."), true}})},
          {"retention",
           object("When finished runs are removed, with their logs and artifacts.",
                  {{"runs", duration("Older runs go. `0` keeps all.", "90d")},
                   {"keep_last", integer("As many of each suite stay, however old they are.", "100",
                                         0, 1'000'000)}})},
          {"auto_create_environments",
           boolean("A lease for an environment that nobody declared creates it with one slot.",
                   true)},
          {"drain",
           duration("How long a stopping server waits for requests that are being answered. "
                    "Meanwhile it answers others, but starts no runs. Runs go on without it.",
                    "30s")},
          {"log",
           object("The server's own log, on standard error.",
                  {{"level",
                    choice("The least that is told.", "info",
                           {"debug", "info", "warn", "error", "off"}),
                    false, "BATON_LOG_LEVEL"},
                   {"format", choice("Lines for people or for programs.", "text", {"text", "json"}),
                    false, "BATON_LOG_FORMAT"}})},
      });
}

Schema limits_section() {
  return object(
      "What is refused or waits when there is too much of it.",
      {
          {"running_runs",
           integer("Runs at the same time; `0` takes the number of cores.", "0", 0, 10'000), false,
           "BATON_RUNNING_RUNS"},
          {"queued_runs", integer("Runs that wait; beyond it, 429.", "100000", 1, 10'000'000)},
      });
}

Schema maybe_section() {
  return object(
      "The legacy route `/maybe`.",
      {
          {"hold", duration("How long a request may be held until the environment is free.", "0s")},
          {"ttl", duration("How long a legacy client may keep it; `0` is for ever.", "2h")},
      });
}

Schema suites_section() {
  return list(
      "Suites and how to run them. What a file declares cannot be changed over HTTP.",
      object(
          "One suite.",
          {
              {"name",
               of(Type::name,
                  "Unique in its namespace. Only an entry of kind `cpp` may lack it: it declares "
                  "every suite of its binary, under the binary's namespaces and names.")},
              {"namespace", of(Type::name, "What suites are grouped by.", "default")},
              {"description", text("Markdown.")},
              {"owner", text("Who is asked when it fails.")},
              {"labels", labels("For filters; copied to each run.")},
              {"kind",
               choice("What the command is: it decides how cases are found, chosen and reported. "
                      "A `cpp` binary also says what the entry does not: `description`, `owner`, "
                      "`labels`, `environment`, `workers`, `max_attempts`, `back_off`, `timeout`, "
                      "`attempt_timeout`.",
                      "",
                      {"cpp", "gtest", "catch2", "doctest", "ctest", "pytest", "playwright", "go",
                       "tap", "junit", "command"}),
               true},
              {"command",
               texts("Program and arguments. No shell is involved; a program with a `/` is "
                     "relative to the folder."),
               true},
              {"folder", of(Type::path, "Working directory of the suite's processes.", ".")},
              {"variables", map("Environment variables of the suite's processes.", text(""))},
              {"environment", text("The environment that it needs, which tests can ask for.")},
              {"isolate", choice("One process for each case, or one for the whole suite.", "suite",
                                 {"suite", "case"})},
              {"workers", integer("Attempts at the same time.", "1", 1, 64)},
              {"running_runs",
               integer("Runs of it at the same time; `0` leaves it to `limits`.", "0", 0, 10'000)},
              {"max_attempts", integer("Tries of a case that does not pass.", "1", 1, 100)},
              {"back_off",
               duration("The wait before the second attempt; doubles up to a minute.", "0s")},
              {"timeout", duration("Of the whole run; `0` is none.", "0s")},
              {"attempt_timeout", duration("Of one attempt; `0` is none.", "0s")},
              {"kill_grace", duration("Between SIGTERM and SIGKILL.", "2s")},
              {"log_limit",
               make::limited(
                   of(Type::size,
                      "What is kept of one attempt's output, its beginning and its end.", "64MiB"),
                   1024, 1LL << 40)},
              {"reports",
               texts("Result files to read, as globs relative to the folder (kind `junit`).")},
              {"artifacts", texts("Files to keep, as globs relative to the folder.")},
              {"allow_empty", boolean("A run of no case passes instead of being `empty`.", false)},
          }));
}

Schema schedules_section() {
  return list(
      "Suites that the clock starts.",
      object(
          "One schedule, with either `cron` or `every`.",
          {
              {"name", of(Type::name, "Unique on the server."), true},
              {"suite", text("`namespace/name`, or `name` where that is unique."), true},
              {"cron", text("Five fields, or six with seconds first: `0 2 * * *`; also `@daily`.")},
              {"every", duration("At equal distances instead of by the calendar.")},
              {"time_zone", text("IANA name of the zone that `cron` means.", "UTC")},
              {"filter", text("RE2 expression over the names of the cases.")},
              {"max_runs", integer("It ends after as many; `0` never.", "0", 0, 1'000'000'000)},
              {"until", text("It ends at this time, RFC 3339.")},
              {"overlap",
               choice("What happens while its last run goes on: nothing, a run afterwards, a run "
                      "at once.",
                      "skip", {"skip", "queue", "allow"})},
              {"catch_up",
               choice("Whether one run makes up for what passed while the server was down.", "once",
                      {"none", "once"})},
              {"paused", boolean("Declared, but not started by the clock.", false)},
          }));
}

}  // namespace baton::config
