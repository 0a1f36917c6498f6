// SPDX-License-Identifier: MIT
#include "cli/run_verb.h"

#include <unistd.h>

#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "base/ids.h"
#include "base/text.h"
#include "cli/connection.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "runner/probe.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

// "k=v" pairs of a repeated flag as an object.
Result<json::object> pairs(const Invocation& invocation, std::string_view flag) {
  json::object object;
  for (const std::string& pair : invocation.all(flag)) {
    const std::size_t at = pair.find('=');
    if (at == std::string::npos || at == 0)
      return fail_with_fix(Code::invalid, fmt::format("{} key=value", flag),
                           "{} \"{}\" has no key and value", flag, pair);
    object[pair.substr(0, at)] = pair.substr(at + 1);
  }
  return object;
}

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
  if (const std::string text = invocation.value("--max-attempts"); !text.empty()) {
    int number = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (bad != std::errc{} || end != text.data() + text.size())
      return fail(Code::invalid, "--max-attempts \"{}\" is not a number", text);
    body["max_attempts"] = number;
  }
  BATON_TRY(params, pairs(invocation, "--param"));
  if (!params.empty()) body["params"] = params;
  BATON_TRY(labels, pairs(invocation, "--label"));
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
                     const std::string& suite) {
  auto body = request_body(invocation, suite);
  if (!body) return report("run", body.error()) == kError ? kError : kUsage;
  auto options = follow_options(invocation);
  if (!options) return report("run", options.error()), kUsage;
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

json::object adhoc_suite(const std::vector<std::string>& command, const runner::Probe& probe) {
  json::array argv;
  for (const std::string& word : command) argv.emplace_back(word);
  json::object suite{{"kind", model::name_of(probe.kind)},
                     {"command", std::move(argv)},
                     {"folder", std::filesystem::current_path().string()},
                     {"description", "Recorded by `baton run --`."}};
  return suite;
}

// The server to record in: the configured or local one when it answers, else one of our own.
Result<client::Endpoint> adhoc_endpoint(Host& host, const Invocation& invocation,
                                        std::unique_ptr<EmbeddedServer>& own) {
  BATON_TRY(target, find_target(invocation));
  const bool named = target.url.from != "the default" && !invocation.values.contains("--data");
  if (named) return target.endpoint();
  if (!host.embed) return fail(Code::unreachable, "no server is known");
  auto embedded = host.embed(invocation.value("--data"));
  if (!embedded) return tl::unexpected(std::move(embedded).error());
  own = std::move(*embedded);
  return client::Endpoint{own->url(), own->token()};
}

int run_command(Host& host, const Invocation& invocation) {
  if (invocation.rest.empty())
    return report("run", Error{Code::invalid, "no command stands after --", "baton run -- ./tests"});
  const runner::Probe probe = runner::probe(invocation.rest, std::filesystem::current_path().string());
  say(fmt::format("{}: kind {} ({})", invocation.rest[0], model::name_of(probe.kind), probe.reason));
  std::unique_ptr<EmbeddedServer> own;
  const auto endpoint = adhoc_endpoint(host, invocation, own);
  if (!endpoint) return report("run", endpoint.error());
  const std::string name = invocation.value("--suite", adhoc_name(invocation.rest));
  const std::string path = "/suites/adhoc/" + client::escape(name);
  client::ApiClient api{*endpoint};
  client::Call put;
  put.method = "PUT";
  put.path = path;
  json::object suite = adhoc_suite(invocation.rest, probe);
  if (const std::string isolate = invocation.value("--isolate"); !isolate.empty())
    suite["isolate"] = isolate;
  put.body = std::move(suite);
  if (auto reply = api.call(put); !reply) return report("run", reply.error());
  return start_and_follow(*endpoint, invocation, "adhoc/" + name);
}

int run(Host& host, const Invocation& invocation) {
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
      {"--timeout", "D", "Stop waiting after this time, with exit code 124"},
      {"--no-wait", "", "Print the run's id and return at once"},
      {"--junit", "F", "Write the results as JUnit XML to this file"},
      {"--logs", "", "Print the tests' output as it comes"},
      {"--allow-empty", "", "A filter that selects nothing is no error"},
      {"--fail-on-flaky", "", "Exit with 12 when a case passed only on a later attempt"},
      {"--idempotency-key", "KEY", "The same key never starts a second run"},
      {"--suite", "NAME", "With -- CMD: the name it is recorded under"},
      {"--isolate", "suite|case", "With -- CMD: one process for all cases, or one each"},
      {"--data", "DIR", "With -- CMD: record in this data folder, without a server"},
  };
  verb.run = run;
  return {verb};
}

}  // namespace baton::cli
