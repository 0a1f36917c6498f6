// SPDX-License-Identifier: MIT
#include "cli/doctor.h"

#include <boost/json.hpp>
#include <cstdio>

#include "cli/connection.h"
#include "cli/link_checks.h"
#include "cli/output.h"
#include "cli/pages.h"
#include "cli/run_verb.h"
#include "client/local_servers.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

// What was looked at, in order; printed line by line, or at the end as one document.
class Findings {
 public:
  explicit Findings(Output output) : output_(output) {}

  /// Result: `good`. error: what to say of it otherwise.
  bool check(bool good, std::string_view what, const Error& error = {}) {
    json::object item{{"check", what}, {"ok", good}};
    if (!good) {
      ++failures_;
      if (!error.message.empty()) item["problem"] = error.message;
      item["fix"] = error.fix;
    }
    if (output_ == Output::table) print_check(good, what, error);
    checks_.push_back(std::move(item));
    return good;
  }
  void note(std::string_view text) {
    if (output_ == Output::table) std::printf("     %s\n", harmless(text).c_str());
  }
  /// Kept for the document only.
  void tell(std::string_view key, json::value value) { document_[key] = std::move(value); }
  /// code: of the exit when anything failed.
  int end(int code) {
    if (output_ != Output::table) {
      document_["ok"] = failures_ == 0;
      document_["checks"] = std::move(checks_);
      print(output_, document_, {});
    }
    return failures_ == 0 ? kOk : code;
  }

 private:
  static void print_check(bool good, std::string_view what, const Error& error) {
    std::string line = fmt::format("{} {}", good ? "ok  " : "FAIL", what);
    if (!good && !error.message.empty()) line += ": " + error.message;
    if (!good && !error.fix.empty()) line += "\n     fix: " + error.fix;
    std::printf("%s\n", harmless(line).c_str());
  }

  const Output output_;
  int failures_ = 0;
  json::object document_;
  json::array checks_;
};

Error error_of(const auto& result, std::string_view fix) {
  if (result) return {};
  Error error = result.error();
  if (error.fix.empty()) error.fix = fix;
  return error;
}

void tell_target(Findings& findings, const Target& target) {
  findings.note(fmt::format("server {} (from {})", target.url.value, target.url.from));
  findings.tell("server", {{"url", target.url.value}, {"from", target.url.from}});
  const bool has_token = !target.token.value.empty();
  findings.note(has_token ? "token from " + target.token.from : "token none");
  findings.tell("token", has_token ? json::value{{"from", target.token.from}} : json::value{});
  json::array local;
  for (const auto& server : client::local_servers()) {
    findings.note(
        fmt::format("running here: {}, data {}, pid {}", server.url, server.data, server.pid));
    local.push_back({{"url", server.url}, {"data", server.data}, {"pid", server.pid}});
  }
  findings.tell("running_here", std::move(local));
}

void check_suites(Findings& findings, client::ApiClient& api) {
  const auto suites = all_items(api, "/suites");
  if (!findings.check(suites.has_value(), "the suites can be listed", error_of(suites, ""))) return;
  for (const json::value& suite : *suites) {
    const std::string problem = text_at(suite, "discovery_error");
    if (problem.empty()) continue;
    const std::string space = text_at(suite, "namespace");
    const std::string name = fmt::format("{}/{}", space, text_at(suite, "name"));
    // A command that was recorded once need not be there any more.
    if (space == kAdhocNamespace) {
      findings.note(fmt::format("suite {}, recorded once: {}", name, problem));
      continue;
    }
    findings.check(false, "suite " + name,
                   {Code::unprocessable, problem,
                    "correct its command; baton suites view " + name + " shows it"});
  }
}

// The file that a server started here would read. Its secrets may be another process's, so what is
// missing is told and is no failure.
void check_configuration(Findings& findings) {
  config::Sources sources;
  sources.variables = config::process_variables();
  sources.path = config::find_file("", sources.variables);
  if (sources.path.empty()) return;
  const config::Loaded loaded = config::load(sources);
  Error error{Code::invalid, "", "baton validate " + sources.path};
  if (!loaded.problems.empty()) error.message = config::to_text(loaded.problems.front());
  const std::vector<Error> faults = link_faults(loaded.config);
  if (!faults.empty()) error.message = faults.front().message;
  if (!findings.check(loaded.problems.empty() && faults.empty(), "configuration " + sources.path,
                      error))
    return;
  json::array doubts;
  for (const std::string& doubt : link_doubts(loaded.config)) {
    findings.note("warning: " + doubt);
    doubts.emplace_back(doubt);
  }
  findings.tell("warnings", std::move(doubts));
}

// Dead letters wait for a person.
void tell_dead_deliveries(Findings& findings, client::ApiClient& api) {
  const auto dead = all_items(api, "/deliveries", "state=dead");
  if (!dead) return;
  findings.tell("dead_deliveries", dead->size());
  if (!dead->empty())
    findings.note(fmt::format("{} deliveries are dead: baton gate deliveries --state dead",
                              dead->size()));
}

}  // namespace

int doctor(Host&, const Invocation& invocation) {
  Findings findings{invocation.output};
  const auto target = find_target(invocation);
  if (!findings.check(target.has_value(), "configuration of the command line",
                      error_of(target, "correct the file it names")))
    return findings.end(kError);
  tell_target(findings, *target);
  check_configuration(findings);
  client::ApiClient api{target->endpoint()};
  const auto live = api.get("/livez");
  if (!findings.check(live.has_value(), "the server answers",
                      error_of(live, "start a server with `baton up`")))
    return findings.end(kUnreachable);
  const auto ready = api.get("/readyz");
  findings.check(ready.has_value(), "the server is ready",
                 error_of(ready, "wait for it; its log says more"));
  const auto who = api.get("/whoami");
  Error refused = error_of(who, "");
  refused.fix = "baton login, or set BATON_TOKEN";
  if (!findings.check(who.has_value(), "the token is accepted", refused))
    return findings.end(kAuth);
  check_suites(findings, api);
  tell_dead_deliveries(findings, api);
  return findings.end(kError);
}

}  // namespace baton::cli
