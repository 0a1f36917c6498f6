// SPDX-License-Identifier: MIT
#pragma once
// A lease: the right to use slots of environments for a while. It begins as a request that may have
// to wait (queued), and keeps its id to its end. Plain data and checks.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/environment.h"

namespace baton::model {

/// The first two are live, the others are ends. superseded: a newer request of its key or queue
/// took its place; transferred: its slots went to another lease without being free in between.
enum class LeaseState {
  queued, held, released, expired, cancelled, timed_out, superseded, revoked, transferred
};
std::string_view name_of(LeaseState state);
Result<LeaseState> parse_lease_state(std::string_view text);

enum class LeaseMode { exclusive, shared };
std::string_view name_of(LeaseMode mode);
Result<LeaseMode> parse_lease_mode(std::string_view text);

/// How the holder left what it used. dirty: the slot rests for lock_delay as after an expiry;
/// broken: nobody gets the slot until it is restored.
enum class LeaseOutcome { clean, dirty, broken };
std::string_view name_of(LeaseOutcome outcome);
Result<LeaseOutcome> parse_lease_outcome(std::string_view text);

/// Who asked. Only `api` holders are parties for the detection of deadlocks: clients of the legacy
/// route share one key, and runs and gates wait for nothing else.
enum class LeaseSource { api, legacy, run, gate };
std::string_view name_of(LeaseSource source);

/// One environment that is wanted: by name, or any one that has all of the labels.
struct Want {
  std::string environment;
  Labels labels;  // when `environment` is empty
  LeaseMode mode = LeaseMode::exclusive;
  int slots = 1;
};

struct Grant {
  std::string environment;
  int slot = 1;  // from 1
  LeaseMode mode = LeaseMode::exclusive;
};

struct Holder {
  std::string name;
  std::string url;
  std::string reason;
  std::string run;  // the caller's own number of what it runs
};

inline constexpr std::size_t kWantsMax = 50;
inline constexpr int kPriorityMax = 1'000'000;

struct LeaseRequest {
  std::vector<Want> wants;
  Holder holder;
  std::optional<Duration> ttl;  // the environment's when not set
  Duration wait{0};             // 0: at once or not at all
  int priority = 0;
  std::string supersede_key;
  std::string notify_url;
  LeaseSource source = LeaseSource::api;
  std::optional<RunId> run;  // of Baton: the server itself holds the lease for it, without a TTL
  bool no_expiry = false;    // for the legacy route with maybe.ttl 0
  bool waits_for_ever = false;  // runs: no wait time-out and nobody who polls
};

struct Lease {
  std::string id;
  std::int64_t seq = 0;  // order of arrival
  LeaseState state = LeaseState::queued;
  LeaseRequest request;
  Duration ttl{0};  // in force; 0 = it does not expire
  std::optional<Duration> max_hold;
  std::vector<Grant> grants;
  std::int64_t fence = 0;  // 0 until it is granted
  std::int64_t order_key = 0;  // the lower, the earlier; see order_key()
  TimePoint created_at;        // wall clock, as the next two
  std::optional<TimePoint> granted_at;
  std::optional<TimePoint> ended_at;
  // Held and it expires: when, on the clock of Now::at, unless it was heard of since.
  std::optional<TimePoint> expires_at;
  std::string ended_by;  // who, "" when it was time
  std::string reason;    // why it ended
  std::optional<LeaseOutcome> outcome;
  std::string note;
  std::string successor;  // the lease that its slots went to (transferred)
  std::string token;      // the name of the token that asked

  bool is_live() const { return state == LeaseState::queued || state == LeaseState::held; }
};

/// Wants (1 to kWantsMax, no environment twice, 1 or more slots each), holder, TTL, priority,
/// texts. Errors: invalid with one detail per field; unprocessable (TTL out of range).
Result<void> check_lease_request(const LeaseRequest& request);

/// Where a request stands in the queues: by arrival, moved ahead by `age_step` for each step of
/// priority. So a waiting request gains one step of priority per age_step on every later one, and
/// the order of two requests never changes.
std::int64_t order_key(TimePoint arrived, int priority, Duration age_step, QueuePolicy policy);

/// True when the environment has every one of the labels.
bool has_labels(const Labels& labels, const Labels& wanted);

}  // namespace baton::model
