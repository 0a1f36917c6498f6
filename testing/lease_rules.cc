// SPDX-License-Identifier: MIT
// What is asked of the folded state.
#include <fmt/format.h>

#include <algorithm>

#include "engine/deadline_kinds.h"
#include "store/environment_table.h"
#include "store/journal_table.h"
#include "store/lease_table.h"
#include "testing/lease_fold.h"

namespace baton::sim {
namespace {

using model::Grant;
using model::LeaseMode;
using model::Want;

bool matches(const Want& want, const std::string& name, const FoldEnvironment& environment) {
  if (!want.environment.empty()) return want.environment == name;
  return model::has_labels(environment.labels, want.labels);
}

bool is_party(const FoldLease& lease) {
  return lease.row.request.source == model::LeaseSource::api;
}

bool comes_before(const FoldLease& a, const FoldLease& b) {
  return std::pair{a.row.order_key, a.row.seq} < std::pair{b.row.order_key, b.row.seq};
}

}  // namespace

int LeaseFold::free_slots(const FoldEnvironment& environment) const {
  return static_cast<int>(
      std::count_if(environment.slots.begin(), environment.slots.end(), [&](const auto& entry) {
        return entry.second.state == "free" && entry.first <= environment.declared;
      }));
}

int LeaseFold::shared_slots(const FoldEnvironment& environment) const {
  return static_cast<int>(
      std::count_if(environment.slots.begin(), environment.slots.end(), [&](const auto& entry) {
        return entry.second.state == "held" && entry.first <= environment.declared &&
               entry.second.holders.begin()->second == LeaseMode::shared;
      }));
}

// A state of an environment, and not that it is busy, keeps the lease from being served.
bool LeaseFold::is_barred(const FoldLease& lease) const {
  const auto is_open = [](const FoldEnvironment& environment) {
    return environment.state == "enabled";
  };
  bool selectors = false, any_open = false;
  for (const Want& want : lease.row.request.wants) {
    if (!want.environment.empty()) {
      const auto found = environments_.find(want.environment);
      if (found == environments_.end() || !is_open(found->second)) return true;
      continue;
    }
    selectors = true;
    for (const auto& [name, environment] : environments_)
      if (matches(want, name, environment) && is_open(environment)) any_open = true;
  }
  return selectors && !any_open;
}

// Whether the older one waits, perhaps over others, for the party of the younger one.
bool LeaseFold::waits_for(const FoldLease& older, const FoldLease& younger) const {
  if (!is_party(younger)) return false;
  std::set<std::string> parties;
  std::vector<const FoldLease*> open{&older};
  while (!open.empty()) {
    const FoldLease* waiting = open.back();
    open.pop_back();
    for (const auto& [name, environment] : environments_)
      for (const Want& want : waiting->row.request.wants) {
        if (!matches(want, name, environment)) continue;
        for (const auto& [number, slot] : environment.slots)
          for (const auto& [holder, mode] : slot.holders) {
            const FoldLease& held = leases_.at(holder);
            const std::string& party = held.row.request.holder.name;
            if (!is_party(held) || !parties.insert(party).second) continue;
            for (const auto& [id, lease] : leases_)
              if (lease.state == "queued" && is_party(lease) &&
                  lease.row.request.holder.name == party)
                open.push_back(&lease);
          }
      }
  }
  return parties.contains(younger.row.request.holder.name);
}

LeaseFold::Older LeaseFold::older_than(const FoldLease& lease) const {
  Older older;
  for (const auto& [id, other] : leases_)
    if (other.state == "queued" && comes_before(other, lease) && !is_barred(other) &&
        !waits_for(other, lease))
      older.push_back(&other);
  return older;
}

std::string LeaseFold::check_slots(const FoldLease& lease, bool handed_over) {
  int wanted = 0;
  for (const Want& want : lease.row.request.wants) wanted += want.slots;
  if (wanted != static_cast<int>(lease.grants.size()))
    return fmt::format("{} wants {} slots and gets {}", lease.row.id, wanted, lease.grants.size());
  for (const Grant& grant : lease.grants) {
    const std::string where = fmt::format("{}/{}", grant.environment, grant.slot);
    const auto found = environments_.find(grant.environment);
    if (found == environments_.end())
      return fmt::format("{} gets {} that is unknown", lease.row.id, where);
    const FoldEnvironment& environment = found->second;
    const auto& wants = lease.row.request.wants;
    if (std::none_of(wants.begin(), wants.end(), [&](const Want& want) {
          return matches(want, grant.environment, environment) && want.mode == grant.mode;
        }))
      return fmt::format("{} gets {} that it does not want", lease.row.id, where);
    if (!handed_over && environment.state != "enabled")
      return fmt::format("{} gets {} in {}", lease.row.id, where, environment.state);
    const auto slot = environment.slots.find(grant.slot);
    if (slot == environment.slots.end())
      return fmt::format("{} gets {} that is not there", lease.row.id, where);
    const auto& holders = slot->second.holders;
    const bool all_share = std::all_of(holders.begin(), holders.end(), [](const auto& holder) {
      return holder.second == LeaseMode::shared;
    });
    const bool joins = grant.mode == LeaseMode::shared && slot->second.state == "held" && all_share;
    if (slot->second.state != "free" && !joins)
      return fmt::format("{} gets {} that is {}{}{}", lease.row.id, where, slot->second.state,
                         holders.empty() ? "" : " by ",
                         holders.empty() ? "" : holders.begin()->first);
  }
  return {};
}

std::string LeaseFold::check_order(const FoldLease& lease) {
  std::map<std::string, std::pair<int, int>> taken;  // environment → slots that were free, joined
  for (const Grant& grant : lease.grants) {
    const FoldSlot& slot = environments_.at(grant.environment).slots.at(grant.slot);
    auto& [free, joined] = taken[grant.environment];
    ++(slot.state == "free" ? free : joined);
  }
  const Older older = older_than(lease);
  for (const auto& [name, count] : taken) {
    const FoldEnvironment& environment = environments_.at(name);
    const int free = free_slots(environment);
    int needed = 0;
    for (const FoldLease* other : older) {
      const auto& wants = other->row.request.wants;
      for (const Want& want : wants) {
        if (want.environment == name) {
          needed += std::max(
              0, want.slots - (want.mode == LeaseMode::shared ? shared_slots(environment) : 0));
          if (count.second > 0 && want.mode == LeaseMode::exclusive && needed > free)
            return fmt::format("{} joins the sharers of {} for whose end the older {} waits",
                               lease.row.id, name, other->row.id);
        }
        const bool selects = wants.size() == 1 && want.environment.empty() &&
                             model::has_labels(environment.labels, want.labels);
        if (selects && free - needed >= want.slots && count.first > 0 &&
            free - count.first - needed < want.slots)
          return fmt::format("{} gets {} that the older {} could have", lease.row.id, name,
                             other->row.id);
      }
    }
    if (count.first > 0 && free - count.first < needed)
      return fmt::format("{} gets {} of {} free slots of {}, of which older ones need {}",
                         lease.row.id, count.first, free, name, needed);
  }
  return {};
}

// Without a doubt: even when every older one got all that it could want of these environments.
bool LeaseFold::would_fit(const FoldLease& lease) const {
  if (is_barred(lease)) return false;
  const auto fits = [&](const Want& want, const std::string& name,
                        const FoldEnvironment& environment) {
    if (environment.state != "enabled") return false;
    int left = free_slots(environment);
    bool alone = true;
    for (const auto& [id, other] : leases_) {
      if (other.state != "queued" || !comes_before(other, lease)) continue;
      for (const Want& older : other.row.request.wants) {
        if (!matches(older, name, environment)) continue;
        left -= older.slots;
        alone = false;
      }
    }
    if (want.mode == LeaseMode::shared && alone) left += shared_slots(environment);
    return left >= want.slots;
  };
  const auto& wants = lease.row.request.wants;
  const bool selects = std::any_of(wants.begin(), wants.end(),
                                   [](const Want& want) { return want.environment.empty(); });
  if (selects && wants.size() > 1)
    return false;  // several selectors: which gets which is the engine's
  if (selects)
    return std::any_of(environments_.begin(), environments_.end(), [&](const auto& entry) {
      return matches(wants[0], entry.first, entry.second) &&
             fits(wants[0], entry.first, entry.second);
    });
  return std::all_of(wants.begin(), wants.end(), [&](const Want& want) {
    return fits(want, want.environment, environments_.at(want.environment));
  });
}

// Whether each want could be served, were everything free.
bool LeaseFold::is_hopeless(const FoldLease& lease) const {
  const auto& wants = lease.row.request.wants;
  return std::any_of(wants.begin(), wants.end(), [&](const Want& want) {
    return std::none_of(environments_.begin(), environments_.end(), [&](const auto& entry) {
      return matches(want, entry.first, entry.second) && entry.second.declared >= want.slots;
    });
  });
}

std::string LeaseFold::wrong_wait() const {
  for (const auto& [id, lease] : leases_) {
    if (lease.state != "queued") continue;
    const std::string& name = lease.row.request.holder.name;
    if (would_fit(lease)) return fmt::format("{} of {} waits although it fits", id, name);
    if (is_hopeless(lease))
      return fmt::format("{} of {} waits for what it can never have", id, name);
  }
  return {};
}

std::string LeaseFold::after_step(store::Session& session) {
  if (!heir_.empty()) return fmt::format("the hand-over to {} did not happen", heir_);
  if (auto problem = wrong_wait(); !problem.empty()) return problem;
  if (auto problem = compare(session); !problem.empty()) return problem;
  return compare_deadlines(session);
}

std::string LeaseFold::compare(store::Session& session) {
  for (const std::string& id : std::exchange(touched_leases_, {})) {
    const auto row = store::find_lease(session, id).value();
    const auto lease = leases_.find(id);
    const bool live = row && row->is_live();
    if (live != (lease != leases_.end()))
      return fmt::format("{} is {} in its row only", id, row ? name_of(row->state) : "removed");
    if (!live) {
      if (row && !store::wanted_by(session, row->seq).value().empty())
        return fmt::format("{} has ended and stands in a queue", id);
      continue;
    }
    if (lease->second.state != name_of(row->state) || lease->second.fence != row->fence ||
        lease->second.grants.size() != row->grants.size())
      return fmt::format("{} is {} with fence {} in its row, {} with {} in the journal", id,
                         name_of(row->state), row->fence, lease->second.state,
                         lease->second.fence);
  }
  for (const std::string& name : std::exchange(touched_environments_, {})) {
    const auto slots = store::slots_of(session, name).value();
    const auto known = environments_.find(name);
    const std::size_t count = known == environments_.end() ? 0 : known->second.slots.size();
    if (slots.size() != count)
      return fmt::format("{} has {} slots in the table, {} in the journal", name, slots.size(),
                         count);
    std::size_t uses = 0;
    for (const store::SlotRow& slot : slots) {
      const auto found = known->second.slots.find(slot.number);
      if (found == known->second.slots.end() || found->second.state != name_of(slot.state) ||
          found->second.holders.size() != static_cast<std::size_t>(slot.holders))
        return fmt::format("{}/{} is {} with {} holders in the table", name, slot.number,
                           name_of(slot.state), slot.holders);
      uses += found->second.holders.size();
    }
    if (store::current_uses(session, name).value().size() != uses)
      return fmt::format("the uses of {} are not those of the journal", name);
  }
  return {};
}

std::string LeaseFold::compare_deadlines(store::Session& session) const {
  std::set<std::pair<std::string, std::string>> deadlines;
  const auto rows =
      session.query("SELECT kind, subject FROM deadline WHERE subject LIKE 'lease:%'").value();
  for (const auto& row : rows) {
    const std::string id = store::lease_of_subject(row.text(1));
    if (!leases_.contains(id))
      return fmt::format("a deadline {} of {} that has ended", row.text(0), id);
    deadlines.emplace(row.text(0), id);
  }
  const auto expiring =
      session.query("SELECT id FROM lease WHERE expires_at IS NOT NULL").value();
  for (const auto& row : expiring) {
    if (!leases_.contains(row.text(0))) return fmt::format("{} has ended and expires", row.text(0));
    deadlines.emplace(engine::kLeaseExpiry, row.text(0));
  }
  for (const auto& [id, lease] : leases_) {
    const bool held = lease.state == "held";
    const bool ends = held ? lease.row.ttl.count() > 0 : !lease.row.request.waits_for_ever;
    const std::string kind(held ? engine::kLeaseExpiry : engine::kLeaseWait);
    if (ends && !deadlines.contains({kind, id}))
      return fmt::format("{} is {} and has no deadline {}", id, lease.state, kind);
  }
  return {};
}

}  // namespace baton::sim
