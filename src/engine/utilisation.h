// SPDX-License-Identifier: MIT
#pragma once
// What the slots of an environment were used for. Reads only.
#include "base/result.h"
#include "base/time.h"
#include "model/environment.h"
#include "store/session.h"

namespace baton::engine {

/// Slots times time, told apart; the five add up to slots × (to − from).
struct Utilisation {
  int slots = 0;
  Duration held{0};
  Duration cleaning{0};     // it rests, is reset, looked at, made or destroyed
  Duration broken{0};
  Duration maintenance{0};  // or draining, with nobody holding the slot
  Duration free{0};
};

struct UtilisationSpan {
  TimePoint from;  // wall clock
  TimePoint to;
  TimePoint now;  // what goes on ends here
};

/// Of the slots that it has now. A slot that is held and something else at the same time is held.
Result<Utilisation> utilisation(store::Session& session, const model::Environment& environment,
                                const UtilisationSpan& span);

}  // namespace baton::engine
