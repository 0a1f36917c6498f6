// SPDX-License-Identifier: MIT
#include "cli/run_verb.h"

#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>

#include "base/address.h"
#include "base/ids.h"
#include "base/text.h"
#include "cli/connection.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/pages.h"
#include "cli/simple.h"
#include "runner/discover.h"
#include "runner/probe.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

Result<json::object> request_body(const Invocation& invocation, const std::string& suite) {
  json::object body{{"suite", suite}};
  const auto put = [&](const char* key, std::string_view flag) {
    if (const std::string value = invocation.value(flag); !value.empty()) body[key] = value;
  };
  put("filter", "--filter");
  put("environment", "--env");
  put("reference", "--ref");
  put("triggered_by", "--triggered-by");
  put("revision", "--revision");
  put("branch", "--branch");
  if (invocation.has("--allow-empty")) body["allow_empty"] = true;
  BATON_TRY(attempts, number_of(invocation, "--max-attempts"));
  if (attempts) body["max_attempts"] = *attempts;
  BATON_TRY(params, pairs_of(invocation, "--param"));
  if (!params.empty()) body["params"] = params;
  BATON_TRY(labels, pairs_of(invocation, "--label"));
  if (!labels.empty()) body["labels"] = labels;
  return body;
}

Result<FollowOptions> follow_options(const Invocation& invocation) {
  FollowOptions options;
  options.cancel_on_signal = true;
  options.logs = invocation.has("--logs");
  options.fail_on_flaky = invocation.has("--fail-on-flaky");
  options.output = invocation.output;
  if (const std::string text = invocation.value("--timeout"); !text.empty()) {
    BATON_TRY(limit, parse_duration(text));
    options.timeout = limit;
  }
  return options;
}

int start_and_follow(const client::Endpoint& endpoint, const Invocation& invocation,
                     const std::string& suite, bool server_stays = true) {
  auto body = request_body(invocation, suite);
  if (!body) return report("run", body.error()) == kError ? kError : kUsage;
  auto options = follow_options(invocation);
  if (!options) return report("run", options.error()), kUsage;
  options->server_stays = server_stays;
  client::ApiClient api{endpoint};
  api.set_patience(Duration{10'000});
  client::Call call;
  call.method = "POST";
  call.path = "/runs";
  call.body = std::move(*body);
  const std::string key = invocation.value("--idempotency-key");
  call.headers.set("Idempotency-Key", key.empty() ? random_hex(16) : key);
  auto reply = api.call(call);
  if (!reply) return report("run " + suite, reply.error());
  const std::int64_t run = integer_at(reply->body, "id");
  if (invocation.has("--no-wait")) {
    if (invocation.output == Output::table) std::printf("%lld\n", static_cast<long long>(run));
    else print(invocation.output, reply->body, {});
    return kOk;
  }
  say(fmt::format("run {} of {}/{} · {}", run, text_at(reply->body, "namespace"),
                  text_at(reply->body, "suite"), endpoint.url));
  const int code = follow(endpoint, run, *options);
  if (const std::string path = invocation.value("--junit"); !path.empty()) {
    if (auto saved = save_junit(endpoint, run, path); !saved)
      return report("--junit " + path, saved.error());
  }
  return code;
}

// A name that tells the command and stays the same for it: "api_tests".
std::string adhoc_name(const std::vector<std::string>& command) {
  std::string name;
  for (const char c : std::filesystem::path(command[0]).filename().string())
    name += (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.')
                ? c
                : '_';
  if (name.empty() || name[0] == '.' || name[0] == '-') name.insert(0, 1, '_');
  return name.substr(0, 100);
}

// What a declaration of `suite` needs beyond its command.
json::object adhoc_suite(const model::Suite& suite) {
  json::array argv;
  for (const std::string& word : suite.command) argv.emplace_back(word);
  json::object labels;
  for (const auto& [key, value] : suite.labels) labels[key] = value;
  return {{"kind", model::name_of(suite.kind)},
          {"command", std::move(argv)},
          {"folder", suite.folder},
          {"description",
           suite.description.empty() ? "Recorded by `baton run --`." : suite.description},
          {"owner", suite.owner},
          {"labels", std::move(labels)},
          {"workers", suite.workers},
          {"max_attempts", suite.max_attempts},
          {"back_off_ms", suite.back_off.count()},
          {"timeout_ms", suite.timeout.count()},
          {"attempt_timeout_ms", suite.attempt_timeout.count()}};
}

bool is_here(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  std::string_view host = url.substr(0, url.find('/'));
  const std::size_t port = host.rfind(':');
  if (port != std::string_view::npos && host.find(']', port) == std::string_view::npos)
    host = host.substr(0, port);
  return is_loopback_host(host);
}

// What commands left behind that were killed: nobody waits for these runs, and in a folder that is
// only for commands they would keep the places of those that somebody waits for.
void cancel_leftovers(const client::Endpoint& endpoint) {
  client::ApiClient api{endpoint};
  for (const char* state : {"queued", "waiting", "running"}) {
    const auto runs = all_items(api, "/runs", fmt::format("state={}", state));
    if (!runs) continue;
    for (const json::value& run : *runs) {
      const std::int64_t id = integer_at(run, "id");
      say(fmt::format("run {}, which an earlier command left, is cancelled", id));
      if (auto done = api.post(fmt::format("/runs/{}/cancel", id), json::object{}); !done)
        report("cancel", done.error());
    }
  }
}

// The server to record in: the configured or local one when it is of this machine, else one of our
// own. A server elsewhere has neither the command nor the folder.
Result<client::Endpoint> adhoc_endpoint(Host& host, const Invocation& invocation,
                                        std::unique_ptr<EmbeddedServer>& own) {
  BATON_TRY(target, find_target(invocation));
  const bool named = target.url.from != "the default" && !invocation.values.contains("--data");
  if (named && is_here(target.url.value)) return target.endpoint();
  if (named)
    say(fmt::format("{} (from {}) is another machine: the command runs and is recorded here",
                    target.url.value, target.url.from));
  if (!host.embed) return fail_with_fix(Code::unreachable, "start a server with `baton up`",
                                              "no server is known");
  auto embedded = host.embed(invocation.value("--data"));
  if (!embedded) return tl::unexpected(of_file(std::move(embedded).error()));
  own = std::move(*embedded);
  client::Endpoint endpoint{own->url(), own->token()};
  if (invocation.value("--data").empty()) cancel_leftovers(endpoint);
  return endpoint;
}

// The suites that a command is: one, or those of a C++ suite program.
Result<std::vector<model::Suite>> adhoc_suites(const Invocation& invocation) {
  model::Suite suite;
  suite.namespace_ = kAdhocNamespace;
  suite.command = invocation.rest;
  suite.folder = std::filesystem::current_path().string();
  const runner::Probe probe = runner::probe(suite.command, suite.folder);
  say(fmt::format("{}: kind {} ({})", suite.command[0], model::name_of(probe.kind), probe.reason));
  suite.kind = probe.kind;
  const std::string wanted = invocation.value("--suite");
  if (probe.kind != model::Kind::cpp) {
    suite.name = wanted.empty() ? adhoc_name(invocation.rest) : wanted;
    return std::vector{suite};
  }
  suite.name = adhoc_name(invocation.rest);
  BATON_TRY(found, runner::discover(suite));
  std::vector<model::Suite> suites;
  for (model::Suite& one : found.suites)
    if (wanted.empty() || wanted == one.name || wanted == one.id())
      suites.push_back(std::move(one));
  if (suites.empty())
    return fail_with_fix(Code::not_found, suite.command[0] + " list",
                         "the program has no suite \"{}\"", wanted);
  if (suites.size() > 1 && !invocation.value("--junit").empty())
    return fail_with_fix(Code::invalid, "name one with --suite", "--junit is one file, but the "
                         "program has {} suites", suites.size());
  return suites;
}

int run_command(Host& host, const Invocation& invocation) {
  if (invocation.rest.empty())
    return report("run",
                  Error{Code::invalid, "no command stands after --", "baton run -- ./tests"});
  for (const std::string& word : invocation.rest)
    if (!is_valid_utf8(word))
      return report("run", Error{Code::invalid,
                                 fmt::format("the command is not UTF-8: {}", json_quote(word)),
                                 "rename the file, or start it from a script"});
  const auto suites = adhoc_suites(invocation);
  if (!suites) return report("run", suites.error());
  // Before the threads of a server of our own, each of which a signal would end this process by.
  const SignalsHeld held;
  std::unique_ptr<EmbeddedServer> own;
  const auto endpoint = adhoc_endpoint(host, invocation, own);
  if (!endpoint) return report("run", endpoint.error());
  if (own && invocation.has("--no-wait"))
    return report("run", Error{Code::invalid, "--no-wait needs a server that stays",
                               "start one with `baton up`, or leave --no-wait out"});
  int code = kOk;
  for (const model::Suite& suite : *suites) {
    client::ApiClient api{*endpoint};
    client::Call put;
    put.method = "PUT";
    put.path = "/suites/adhoc/" + client::escape(suite.name);
    json::object body = adhoc_suite(suite);
    if (const std::string isolate = invocation.value("--isolate"); !isolate.empty())
      body["isolate"] = isolate;
    put.body = std::move(body);
    if (auto reply = api.call(put); !reply) return report("run", reply.error());
    const int ended =
        start_and_follow(*endpoint, invocation, "adhoc/" + suite.name, own == nullptr);
    if (code == kOk) code = ended;
    if (ended == kInterrupted || ended == kTerminated) break;
  }
  if (own)
    say(fmt::format("recorded in {0}; to look at it: baton serve --data {0}", own->folder()));
  return code;
}

int run(Host& host, const Invocation& invocation) {
  if (invocation.has("--no-wait") && !invocation.value("--junit").empty())
    return report("run", Error{Code::invalid, "--junit needs the run's end, and --no-wait leaves",
                               "leave one out; baton runs export RUN prints it later"});
  if (invocation.has_rest && !invocation.arguments.empty())
    return report("run", Error{Code::invalid, "give a suite or a command after --, not both",
                               "baton run -- CMD…"});
  if (invocation.has_rest) return run_command(host, invocation);
  if (invocation.arguments.empty())
    return report("run", Error{Code::invalid, "no suite is named", "baton suites ls"});
  const auto target = find_target(invocation);
  if (!target) return report("run", target.error());
  return start_and_follow(target->endpoint(), invocation, invocation.arguments[0]);
}

}  // namespace

std::vector<Verb> run_verbs() {
  Verb verb;
  verb.path = "run";
  verb.arguments = "SUITE";
  verb.arguments_max = 1;
  verb.takes_rest = true;
  verb.summary = "Run a suite and wait for its verdict; or run any test command and record it";
  verb.example = "baton run pay/checkout --ref $SHA --junit out.xml\n  baton run -- ./api_tests";
  verb.flags = {
      {"--filter", "RE", "Run only cases whose name matches (RE2, unanchored)"},
      {"--env", "E", "Run against this environment"},
      {"--param", "K=V", "Given to tests as BATON_PARAM_K", true},
      {"--label", "K=V", "Label of the run", true},
      {"--ref", "R", "What is tested: a commit, a build, a release"},
      {"--revision", "R", "Revision of the tested code"},
      {"--branch", "B", "Branch of the tested code"},
      {"--triggered-by", "WHO", "Who or what asks for the run"},
      {"--max-attempts", "N", "Attempts per case, instead of the suite's"},
      {"--timeout", "D",
       "Stop waiting after this time, with exit code 124; -- CMD without a server is cancelled"},
      {"--no-wait", "", "Print the run's id and return at once"},
      {"--junit", "F", "Write the results as JUnit XML to this file"},
      {"--logs", "", "Print the tests' output as it comes"},
      {"--allow-empty", "", "A filter that selects nothing is no error"},
      {"--fail-on-flaky", "", "Exit with 12 when a case passed only on a later attempt"},
      {"--idempotency-key", "KEY", "The same key never starts a second run"},
      {"--suite", "NAME",
       "With -- CMD: the name it is recorded under; of a C++ suite program, the suite to run"},
      {"--isolate", "suite|case", "With -- CMD: one process for all cases, or one each"},
      {"--data", "DIR", "With -- CMD: record in this data folder, with a server for it alone"},
  };
  verb.run = run;
  return {verb};
}

}  // namespace baton::cli
