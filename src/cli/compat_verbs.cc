// SPDX-License-Identifier: MIT
#include "cli/compat_verbs.h"

#include <cstdio>

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

// Says what goes on, and why, at once and then every kEvery.
std::function<void(const std::string&)> told_at_times(std::string what) {
  return [what = std::move(what), next = client::BootTime{}](const std::string& why) mutable {
    const client::BootTime now = BootClock::now();
    if (now < next) return;
    next = now + kEvery;
    say(harmless(fmt::format("{}{}{}", what, why.empty() ? "" : ": ", why)));
  };
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
  how.on_wait = told_at_times("waiting for free slot on environment: " + environment);
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
  client::CallMeWait how;
  how.stop = signals.token();
  how.on_wait = told_at_times("freeing the slot on environment: " + environment);
  const auto done = client::call_me_release(*server, environment, how);
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
