// SPDX-License-Identifier: MIT
#include "engine/lease_bar.h"

#include "base/text.h"
#include "engine/environment_ops.h"
#include "store/booking_table.h"
#include "store/environment_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::BookingKind;
using model::EnvironmentState;

}  // namespace

Result<std::vector<Bar>> bars_of(store::Session& session, const model::Lease& lease,
                                 TimePoint wall) {
  BATON_TRY(names, store::wanted_by(session, lease.seq));
  std::vector<Bar> bars;
  for (const std::string& name : names) {
    BATON_TRY(environment, store::find_environment(session, name));
    if (!environment) continue;
    Bar bar{name, environment->state, environment->state_reason, {}};
    if (environment->state == EnvironmentState::enabled) {
      BATON_TRY(windows, store::windows_of(session, *environment, wall));
      for (const model::Window& window : windows)
        if (model::keeps_out(window, lease.request.holder.name, wall, environment->max_hold) &&
            (!bar.window || window.to > bar.window->to))
          bar.window = window;
      if (!bar.window) {
        BATON_TRY(slots, store::slots_of(session, name));
        if (!is_broken(slots)) continue;
        bar.state = EnvironmentState::broken;
        bar.reason = slots.front().message;
      }
    }
    bars.push_back(std::move(bar));
  }
  return bars;
}

std::string describe(const Bar& bar) {
  if (!bar.window) {
    const std::string_view state =
        bar.state == EnvironmentState::maintenance ? "in maintenance" : name_of(bar.state);
    return fmt::format("{} is {}{}{}", bar.environment, state, bar.reason.empty() ? "" : ": ",
                       bar.reason);
  }
  const model::Window& window = *bar.window;
  const std::string times = fmt::format("from {} until {}", format_rfc3339(window.from),
                                        format_rfc3339(window.to));
  if (window.kind == BookingKind::booking)
    return fmt::format("{} is booked by {} {}", bar.environment, window.owner, times);
  return fmt::format("{} has a {} {}", bar.environment,
                     window.kind == BookingKind::blackout ? "blackout" : "maintenance window",
                     times);
}

std::string bar_json(const Bar& bar) {
  std::string json = fmt::format(R"({{"environment":{})", json_quote(bar.environment));
  if (!bar.window)
    return json + fmt::format(R"(,"state":"{}","reason":{}}})", name_of(bar.state),
                              json_quote(bar.reason));
  json += fmt::format(R"(,"booking":{},"kind":"{}")", json_quote(bar.window->booking),
                      name_of(bar.window->kind));
  if (!bar.window->owner.empty())
    json += fmt::format(R"(,"owner":{})", json_quote(bar.window->owner));
  return json + fmt::format(R"(,"from":"{}","to":"{}"}})", format_rfc3339(bar.window->from),
                            format_rfc3339(bar.window->to));
}

}  // namespace baton::engine
