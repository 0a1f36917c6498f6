// SPDX-License-Identifier: MIT
#pragma once
// Environments and leases computed from the journal alone, and the promises that can be checked on
// the way: one holder per slot, fences only rising, nobody served before an older one it does not
// yield to, no gap in a hand-over. The rest is asked after each step: no free slot beside a waiter
// that fits, tables equal to what the journal says. What a request asked for is read from its row
// once, because it never changes. Written apart from the engine's own choice of slots, and simpler.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/event.h"
#include "model/lease.h"
#include "store/session.h"

namespace baton::sim {

struct FoldSlot {
  std::string state = "free";
  std::map<std::string, model::LeaseMode> holders;  // lease → mode
};
struct FoldEnvironment {
  std::string state = "enabled";
  int declared = 0;
  model::Labels labels;
  bool provisioned = false;
  std::map<int, FoldSlot> slots;
};
struct FoldLease {
  std::string state;
  model::Lease row;  // as it was when it was first heard of; its request and its place in the queue
  std::vector<model::Grant> grants;
  std::int64_t fence = 0;
};

class LeaseFold {
 public:
  /// Called with each lease that has ended.
  std::function<void(const FoldLease&, std::string_view reason)> on_end;

  /// What is wrong with this event after those before it; "" when nothing is.
  std::string apply(store::Session& session, const model::Event& event);
  /// Everything has been applied that was committed.
  std::string after_step(store::Session& session);
  /// The places in the queue may have been moved all together.
  void read_places(store::Session& session);

  const std::map<std::string, FoldLease>& leases() const { return leases_; }
  const std::map<std::string, FoldEnvironment>& environments() const { return environments_; }
  std::int64_t granted_from_queue() const { return granted_from_queue_; }
  std::int64_t handed_over() const { return handed_over_; }

 private:
  using Older = std::vector<const FoldLease*>;

  std::string apply_lease(store::Session& session, const model::Event& event, std::string_view id);
  std::string apply_environment(store::Session& session, const model::Event& event,
                                std::string_view name);
  std::string grant(FoldLease& lease, std::string_view data);
  std::string end(store::Session& session, FoldLease& lease, std::string_view kind,
                  std::string_view reason);
  std::string check_slots(const FoldLease& lease, bool handed_over);
  std::string check_order(const FoldLease& lease);

  Older older_than(const FoldLease& lease) const;
  bool is_barred(const FoldLease& lease) const;
  bool waits_for(const FoldLease& older, const FoldLease& younger) const;
  int free_slots(const FoldEnvironment& environment) const;
  int shared_slots(const FoldEnvironment& environment) const;
  std::string wrong_wait() const;
  bool is_hopeless(const FoldLease& lease) const;
  bool would_fit(const FoldLease& lease) const;
  std::string compare(store::Session& session);
  std::string compare_deadlines(store::Session& session) const;

  std::map<std::string, FoldLease> leases_;  // live ones
  std::map<std::string, FoldEnvironment> environments_;
  std::set<std::string> touched_leases_;
  std::set<std::string> touched_environments_;
  std::int64_t last_fence_ = 0;
  std::string heir_;  // the next lease to be granted, and nobody else
  std::int64_t granted_from_queue_ = 0;
  std::int64_t handed_over_ = 0;
};

}  // namespace baton::sim
