// SPDX-License-Identifier: MIT
#pragma once
// Which slots a waiting lease gets: the state of a few environments in memory, with what is set
// aside for older requests, and the choice. Pure but for loading. For lease_grant and its checks.
//
// The rule: an older request that waits for busy slots sets aside what it will need, and a younger
// one gets only what is left over. Nothing is set aside by a request that the state of an
// environment keeps from being served (maintenance, a booking), nor against a party for which the
// older request itself waits: that would be a deadlock.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/writer.h"
#include "model/booking.h"
#include "model/lease.h"
#include "store/environment_table.h"
#include "store/lease_table.h"

namespace baton::engine {

/// Slots of one environment that are set aside for an older request.
struct SetAside {
  std::int64_t seq = 0;
  model::LeaseMode mode = model::LeaseMode::exclusive;
  int slots = 1;
};

struct EnvironmentView {
  model::Environment environment;
  std::vector<store::SlotRow> slots;
  std::vector<model::Window> windows;  // bookings that are under way or begin soon
  std::vector<SetAside> set_aside;

  bool is_open() const { return environment.state == model::EnvironmentState::enabled; }
  /// Whether this holder may begin a lease now, as far as state and bookings go.
  bool admits(const model::Lease& lease, TimePoint wall) const;
  /// Nobody at all could get a slot of it.
  bool is_exhausted() const;
};
using Views = std::map<std::string, EnvironmentView, std::less<>>;

/// Errors: not_found (unknown).
Result<EnvironmentView> load_view(store::Session& session, std::string_view name, TimePoint wall);

/// Whether what is set aside for that older request binds the lease that is looked at.
using Binds = std::function<Result<bool>(std::int64_t older)>;

struct Choice {
  std::vector<model::Grant> grants;  // empty when it cannot be served now
  bool barred = false;  // by a state or a booking, not by busy slots
};
/// All wants or none. `views` hold every environment that the lease may be given.
Result<Choice> choose(const Views& views, const model::Lease& lease, TimePoint wall,
                      const Binds& binds);
/// Sets aside what the lease waits for.
void set_aside(Views& views, const model::Lease& lease);
/// Whether it could be served if every slot were free.
bool is_satisfiable(const Views& views, const model::Lease& lease);

}  // namespace baton::engine
