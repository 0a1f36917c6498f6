// SPDX-License-Identifier: MIT
#pragma once
// Buildkite: block steps. They can be unblocked and nothing else; a gate that did not pass leaves
// the step blocked, or cancels its build.
#include "links/message.h"

namespace baton::links::buildkite {

/// unblock {organization?,pipeline?,build?,job,unblocker?,fields?,cancel_on_failure?}; the
/// organization is the link's unless it is given.
Deliver find(std::string_view op);
Result<void> check(const model::Target& target);

}  // namespace baton::links::buildkite
