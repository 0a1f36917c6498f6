// SPDX-License-Identifier: MIT
#pragma once
// Buildkite: block steps. They can be unblocked and nothing else; a gate that did not pass leaves
// the step blocked, or cancels its build.
#include "links/adapters.h"

namespace baton::links {

/// unblock {organization?,pipeline?,build?,job,unblocker?,fields?,cancel_on_failure?}; the
/// organization is the link's `user` unless it is given.
extern const Adapter kBuildkite;

}  // namespace baton::links
