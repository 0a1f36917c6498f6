// SPDX-License-Identifier: MIT
#pragma once
// An environment: something that a few may use at the same time, one per slot. Plain data and
// checks.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/suite.h"

namespace baton::model {

/// enabled: slots are given out. draining: no new leases, holders stay; maintenance: the same, on
/// purpose and for longer (history and utilisation tell them apart). broken is not set but follows
/// from its slots: every one of them is broken.
enum class EnvironmentState { enabled, draining, maintenance, broken };
std::string_view name_of(EnvironmentState state);
Result<EnvironmentState> parse_environment_state(std::string_view text);

/// The order of those who wait. fifo: first come, first served. newest: last come, first served.
/// latest_only: like fifo, but a new request supersedes the older ones that wait.
enum class QueuePolicy { fifo, newest, latest_only };
std::string_view name_of(QueuePolicy policy);
Result<QueuePolicy> parse_queue_policy(std::string_view text);

/// What is run on the server for a slot: after each use (reset, then health), or to make and
/// destroy what the slot stands for.
enum class HookKind { reset, health, provision, destroy };
std::string_view name_of(HookKind kind);

struct Hook {
  std::vector<std::string> command;  // argv; a relative program is relative to Environment::folder
  Duration timeout = std::chrono::seconds{60};  // of one attempt, which is killed then
  int attempts = 3;                             // 1 to 100
  Duration retry = std::chrono::seconds{5};     // pause between attempts
};

/// How many of the slots exist when nobody needs them; with a provision hook only.
struct Provision {
  int min = 0;
  Duration idle = std::chrono::minutes{10};  // a slot that nobody used for so long is destroyed
};

inline constexpr int kSlotsMax = 1'000;
inline constexpr Duration kTtlMin = std::chrono::seconds{1};
inline constexpr Duration kTtlMax = std::chrono::hours{720};
inline constexpr Duration kTtlDefault = std::chrono::minutes{2};

struct Environment {
  std::string name;
  std::string description;
  int slots = 1;  // 1 to kSlotsMax
  Labels labels;
  std::map<std::string, std::string> properties;  // given to holders
  std::map<std::string, std::string> links;       // shown to people: name → address
  Duration ttl = kTtlDefault;      // of a lease that names none
  Duration ttl_max = kTtlMax;      // a longer one is lowered to it
  std::optional<Duration> max_hold;  // a lease ends so long after its grant, renewed or not
  Duration lock_delay{0};  // a slot rests so long after a lease that did not end cleanly
  QueuePolicy policy = QueuePolicy::fifo;
  int queue_max = 100'000;  // waiting leases; beyond it: limit
  Duration age_step = std::chrono::seconds{60};  // waiting so long counts as one step of priority
  Duration keep_alive = std::chrono::seconds{60};    // a waiter not heard of for so long is gone
  Duration claim_window = std::chrono::seconds{15};  // a grant not seen for so long is withdrawn
  std::map<HookKind, Hook> hooks;
  Provision provision;
  std::string folder;  // where its baton.yaml lies: the hooks' working directory
  SuiteSource source = SuiteSource::api;  // adhoc: made on first use

  EnvironmentState state = EnvironmentState::enabled;  // never broken, see above
  std::string state_reason;
  std::string state_by;
  TimePoint created_at;
  TimePoint state_since;
  std::int64_t revision = 0;  // counts changes of the declaration; the ETag
};

/// Names are 1 to 255 bytes of valid UTF-8 without control characters: legacy names come as they
/// are.  Errors: invalid.
Result<void> check_environment_name(std::string_view name);
/// Ranges, names of labels and properties, hooks.  Errors: invalid, with one detail per field.
Result<void> check_environment(const Environment& environment);

/// A slot with state held has holders; every other state keeps it from being given.
/// cooling: rests for lock_delay; cleaning: the reset hook runs; checking: the health hook runs;
/// absent, provisioning, destroying: see HookKind. removed: the environment has fewer slots now and
/// this one goes when its holders do.
enum class SlotState {
  free, held, cooling, cleaning, checking, broken, absent, provisioning, destroying
};
std::string_view name_of(SlotState state);

}  // namespace baton::model
