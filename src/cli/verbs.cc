// SPDX-License-Identifier: MIT
// Every verb of the command line, in the order in which help shows them.
#include <cstdio>

#include "cli/compat_verbs.h"
#include "cli/config_verbs.h"
#include "cli/env_verbs.h"
#include "cli/gate_verbs.h"
#include "cli/lock_verbs.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/run_verb.h"
#include "cli/runs_verbs.h"
#include "cli/service_verbs.h"
#include "cli/suites_verbs.h"
#include "cli/verb.h"

namespace baton::cli {

bool Invocation::has(std::string_view name) const {
  const auto found = switches.find(std::string{name});
  return found != switches.end() && found->second;
}

std::string Invocation::value(std::string_view name, std::string_view otherwise) const {
  const auto found = values.find(std::string{name});
  return found == values.end() || found->second.empty() ? std::string{otherwise}
                                                        : found->second.back();
}

std::vector<std::string> Invocation::all(std::string_view name) const {
  const auto found = values.find(std::string{name});
  return found == values.end() ? std::vector<std::string>{} : found->second;
}

Verb make_verb(std::string path, std::string arguments, std::string summary,
               std::vector<Flag> flags, std::function<int(Host&, const Invocation&)> run) {
  Verb verb;
  verb.path = std::move(path);
  verb.arguments_min = verb.arguments_max = arguments.empty() ? 0 : 1;
  verb.arguments = std::move(arguments);
  verb.summary = std::move(summary);
  verb.flags = std::move(flags);
  verb.run = std::move(run);
  return verb;
}

const std::vector<Flag>& global_flags() {
  static const std::vector<Flag> flags{
      {"--url", "URL", "The server (BATON_URL)"},
      {"--token", "TOKEN", "The token (BATON_TOKEN)"},
      {"--context", "NAME", "A server kept by `baton login`"},
      {"--output", "FORMAT", "table, json or yaml"},
  };
  return flags;
}

const std::vector<Verb>& all_verbs() {
  static const std::vector<Verb> verbs = [] {
    std::vector<Verb> all;
    for (auto* part : {server_verbs, run_verbs, runs_verbs, suites_verbs, environment_verbs,
                       lock_verbs, gate_verbs, schedule_verbs, config_verbs, token_verbs,
                       context_verbs, service_verbs, compat_verbs})
      for (Verb& verb : std::vector<Verb>(part())) all.push_back(std::move(verb));
    return all;
  }();
  return verbs;
}

int main(Host& host, int argc, char** argv) {
  const Parsed parsed = parse(argc, argv);
  if (parsed.verb == nullptr) return parsed.exit_code;
  const int code = parsed.verb->run(host, parsed.invocation);
  // Data that did not arrive must not look like success.
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  const int failed = report(parsed.verb->path, {Code::internal, "stdout cannot be written",
                                                "check where it leads, and the free space there"});
  return code == kOk ? failed : code;
}

}  // namespace baton::cli
