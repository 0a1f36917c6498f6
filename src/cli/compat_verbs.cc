// SPDX-License-Identifier: MIT
#include "cli/compat_verbs.h"

#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "cli/connection.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "client/call_me.h"

namespace baton::cli {
namespace {

using client::BootClock;

constexpr Duration kInterval{5'000};
constexpr Duration kEvery{30'000};  // between two lines

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// call-me's own variables, when both are set; else the server of the other verbs.
Result<client::CallMe> server_of(const Invocation& invocation) {
  const std::string host = variable("HOST");
  const std::string key = variable("API_KEY");
  if (invocation.value("--url").empty() && invocation.value("--context").empty() && !host.empty() &&
      !key.empty())
    return client::CallMe{host.find("://") == std::string::npos ? "http://" + host : host,
                          invocation.value("--token", key)};
  BATON_TRY(target, find_target(invocation));
  // --url names a server whose key may still be in API_KEY.
  return client::CallMe{target.url.value, target.token.value.empty() ? key : target.token.value,
                        target.key_pin};
}

int request(Host&, const Invocation& invocation) {
  const std::string& environment = invocation.arguments.at(0);
  const std::string what = "compat call-me request " + environment;
  const auto server = server_of(invocation);
  if (!server) return report(what, server.error());
  client::CallMeWait how;
  how.interval = kInterval;
  for (const auto& [flag, value] :
       {std::pair{"--wait", &how.wait}, {"--interval", &how.interval}}) {
    const std::string text = invocation.value(flag);
    if (text.empty()) continue;
    const auto parsed = parse_duration(text);
    if (!parsed) return report(what, parsed.error()), kUsage;
    *value = *parsed;
  }
  Signals signals;
  how.stop = signals.token();
  const client::BootTime start = BootClock::now();
  client::BootTime next = start;
  how.on_wait = [&](const std::string& why) {
    const client::BootTime now = BootClock::now();
    if (now < next) return;
    next = now + kEvery;
    say(harmless(fmt::format("waiting for free slot on environment: {}{}{}", environment,
                             why.empty() ? "" : ": ", why)));
  };
  const auto done = client::call_me_request(*server, environment, how);
  if (signals.received() != 0) {
    // Whether the last question was answered with yes is not known; call-me has no other way back.
    say("stopped; if it was acquired at this very moment, release it");
    return signals.exit_code(kError);
  }
  if (!done) {
    const int code = report(what, done.error());
    return done.error().code == Code::timeout ? kLockTimeout : code;
  }
  const auto waited = std::chrono::duration<double>(BootClock::now() - start).count();
  std::printf("acquired slot for environment: %s\nwaited %.2fs\n", harmless(environment).c_str(),
              waited);
  return kOk;
}

int release(Host&, const Invocation& invocation) {
  const std::string& environment = invocation.arguments.at(0);
  const std::string what = "compat call-me release " + environment;
  const auto server = server_of(invocation);
  if (!server) return report(what, server.error());
  Signals signals;
  const auto done = client::call_me_release(*server, environment, signals.token());
  if (signals.received() != 0) return signals.exit_code(kError);
  if (!done) return report(what, done.error());
  std::printf("slot has been freed for environment: %s\n", harmless(environment).c_str());
  return kOk;
}

}  // namespace

std::vector<Verb> compat_verbs() {
  std::vector<Verb> verbs{
      make_verb("compat call-me request", "ENV",
                "Take an environment from a server that speaks call-me's wire",
                {{"--wait", "D", "Wait at most so long, then exit with 20 (for ever)"},
                 {"--interval", "D", "Between two questions (5s)"}},
                request),
      make_verb("compat call-me release", "ENV", "Give it back, whoever has it", {}, release)};
  verbs[0].example = "HOST=call-me:8080 API_KEY=… baton compat call-me request staging";
  return verbs;
}

}  // namespace baton::cli
