// SPDX-License-Identifier: MIT
#include "cli/config_verbs.h"

#include <boost/json.hpp>
#include <cstdio>

#include "cli/connection.h"
#include "cli/link_checks.h"
#include "cli/output.h"
#include "config/config.h"
#include "wire/environment_json.h"
#include "wire/json_writer.h"
#include "wire/schedule_json.h"
#include "wire/suite_json.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

const std::vector<Flag> kServeFlags{
    {"--config", "F", "The configuration, baton.yaml (BATON_CONFIG; ./baton.yaml where it exists)"},
    {"--data", "DIR", "Data folder, or postgres://… (./baton-data)"},
    {"--listen", "ADDR", "host:port; port 0 takes a free one (127.0.0.1:1337)"},
    {"--auth", "MODE", "token, or none on loopback only"},
    {"--log-level", "LEVEL", "debug, info, warn, error or off"},
    {"--log-format", "FORMAT", "text or json"},
};

config::Sources sources_of(const Invocation& invocation) {
  config::Sources sources;
  sources.variables = config::process_variables();
  sources.path = config::find_file(
      invocation.arguments.empty() ? invocation.value("--config") : invocation.arguments[0],
      sources.variables);
  return sources;
}

int print_problems(std::string_view what, const std::vector<config::Problem>& problems) {
  for (const config::Problem& problem : problems)
    say(fmt::format("baton: {}: {}", what, harmless(config::to_text(problem))));
  return problems.empty() ? kOk : kUsage;
}

int validate(Host&, const Invocation& invocation) {
  const config::Sources sources = sources_of(invocation);
  if (sources.path.empty())
    return report("validate",
                  Error{Code::not_found, "there is no baton.yaml here", "baton validate FILE"});
  const config::Loaded loaded = config::load(sources);
  const int code = print_problems("validate", loaded.problems);
  if (code != kOk) return code;
  const std::vector<Error> faults = link_faults(loaded.config);
  for (const Error& fault : faults) report("validate", fault);
  if (!faults.empty()) return kUsage;
  // The file is good, and its secrets may be where the server runs: no reason to fail.
  json::array doubts;
  for (const std::string& doubt : link_doubts(loaded.config)) {
    say(harmless("baton: validate: warning: " + doubt));
    doubts.emplace_back(doubt);
  }
  print_object(invocation.output,
               json::object{{"file", sources.path},
                            {"environments", loaded.config.environments.size()},
                            {"suites", loaded.config.suites.size()},
                            {"schedules", loaded.config.schedules.size()},
                            {"links", loaded.config.links.size()},
                            {"warnings", std::move(doubts)},
                            {"valid", true}},
               {{"valid", "file"},
                {"environments", "environments"},
                {"suites", "suites"},
                {"schedules", "schedules"},
                {"links", "links"}});
  return kOk;
}

int schema(Host&, const Invocation&) {
  std::puts(config::json_schema().c_str());
  return kOk;
}

int view(Host&, const Invocation& invocation) {
  const config::Loaded loaded = config::load(sources_of(invocation));
  json::array items;
  for (const config::Setting& setting : loaded.settings)
    items.push_back({{"key", setting.key}, {"value", setting.value}, {"origin", setting.origin}});
  const auto target = find_target(invocation);
  if (target) {
    items.push_back(
        {{"key", "cli.url"}, {"value", target->url.value}, {"origin", target->url.from}});
    items.push_back({{"key", "cli.token"},
                     {"value", target->token.value.empty() ? "" : "(set)"},
                     {"origin", target->token.from}});
  }
  std::vector<Column> columns{{"KEY", "key"}, {"VALUE", "value"}};
  if (invocation.has("--origin")) columns.push_back({"ORIGIN", "origin"});
  print(invocation.output, json::object{{"items", std::move(items)}}, columns);
  return print_problems("config view", loaded.problems);
}

std::string suite_json(const model::Suite& suite) {
  wire::JsonWriter out;
  wire::write_suite(out, suite, {});
  return out.take();
}

std::string schedule_json(const model::Schedule& schedule) {
  wire::JsonWriter out;
  wire::write_schedule(out, schedule);
  return out.take();
}

std::string environment_json(const model::Environment& environment) {
  wire::JsonWriter out;
  out.begin_object();
  wire::write_declaration(out, environment);
  return out.end_object().take();
}

Result<client::Reply> put(client::ApiClient& api, const std::string& path, std::string_view body) {
  client::Call call;
  call.method = "PUT";
  call.path = path;
  call.body = json::parse(body);
  return api.call(call);
}

int apply(Host&, const Invocation& invocation) {
  config::Sources sources = sources_of(invocation);
  if (const std::string file = invocation.value("--file"); !file.empty()) sources.path = file;
  if (sources.path.empty())
    return report("apply", Error{Code::invalid, "no file is named", "baton apply -f baton.yaml"}),
           kUsage;
  const config::Loaded loaded = config::load(sources);
  if (const int code = print_problems("validate", loaded.problems); code != kOk) return code;
  auto api = connect(invocation);
  if (!api) return report("apply", api.error());
  for (const model::Environment& environment : loaded.config.environments) {
    if (auto reply = put(*api, "/environments/" + client::escape(environment.name),
                         environment_json(environment));
        !reply)
      return report("apply environment " + environment.name, reply.error());
    std::printf("environment %s\n", environment.name.c_str());
  }
  for (const model::Suite& suite : loaded.config.suites) {
    if (suite.kind == model::Kind::cpp)
      return report("apply suite " + (suite.name.empty() ? suite.command.front() : suite.id()),
                    Error{Code::invalid, "suites of kind cpp come from their binary",
                          "list them in the baton.yaml of the server"});
    const std::string path =
        "/suites/" + client::escape(suite.namespace_) + "/" + client::escape(suite.name);
    if (auto reply = put(*api, path, suite_json(suite)); !reply)
      return report("apply suite " + suite.id(), reply.error());
    std::printf("suite %s\n", suite.id().c_str());
  }
  for (const model::Schedule& schedule : loaded.config.schedules) {
    if (auto reply = put(*api, "/schedules/" + client::escape(schedule.name),
                         schedule_json(schedule));
        !reply)
      return report("apply schedule " + schedule.name, reply.error());
    std::printf("schedule %s\n", schedule.name.c_str());
  }
  return kOk;
}

}  // namespace

std::vector<Verb> server_verbs() {
  std::vector<Flag> serve_flags = kServeFlags;
  serve_flags.push_back({"--demo", "", "Serve the example suite demo/checkout as well"});
  std::vector<Flag> up_flags = kServeFlags;
  up_flags.push_back({"--no-open", "", "Do not open a browser"});
  return {
      make_verb("serve", "", "Start the server", serve_flags,
                [](Host& host, const Invocation& invocation) { return host.serve(invocation); }),
      make_verb(
          "up", "",
          "Start a server with the example suite demo/checkout, and the suites of ./baton.yaml "
          "where there is one, and open its page",
          up_flags, [](Host& host, const Invocation& invocation) { return host.up(invocation); })};
}

std::vector<Verb> config_verbs() {
  std::vector<Verb> verbs{
      make_verb("apply", "", "Put the environments, suites and schedules of a file on the server",
                {{"-f,--file", "F", "The file"}}, apply),
      make_verb("validate", "FILE", "Check a configuration file and name every problem", {},
                validate),
      make_verb("config schema", "", "Print the JSON Schema of baton.yaml", {}, schema),
      make_verb("config view", "FILE", "Print every setting that is in force",
                {{"--origin", "", "And where it comes from"}}, view),
      make_verb("suites lint", "FILE", "Check the suites that a file declares", {}, validate),
  };
  // Without a name it is the file that `baton serve` would find.
  for (Verb& verb : verbs) verb.arguments_min = 0;
  verbs[0].example = "baton apply -f baton.yaml";
  verbs[1].example = "baton validate baton.yaml";
  return verbs;
}

}  // namespace baton::cli
