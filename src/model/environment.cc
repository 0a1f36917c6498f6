// SPDX-License-Identifier: MIT
#include "model/environment.h"

#include "model/problems.h"

namespace baton::model {
namespace {

constexpr std::size_t kEnvironmentNameMax = 255;
constexpr Duration kHookTimeoutMax = std::chrono::hours{24};

void check_properties(Problems& problems, const Environment& environment) {
  if (environment.properties.size() > kEntriesMax)
    problems.add("/properties", fmt::format("has more than {}", kEntriesMax));
  for (const auto& [name, value] : environment.properties) {
    const std::string at = "/properties/" + name;
    problems.take(at, check_name("a property", name));
    if (value.size() > kParamMax || value.find('\0') != std::string::npos || !is_valid_utf8(value))
      problems.add(at, fmt::format("must be UTF-8 text without NUL, at most {} bytes", kParamMax));
  }
}

void check_hook(Problems& problems, HookKind kind, const Hook& hook) {
  const std::string at = fmt::format("/hooks/{}", name_of(kind));
  if (hook.command.empty() || hook.command[0].empty())
    problems.add(at + "/command", "is empty: the program and its arguments are needed");
  for (const std::string& part : hook.command)
    if (part.find('\0') != std::string::npos) problems.add(at + "/command", "holds a NUL byte");
  problems.range(at + "/attempts", hook.attempts, 1, kAttemptsMax);
  problems.not_negative(at + "/retry", hook.retry);
  if (hook.timeout.count() <= 0 || hook.timeout > kHookTimeoutMax)
    problems.add(at + "/timeout", "must be more than 0 and at most 24h");
}

void ttl_range(Problems& problems, std::string at, Duration ttl) {
  if (ttl < kTtlMin || ttl > kTtlMax)
    problems.add(std::move(at), fmt::format("must be {} to {}", format_duration(kTtlMin),
                                            format_duration(kTtlMax)));
}

}  // namespace

Result<void> check_environment_name(std::string_view name) {
  if (name.empty() || name.size() > kEnvironmentNameMax)
    return fail(Code::invalid, "the name of an environment has {} bytes, but must have 1 to {}",
                name.size(), kEnvironmentNameMax);
  if (!is_valid_utf8(name) || has_control_bytes(name))
    return fail(Code::invalid,
                "the name of an environment must be UTF-8 text without control characters: {}",
                json_quote(name));
  return {};
}

Result<void> check_environment(const Environment& e) {
  Problems problems;
  problems.take("/name", check_environment_name(e.name));
  if (e.description.size() > kDescriptionMax || !is_valid_utf8(e.description))
    problems.add("/description", "must be UTF-8 text of at most 64 KiB");
  problems.range("/slots", e.slots, 1, kSlotsMax);
  problems.labels("/labels", e.labels);
  check_properties(problems, e);
  problems.labels("/links", e.links);
  ttl_range(problems, "/ttl", e.ttl);
  ttl_range(problems, "/ttl_max", e.ttl_max);
  if (e.max_hold && e.max_hold->count() <= 0) problems.add("/max_hold", "must be more than 0");
  problems.not_negative("/lock_delay", e.lock_delay);
  problems.range("/queue/max", e.queue_max, 0, 1'000'000);
  if (e.age_step < kTtlMin) problems.add("/queue/age_step", "must be 1s or more");
  if (e.keep_alive < kTtlMin) problems.add("/queue/keep_alive", "must be 1s or more");
  if (e.claim_window < kTtlMin || e.claim_window > kHookTimeoutMax)
    problems.add("/claim_window", "must be 1s to 24h");
  for (const auto& [kind, hook] : e.hooks) check_hook(problems, kind, hook);
  problems.range("/provision/min", e.provision.min, 0, e.slots);
  problems.not_negative("/provision/idle", e.provision.idle);
  if (e.hooks.contains(HookKind::provision) != e.hooks.contains(HookKind::destroy))
    problems.add("/hooks", "provision and destroy are needed both or neither");
  return std::move(problems).finish(fmt::format("environment {}", json_quote(e.name)));
}

}  // namespace baton::model
