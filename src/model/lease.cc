// SPDX-License-Identifier: MIT
#include "model/lease.h"

#include <set>

#include "model/problems.h"

namespace baton::model {
namespace {

void check_want(Problems& problems, const std::string& at, const Want& want,
                std::set<std::string>& seen) {
  if (want.environment.empty() == want.labels.empty()) {
    problems.add(at, "needs either an environment or labels");
    return;
  }
  if (want.slots < 1 || want.slots > kSlotsMax)
    problems.add(at + "/slots", fmt::format("is {}, but must be 1 to {}", want.slots, kSlotsMax));
  problems.labels(at + "/labels", want.labels);
  if (want.environment.empty()) return;
  problems.take(at + "/environment", check_environment_name(want.environment));
  if (!seen.insert(want.environment).second)
    problems.add(at + "/environment",
                 fmt::format("{} is wanted twice; say `slots` in one want instead",
                             json_quote(want.environment)));
}

tl::unexpected<Error> bad_ttl(Duration ttl) {
  Error error{
      Code::unprocessable,
      fmt::format("the TTL is {}: it must be {} to {}", ttl < kTtlMin ? "too short" : "too long",
                  format_duration(kTtlMin), format_duration(kTtlMax)),
      "ask for a short TTL and renew the lease while it is used"};
  error.details.push_back({"/ttl", "is out of range"});
  return tl::unexpected(std::move(error));
}

}  // namespace

Result<void> check_lease_request(const LeaseRequest& request) {
  if (request.ttl && (*request.ttl < kTtlMin || *request.ttl > kTtlMax))
    return bad_ttl(*request.ttl);
  Problems problems;
  if (request.wants.empty() || request.wants.size() > kWantsMax)
    problems.add("/wants", fmt::format("must have 1 to {} entries", kWantsMax));
  std::set<std::string> seen;
  for (std::size_t i = 0; i < request.wants.size(); ++i)
    check_want(problems, fmt::format("/wants/{}", i), request.wants[i], seen);
  if (request.holder.name.empty()) problems.add("/holder/name", "is needed: who asks");
  problems.line("/holder/name", request.holder.name);
  problems.line("/holder/url", request.holder.url);
  problems.line("/holder/reason", request.holder.reason);
  problems.line("/holder/run", request.holder.run);
  problems.line("/supersede_key", request.supersede_key);
  problems.line("/notify/url", request.notify_url);
  if (const std::string& url = request.notify_url;
      !url.empty() && !url.starts_with("http://") && !url.starts_with("https://"))
    problems.add("/notify/url", "must begin with http:// or https://");
  problems.range("/priority", request.priority, -kPriorityMax, kPriorityMax);
  problems.not_negative("/wait", request.wait);
  return std::move(problems).finish("the lease");
}

std::int64_t order_key(TimePoint arrived, int priority, Duration age_step, QueuePolicy policy) {
  const std::int64_t ahead = std::int64_t{priority} * age_step.count();
  return policy == QueuePolicy::newest ? -to_ms(arrived) - ahead : to_ms(arrived) - ahead;
}

bool has_labels(const Labels& labels, const Labels& wanted) {
  for (const auto& [key, value] : wanted) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

}  // namespace baton::model
