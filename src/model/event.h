// SPDX-License-Identifier: MIT
#pragma once
// A fact of the journal: written in the transaction that made it true, read by cursor.
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace baton::model {

struct Event {
  Seq seq = 0;          // given by the journal, strictly rising
  TimePoint at;         // wall clock
  std::string kind;     // "run.queued"; all kinds are in docs/formats/events.md
  std::string subject;  // what it is about: "run:17", "suite:pay/checkout"
  std::string data = "{}";  // a JSON object
};

}  // namespace baton::model
