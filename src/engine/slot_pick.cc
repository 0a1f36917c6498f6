// SPDX-License-Identifier: MIT
#include "engine/slot_pick.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "store/booking_table.h"

namespace baton::engine {
namespace {

using model::Grant;
using model::Lease;
using model::LeaseMode;
using model::SlotState;
using model::Want;
using store::SlotRow;

bool is_free(const SlotRow& slot) { return slot.state == SlotState::free; }
bool is_shared(const SlotRow& slot) {
  return slot.state == SlotState::held && slot.mode == LeaseMode::shared;
}

int count(const EnvironmentView& view, bool (*of)(const SlotRow&)) {
  return static_cast<int>(std::count_if(view.slots.begin(), view.slots.end(), of));
}

// What older requests leave of an environment.
struct Left {
  int free = 0;
  bool shared_ok = true;  // nobody older waits for the sharers to leave
};

Result<Left> left_over(const EnvironmentView& view, const Binds& binds) {
  Left left{count(view, is_free), true};
  const int shared = count(view, is_shared);
  for (const SetAside& one : view.set_aside) {
    BATON_TRY(binding, binds(one.seq));
    if (!binding) continue;
    const int joinable = one.mode == LeaseMode::shared ? shared : 0;
    left.free -= std::max(0, one.slots - joinable);
    // It waits for slots that are shared now, among others.
    if (one.mode == LeaseMode::exclusive && left.free < 0) left.shared_ok = false;
  }
  left.free = std::max(0, left.free);
  return left;
}

// The slots of this environment for this want; empty when there are not enough.
Result<std::vector<Grant>> pick(const EnvironmentView& view, const Want& want,
                                const Binds& binds) {
  BATON_TRY(left, left_over(view, binds));
  std::vector<Grant> grants;
  const auto take = [&](bool (*of)(const SlotRow&)) {
    for (const SlotRow& slot : view.slots) {
      if (static_cast<int>(grants.size()) == want.slots) return;
      if (of(slot)) grants.push_back({slot.environment, slot.number, want.mode});
    }
  };
  if (want.mode == LeaseMode::shared && left.shared_ok) take(is_shared);
  const int missing = want.slots - static_cast<int>(grants.size());
  if (missing > left.free) return std::vector<Grant>{};
  take(is_free);
  return grants;
}

std::vector<std::string> candidates(const Views& views, const Want& want,
                                    const std::set<std::string>& taken) {
  std::vector<std::string> names;
  for (const auto& [name, view] : views)
    if (!taken.contains(name) && model::has_labels(view.environment.labels, want.labels))
      names.push_back(name);
  return names;
}

// A maximum matching of selectors to environments, so that a greedy first choice never hides a
// solution.
class Matching {
 public:
  using Fits = std::function<bool(std::size_t want, const std::string& environment)>;
  Matching(std::vector<std::vector<std::string>> options, const Fits& fits)
      : options_(std::move(options)), fits_(fits) {}

  bool solve() {
    for (std::size_t i = 0; i < options_.size(); ++i) {
      std::set<std::string> seen;
      if (!place(i, seen)) return false;
    }
    return true;
  }
  std::vector<std::string> chosen() const {
    std::vector<std::string> names(options_.size());
    for (const auto& [name, i] : owner_) names[i] = name;
    return names;
  }

 private:
  bool place(std::size_t i, std::set<std::string>& seen) {
    for (const std::string& name : options_[i]) {
      if (!fits_(i, name) || !seen.insert(name).second) continue;
      const auto owned = owner_.find(name);
      if (owned == owner_.end() || place(owned->second, seen)) {
        owner_[name] = i;
        return true;
      }
    }
    return false;
  }

  std::vector<std::vector<std::string>> options_;
  const Fits& fits_;
  std::map<std::string, std::size_t> owner_;
};

struct Selectors {
  std::vector<const Want*> wants;
  std::vector<std::vector<std::string>> options;
};

Selectors selectors_of(const Views& views, const Lease& lease) {
  std::set<std::string> named;
  for (const Want& want : lease.request.wants)
    if (!want.environment.empty()) named.insert(want.environment);
  Selectors found;
  for (const Want& want : lease.request.wants) {
    if (!want.environment.empty()) continue;
    found.wants.push_back(&want);
    found.options.push_back(candidates(views, want, named));
  }
  return found;
}

bool has_enough(const EnvironmentView& view, const Want& want) {
  return view.environment.slots >= want.slots;
}

Result<std::vector<Grant>> try_pick(const EnvironmentView& view, const Want& want,
                                    const Lease& lease, TimePoint wall, const Binds& binds,
                                    bool& barred) {
  if (!view.admits(lease, wall)) {
    barred = true;
    return std::vector<Grant>{};
  }
  return pick(view, want, binds);
}

}  // namespace

bool EnvironmentView::admits(const Lease& lease, TimePoint wall) const {
  if (!is_open()) return false;
  for (const model::Window& window : windows)
    if (model::keeps_out(window, lease.request.holder.name, wall, environment.max_hold))
      return false;
  return true;
}

bool EnvironmentView::is_exhausted() const {
  if (!is_open()) return true;
  if (count(*this, is_free) > 0) return false;
  if (count(*this, is_shared) == 0) return true;
  // An older one waits for the sharers: nobody may join them.
  return std::any_of(set_aside.begin(), set_aside.end(), [](const SetAside& one) {
    return one.mode == LeaseMode::exclusive;
  });
}

Result<EnvironmentView> load_view(store::Session& session, std::string_view name, TimePoint wall) {
  EnvironmentView view;
  BATON_TRY(found, store::find_environment(session, name));
  if (!found) return fail(Code::not_found, "the environment {} is unknown", json_quote(name));
  view.environment = *std::move(found);
  BATON_TRY(slots, store::slots_of(session, name));
  // A slot beyond the declared number goes when its holders do.
  std::erase_if(slots, [&](const SlotRow& slot) { return slot.number > view.environment.slots; });
  view.slots = std::move(slots);
  BATON_TRY(windows, store::windows_of(session, view.environment, wall));
  view.windows = std::move(windows);
  return view;
}

Result<Choice> choose(const Views& views, const Lease& lease, TimePoint wall, const Binds& binds) {
  Choice choice;
  std::vector<Grant> grants;
  const auto add = [&](std::vector<Grant> more) {
    grants.insert(grants.end(), more.begin(), more.end());
  };
  // First of all who is barred: a busy slot that comes earlier must not hide it.
  for (const Want& want : lease.request.wants) {
    if (want.environment.empty()) continue;
    const auto view = views.find(want.environment);
    if (view == views.end()) return choice;  // it was deleted meanwhile
    choice.barred = choice.barred || !view->second.admits(lease, wall);
  }
  if (choice.barred) return choice;
  for (const Want& want : lease.request.wants) {
    if (want.environment.empty()) continue;
    BATON_TRY(picked, pick(views.find(want.environment)->second, want, binds));
    if (picked.empty()) return choice;
    add(std::move(picked));
  }
  const Selectors selectors = selectors_of(views, lease);
  if (!selectors.wants.empty()) {
    std::map<std::pair<std::size_t, std::string>, std::vector<Grant>> picks;
    bool any_admits = false;
    for (std::size_t i = 0; i < selectors.wants.size(); ++i)
      for (const std::string& name : selectors.options[i]) {
        bool barred = false;
        BATON_TRY(picked, try_pick(views.find(name)->second, *selectors.wants[i], lease, wall,
                                   binds, barred));
        any_admits = any_admits || !barred;
        if (!picked.empty()) picks.emplace(std::pair{i, name}, std::move(picked));
      }
    const Matching::Fits fits = [&](std::size_t i, const std::string& name) {
      return picks.contains({i, name});
    };
    Matching matching(selectors.options, fits);
    if (!matching.solve()) {
      choice.barred = choice.barred || !any_admits;
      return choice;
    }
    const std::vector<std::string> chosen = matching.chosen();
    for (std::size_t i = 0; i < chosen.size(); ++i) add(picks[{i, chosen[i]}]);
  }
  choice.grants = std::move(grants);
  return choice;
}

void set_aside(Views& views, const Lease& lease) {
  const auto put = [&](const std::string& name, const Want& want) {
    if (const auto view = views.find(name); view != views.end())
      view->second.set_aside.push_back({lease.seq, want.mode, want.slots});
  };
  for (const Want& want : lease.request.wants)
    if (!want.environment.empty()) put(want.environment, want);
  // Of what a selector could have now, one environment; when all are busy its place in their queues
  // is enough.
  const Selectors selectors = selectors_of(views, lease);
  const Matching::Fits fits = [&](std::size_t i, const std::string& name) {
    const auto view = views.find(name);
    return has_enough(view->second, *selectors.wants[i]) &&
           count(view->second, is_free) >= selectors.wants[i]->slots;
  };
  Matching matching(selectors.options, fits);
  matching.solve();
  const std::vector<std::string> chosen = matching.chosen();
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (!chosen[i].empty()) put(chosen[i], *selectors.wants[i]);
}

bool is_satisfiable(const Views& views, const Lease& lease) {
  for (const Want& want : lease.request.wants) {
    if (want.environment.empty()) continue;
    const auto view = views.find(want.environment);
    if (view == views.end() || !has_enough(view->second, want)) return false;
  }
  const Selectors selectors = selectors_of(views, lease);
  const Matching::Fits fits = [&](std::size_t i, const std::string& name) {
    return has_enough(views.find(name)->second, *selectors.wants[i]);
  };
  return Matching(selectors.options, fits).solve();
}

}  // namespace baton::engine
