// SPDX-License-Identifier: MIT
#include "engine/lease_party.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "store/environment_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Lease;
using model::LeaseMode;
using model::LeaseSource;

bool is_party(const Lease& lease) {
  return lease.request.source == LeaseSource::api && !lease.request.holder.name.empty();
}

struct Hold {
  std::string party;  // "" when the holder is none
  int slot = 1;
  LeaseMode mode = LeaseMode::exclusive;
};

// What is known of environments and parties, read once each.
class Graph {
 public:
  explicit Graph(store::Session& session) : session_(session) {}

  Result<const std::vector<Hold>*> holds(const std::string& environment) {
    const auto known = holds_.find(environment);
    if (known != holds_.end()) return &known->second;
    BATON_TRY(uses, store::current_uses(session_, environment));
    std::vector<Hold> holds;
    for (const store::Use& use : uses) {
      BATON_TRY(lease, store::lease_at(session_, use.seq));
      if (!lease) continue;
      holds.push_back({is_party(*lease) ? lease->request.holder.name : "", use.slot, use.mode});
    }
    return &holds_.emplace(environment, std::move(holds)).first->second;
  }
  Result<const std::vector<Lease>*> waiting(const std::string& party) {
    const auto known = waiting_.find(party);
    if (known != waiting_.end()) return &known->second;
    BATON_TRY(leases, store::waiting_of(session_, party));
    std::erase_if(leases, [](const Lease& lease) { return !is_party(lease); });
    return &waiting_.emplace(party, std::move(leases)).first->second;
  }
  /// The environments that could serve a want.
  Result<std::vector<std::string>> options(const Lease& lease, const model::Want& want) {
    if (!want.environment.empty()) return std::vector{want.environment};
    BATON_TRY(names, store::wanted_by(session_, lease.seq));
    std::vector<std::string> fitting;
    for (const std::string& name : names) {
      BATON_TRY(found, store::find_environment(session_, name));
      if (found && model::has_labels(found->labels, want.labels)) fitting.push_back(name);
    }
    return fitting;
  }
  Result<int> usable_slots(const std::string& environment) {
    const auto known = slots_.find(environment);
    if (known != slots_.end()) return known->second;
    BATON_TRY(slots, store::slots_of(session_, environment));
    // What is broken or absent now may come back: it is no party that waits.
    return slots_.emplace(environment, static_cast<int>(slots.size())).first->second;
  }

 private:
  store::Session& session_;
  std::map<std::string, std::vector<Hold>> holds_;
  std::map<std::string, std::vector<Lease>> waiting_;
  std::map<std::string, int> slots_;
};

// The parties that hold something of what the lease waits for.
Result<std::set<std::string>> holders_before(Graph& graph, const Lease& lease) {
  std::set<std::string> parties;
  for (const model::Want& want : lease.request.wants) {
    BATON_TRY(options, graph.options(lease, want));
    for (const std::string& name : options) {
      BATON_TRY(holds, graph.holds(name));
      for (const Hold& hold : *holds)
        if (!hold.party.empty()) parties.insert(hold.party);
    }
  }
  return parties;
}

// Everybody whom the lease waits for, directly or not.
Result<std::set<std::string>> reachable(Graph& graph, const Lease& lease) {
  BATON_TRY(first, holders_before(graph, lease));
  std::set<std::string> found = first;
  std::vector<std::string> open(first.begin(), first.end());
  while (!open.empty()) {
    const std::string party = open.back();
    open.pop_back();
    BATON_TRY(leases, graph.waiting(party));
    for (const Lease& waiting : *leases) {
      BATON_TRY(next, holders_before(graph, waiting));
      for (const std::string& name : next)
        if (found.insert(name).second) open.push_back(name);
    }
  }
  return found;
}

// Whether the want can be served once everybody has left who is not stuck.
Result<bool> servable(Graph& graph, const Lease& lease, const model::Want& want,
                      const std::set<std::string>& stuck) {
  BATON_TRY(options, graph.options(lease, want));
  for (const std::string& name : options) {
    BATON_TRY(slots, graph.usable_slots(name));
    BATON_TRY(holds, graph.holds(name));
    std::set<int> kept;
    for (const Hold& hold : *holds) {
      const bool joinable = want.mode == LeaseMode::shared && hold.mode == LeaseMode::shared;
      if (stuck.contains(hold.party) && !joinable) kept.insert(hold.slot);
    }
    if (slots - static_cast<int>(kept.size()) >= want.slots) return true;
  }
  return options.empty();  // nothing is known of it: no circle
}

Result<bool> can_go_on(Graph& graph, const std::string& party,
                       const std::set<std::string>& stuck) {
  BATON_TRY(leases, graph.waiting(party));
  for (const Lease& lease : *leases)
    for (const model::Want& want : lease.request.wants) {
      BATON_TRY(possible, servable(graph, lease, want, stuck));
      if (!possible) return false;
    }
  return true;
}

// From the party along waits within `stuck` until one comes again: that part is the circle.
Result<std::vector<std::string>> circle(Graph& graph, const std::string& start,
                                        const std::set<std::string>& stuck) {
  std::vector<std::pair<std::string, std::string>> path;  // party, what it waits for
  std::string party = start;
  for (;;) {
    const auto seen = std::find_if(path.begin(), path.end(),
                                   [&](const auto& step) { return step.first == party; });
    if (seen != path.end()) {
      std::vector<std::string> names;
      for (auto step = seen; step != path.end(); ++step) {
        names.push_back(step->first);
        names.push_back(step->second);
      }
      return names;
    }
    std::optional<std::pair<std::string, std::string>> next;  // environment, its holder
    BATON_TRY(leases, graph.waiting(party));
    for (const Lease& lease : *leases) {
      for (const model::Want& want : lease.request.wants) {
        BATON_TRY(options, graph.options(lease, want));
        for (const std::string& name : options) {
          BATON_TRY(holds, graph.holds(name));
          for (const Hold& hold : *holds) {
            if (!stuck.contains(hold.party)) continue;
            // Straight back to where it began reads best.
            if (!next || hold.party == start) next = {name, hold.party};
          }
        }
      }
    }
    if (!next) return std::vector<std::string>{};
    path.emplace_back(party, next->first);
    party = next->second;
  }
}

}  // namespace

Result<bool> waits_for_party(store::Session& session, std::int64_t older, const Lease& younger) {
  if (!is_party(younger)) return false;
  BATON_TRY(holds, store::holds_any(session, younger.request.holder.name));
  if (!holds) return false;
  BATON_TRY(lease, store::lease_at(session, older));
  if (!lease) return false;
  Graph graph(session);
  BATON_TRY(parties, reachable(graph, *lease));
  return parties.contains(younger.request.holder.name);
}

Result<std::vector<std::string>> find_deadlock(store::Session& session, const Lease& waiting) {
  const std::string& self = waiting.request.holder.name;
  if (!is_party(waiting)) return std::vector<std::string>{};
  BATON_TRY(holds, store::holds_any(session, self));
  if (!holds) return std::vector<std::string>{};  // nobody waits for who holds nothing
  Graph graph(session);
  BATON_TRY(stuck, reachable(graph, waiting));
  stuck.insert(self);
  // Whoever can go on ends one day and gives back what he holds; who is left over never can.
  for (bool changed = true; changed;) {
    changed = false;
    for (auto party = stuck.begin(); party != stuck.end();) {
      BATON_TRY(possible, can_go_on(graph, *party, stuck));
      if (possible) {
        party = stuck.erase(party);
        changed = true;
      } else {
        ++party;
      }
    }
  }
  if (!stuck.contains(self)) return std::vector<std::string>{};
  return circle(graph, self, stuck);
}

}  // namespace baton::engine
