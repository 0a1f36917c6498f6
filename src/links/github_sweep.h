// SPDX-License-Identifier: MIT
#pragma once
// Deployments that wait for a protection rule although nobody told us: GitHub does not repeat a
// webhook that was not answered. Looks through the repositories that a profile names. Nothing is
// guessed: a deployment is taken when GitHub says that its environment has a rule of our App, and
// that it waits in that run. Stateless; blocks; for a thread of its own.
#include <string>
#include <vector>

#include "links/http.h"
#include "links/inbound.h"

namespace baton::links {

struct GithubSweep {
  /// Also of those that a webhook opened: their idents are the same.
  std::vector<OpenGate> waiting;
  /// What could not be looked at, for people.
  std::vector<std::string> problems;
};

/// now: wall clock.
GithubSweep sweep_github(const model::LinkProfile& profile, Http& http, TimePoint now);

}  // namespace baton::links
