// SPDX-License-Identifier: MIT
#include "cli/runs_verbs.h"

#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <optional>

#include "cli/connection.h"
#include "cli/follow.h"
#include "cli/pages.h"
#include "cli/simple.h"
#include "cli/transfers.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

const std::vector<Column> kRunColumns{
    {"ID", "id"},           {"SUITE", "suite"},     {"STATE", "state"},
    {"VERDICT", "verdict"}, {"PASSED", "counts.passed"}, {"FAILED", "counts.failed"},
    {"FLAKY", "counts.flaky"}, {"REFERENCE", "reference"}, {"QUEUED", "queued_at"}};

const std::vector<Column> kTestColumns{
    {"TEST", "name"}, {"VERDICT", "verdict"}, {"OUTCOME", "outcome"}};

int list(Host&, const Invocation& invocation) {
  std::string query = "/runs?limit=" + invocation.value("--limit", "50");
  for (const char* name : {"suite", "state", "verdict", "reference", "environment", "q", "cursor"})
    if (const std::string value = invocation.value(std::string{"--"} + name); !value.empty())
      query += fmt::format("&{}={}", name, client::escape(value));
  for (const std::string& label : invocation.all("--label"))
    query += "&label=" + client::escape(label);
  return get_and_print(invocation, "runs", query, kRunColumns);
}

// A run with its tests: "view".
int view(Host&, const Invocation& invocation) {
  const auto id = run_argument(invocation);
  if (!id) return report("runs view", id.error()), kUsage;
  auto api = connect(invocation);
  if (!api) return report("runs view", api.error());
  auto run = api->get(fmt::format("/runs/{}", *id));
  if (!run) return report("runs view", run.error());
  auto tests = all_items(*api, fmt::format("/runs/{}/tests", *id),
                         invocation.has("--failed") ? "verdict=failed" : "");
  if (!tests) return report("runs view", tests.error());
  if (invocation.output != Output::table) {
    run->as_object()["tests"] = std::move(*tests);
    print(invocation.output, *run, {});
    return kOk;
  }
  print_object(Output::table, *run,
               {{"run", "id"}, {"suite", "suite"}, {"state", "state"}, {"verdict", "verdict"},
                {"reference", "reference"}, {"triggered by", "triggered_by"}, {"labels", "labels"},
                {"queued", "queued_at"}, {"started", "started_at"}, {"finished", "finished_at"},
                {"message", "message"}, {"setup", "setup_log"}});
  std::printf("\n");
  print(Output::table, json::value(std::move(*tests)), kTestColumns);
  return kOk;
}

int watch(Host&, const Invocation& invocation) {
  const auto id = run_argument(invocation);
  if (!id) return report("runs watch", id.error()), kUsage;
  const auto target = find_target(invocation);
  if (!target) return report("runs watch", target.error());
  FollowOptions options;
  options.logs = invocation.has("--logs");
  options.fail_on_flaky = invocation.has("--fail-on-flaky");
  options.output = invocation.output;
  if (const std::string text = invocation.value("--timeout"); !text.empty()) {
    const auto limit = parse_duration(text);
    if (!limit) return report("runs watch", limit.error()), kUsage;
    options.timeout = *limit;
  }
  return follow(target->endpoint(), *id, options);
}

int print_log(client::ApiClient& api, std::string_view what, const std::string& path) {
  const auto done = api.download(path, [](std::string_view piece) {
    return std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size();
  });
  return done ? kOk : report(what, done.error());
}

// Some lines of a log. An answer holds as many as the server likes to hold in memory and says which
// line comes next.
int print_lines(client::ApiClient& api, const std::string& path, std::int64_t from,
                std::int64_t lines) {
  while (lines > 0) {
    client::Call call;
    call.path = fmt::format("{}from_line={}&lines={}", path, from, lines);
    const auto reply = api.call(call);
    if (!reply) return report("runs logs", reply.error());
    std::fwrite(reply->text.data(), 1, reply->text.size(), stdout);
    std::int64_t next = from;
    const std::string_view header = reply->headers.get("Baton-Next-Line");
    std::from_chars(header.data(), header.data() + header.size(), next);
    if (next <= from || reply->text.empty()) break;
    lines -= next - from;
    from = next;
  }
  return kOk;
}

// The logs of the attempts that did not pass, each under a title.
int failed_logs(client::ApiClient& api, std::int64_t id) {
  const auto tests = all_items(api, fmt::format("/runs/{}/tests", id));
  if (!tests) return report("runs logs", tests.error());
  for (const json::value& test : *tests) {
    const json::value* attempts = test.as_object().if_contains("attempts");
    if (attempts == nullptr) continue;
    for (const json::value& attempt : attempts->as_array()) {
      const std::string outcome = text_at(attempt, "outcome");
      if (outcome == "passed" || outcome == "skipped" || outcome == "running") continue;
      const std::string name = text_at(test, "name");
      const std::int64_t number = integer_at(attempt, "attempt");
      std::printf("==> %s, attempt %lld: %s <==\n", harmless(name).c_str(),
                  static_cast<long long>(number), outcome.c_str());
      const int code = print_log(
          api, "runs logs",
          fmt::format("/runs/{}/log?test={}&attempt={}", id, client::escape(name), number));
      if (code != kOk) return code;
    }
  }
  return kOk;
}

int logs(Host&, const Invocation& invocation) {
  const auto id = run_argument(invocation);
  if (!id) return report("runs logs", id.error()), kUsage;
  auto api = connect(invocation);
  if (!api) return report("runs logs", api.error());
  if (invocation.has("--failed")) return failed_logs(*api, *id);
  std::string path = fmt::format("/runs/{}/log?", *id);
  for (const auto& [flag, name] : {std::pair{"--test", "test"}, std::pair{"--attempt", "attempt"}})
    if (const std::string value = invocation.value(flag); !value.empty())
      path += fmt::format("{}={}&", name, client::escape(value));
  auto from = number_of(invocation, "--from-line");
  auto lines = number_of(invocation, "--lines");
  if (!from || !lines) return report("runs logs", (from ? lines : from).error()), kUsage;
  if (*lines) return print_lines(*api, path, from->value_or(1), **lines);
  if (*from) path += fmt::format("from_line={}&", **from);
  path.pop_back();
  return print_log(*api, "runs logs", path);
}

int cancel(Host&, const Invocation& invocation) {
  const auto id = run_argument(invocation);
  if (!id) return report("runs cancel", id.error()), kUsage;
  return post_and_print(invocation, "runs cancel", fmt::format("/runs/{}/cancel", *id),
                        json::object{},
                        {{"run", "id"}, {"state", "state"}, {"verdict", "verdict"}});
}

int rerun(Host&, const Invocation& invocation) {
  const auto id = run_argument(invocation);
  if (!id) return report("runs rerun", id.error()), kUsage;
  const auto target = find_target(invocation);
  if (!target) return report("runs rerun", target.error());
  client::ApiClient api{target->endpoint()};
  auto run = api.post(fmt::format("/runs/{}/rerun", *id),
                      json::object{{"failed_only", invocation.has("--failed")}});
  if (!run) return report("runs rerun", run.error());
  const std::int64_t next = integer_at(*run, "id");
  if (invocation.has("--no-wait")) {
    if (invocation.output == Output::table) std::printf("%lld\n", static_cast<long long>(next));
    else print(invocation.output, *run, {});
    return kOk;
  }
  say(fmt::format("run {} repeats run {}", next, *id));
  FollowOptions options;
  options.cancel_on_signal = true;
  options.output = invocation.output;
  return follow(target->endpoint(), next, options);
}

int export_run(Host&, const Invocation& invocation) {
  const auto id = run_argument(invocation);
  if (!id) return report("runs export", id.error()), kUsage;
  const std::string format = invocation.value("--format", "junit");
  if (format != "junit" && format != "ctrf")
    return report("runs export",
                  Error{Code::invalid, "--format is junit or ctrf", "--format junit"});
  auto api = connect(invocation);
  if (!api) return report("runs export", api.error());
  return print_log(*api, "runs export",
                   fmt::format("/runs/{}/{}", *id, format == "junit" ? "junit.xml" : "ctrf.json"));
}

int remove(Host&, const Invocation& invocation) {
  const auto id = run_argument(invocation);
  if (!id) return report("runs rm", id.error()), kUsage;
  return delete_path(invocation, "runs rm", fmt::format("/runs/{}", *id));
}

}  // namespace

std::vector<Verb> runs_verbs() {
  std::vector<Verb> verbs{
      make_verb("runs ls", "", "List runs, newest first",
                {{"--suite", "S", "Only of this suite"},
                 {"--state", "STATE", "queued, waiting, running or finished"},
                 {"--verdict", "V", "passed, failed, errored, cancelled, timed_out or empty"},
                 {"--reference", "R", "Only with this reference"},
                 {"--environment", "E", "Only against this environment"},
                 {"--label", "K=V", "Only with this label", true},
                 {"--q", "TEXT", "Words in the reference, the suite or a failure message"},
                 {"--limit", "N", "At most so many (50; up to 500)"},
                 {"--cursor", "C", "Go on where the last page ended"}},
                list),
      make_verb("runs view", "RUN", "Show a run and its tests",
                {{"--failed", "", "Only tests that failed"}}, view),
      make_verb(
          "runs watch", "RUN", "Wait for a run; exits as `baton run` does",
          {{"--logs", "", "Print the tests' output as it comes"},
           {"--timeout", "D", "Stop waiting after this time, with exit code 124"},
           {"--fail-on-flaky", "", "Exit with 12 when a case passed only on a later attempt"}},
          watch),
      make_verb("runs logs", "RUN", "Print the output of a run, a test or an attempt",
                {{"--test", "T", "Only of this test"},
                 {"--attempt", "N", "Only of this attempt"},
                 {"--from-line", "N", "Begin at this line, from 1"},
                 {"--lines", "N", "At most so many lines"},
                 {"--failed", "", "The output of every attempt that did not pass"}},
                logs),
      make_verb("runs cancel", "RUN", "Cancel a run", {}, cancel),
      make_verb("runs rerun", "RUN", "Run again with the same request",
                {{"--failed", "", "Only the cases that did not pass"},
                 {"--no-wait", "", "Print the new run's id and return at once"}},
                rerun),
      make_verb("runs artifacts", "RUN", "List or download the artifacts of a run",
                {{"--download", "DIR", "Save all of them below this folder, in TEST/ATTEMPT"}},
                artifacts),
      make_verb("runs export", "RUN", "Print the results of a run in a common format",
                {{"--format", "F", "junit (default) or ctrf"}}, export_run),
      make_verb("runs rm", "RUN", "Delete a finished run with its logs and artifacts", {}, remove),
      make_verb("report upload", "FILE",
                "Record result files of tests that ran elsewhere, together as one run",
                {{"--suite", "S", "The suite, namespace/name; needed"},
                 {"--format", "F",
                  "auto, junit, ctrf, tap, gotest, gtest, playwright, trx, nunit, xunit, cucumber"},
                 {"--ref", "R", "What was tested"},
                 {"--revision", "R", "Revision of the tested code"},
                 {"--partial", "", "Store what can be read of a malformed file"},
                 {"--exit-code", "", "Exit as `baton run` would with these results"}},
                upload_report)};
  for (Verb& one : verbs)
    if (one.path == "runs artifacts")
      for (Flag& flag : page_flags()) one.flags.push_back(std::move(flag));
  verbs.back().arguments_max = 1000;
  verbs.back().example = "baton report upload out/*.xml --suite pay/checkout --ref $SHA";
  return verbs;
}

}  // namespace baton::cli
