// SPDX-License-Identifier: MIT
#pragma once
// Decides the kind of an arbitrary test command, for `baton run -- CMD`. Looks before it asks: a
// program is run with a listing option only when its file says that it understands it.
#include <string>
#include <vector>

#include "model/suite.h"

namespace baton::runner {

struct Probe {
  model::Kind kind = model::Kind::command;
  std::string reason;  // for a person: "it lists 12 GoogleTest cases"
  std::string suite;   // cpp: "namespace/name" of its only suite, "" otherwise
};

/// Blocking, at most `timeout_ms` per question. Never fails: what is not recognised is a command.
Probe probe(const std::vector<std::string>& command, const std::string& folder,
            int timeout_ms = 10'000);

}  // namespace baton::runner
