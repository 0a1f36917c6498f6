// SPDX-License-Identifier: MIT
#include "engine/utilisation.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "store/environment_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::SlotState;

// What counts, where two are true at the same time: the first.
enum Use { held, broken, cleaning, maintenance, kUses };

struct Edge {
  TimePoint at;
  Use use = held;
  int by = 1;
};

std::optional<Use> use_of(SlotState state) {
  switch (state) {
    case SlotState::cooling:
    case SlotState::cleaning:
    case SlotState::checking:
    case SlotState::provisioning:
    case SlotState::destroying: return cleaning;
    case SlotState::broken: return broken;
    case SlotState::free:
    case SlotState::held:
    case SlotState::absent: return std::nullopt;
  }
  return std::nullopt;
}

// Adds a stretch of time, cut to the span; what has not ended goes on until now.
void add(std::vector<Edge>& edges, const UtilisationSpan& span, Use use, TimePoint from,
         std::optional<TimePoint> to) {
  const TimePoint begin = std::max(from, span.from);
  const TimePoint end = std::min(to.value_or(span.now), span.to);
  if (begin >= end) return;
  edges.push_back({begin, use, 1});
  edges.push_back({end, use, -1});
}

void sum(std::vector<Edge> edges, std::array<Duration, kUses>& sums) {
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.at < b.at; });
  std::array<int, kUses> open{};
  TimePoint last;
  for (const Edge& edge : edges) {
    const auto now = std::find_if(open.begin(), open.end(), [](int n) { return n > 0; });
    if (now != open.end()) sums.at(static_cast<std::size_t>(now - open.begin())) += edge.at - last;
    open.at(edge.use) += edge.by;
    last = edge.at;
  }
}

}  // namespace

Result<Utilisation> utilisation(store::Session& session, const model::Environment& environment,
                                const UtilisationSpan& span) {
  std::map<int, std::vector<Edge>> edges;
  for (int slot = 1; slot <= environment.slots; ++slot) edges[slot];
  BATON_TRY(uses, store::uses_between(session, environment.name, span.from, span.to));
  for (const store::Use& use : uses)
    if (const auto slot = edges.find(use.slot); slot != edges.end())
      add(slot->second, span, held, use.from, use.to);
  BATON_TRY(periods, store::periods(session, environment.name, span.from, span.to));
  for (const store::Period& period : periods) {
    if (period.slot == 0) {
      for (auto& [number, list] : edges) add(list, span, maintenance, period.from, period.to);
    } else if (const auto slot = edges.find(period.slot); slot != edges.end()) {
      if (const auto use = use_of(period.state))
        add(slot->second, span, *use, period.from, period.to);
    }
  }
  std::array<Duration, kUses> sums{};
  for (auto& [number, list] : edges) sum(std::move(list), sums);
  Utilisation used{environment.slots, sums[held], sums[cleaning], sums[broken],
                   sums[maintenance], Duration{0}};
  used.free = (span.to - span.from) * environment.slots - used.held - used.cleaning - used.broken -
              used.maintenance;
  return used;
}

}  // namespace baton::engine
