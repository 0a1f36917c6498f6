// SPDX-License-Identifier: MIT
#pragma once
// `baton lock exec ENV… -- CMD…`: the command runs while the lease is held, and nothing of it is
// alive when another could hold the slot. What this process does while it is stopped is done by the
// guard (cli/exec_guard.h), which knows the time by which the server has not given the slot away.
#include "cli/exec_guard.h"
#include "cli/verb.h"
#include "client/lease_wait.h"

namespace baton::cli {

inline constexpr std::size_t kLockEnvironmentsMax = 50;

int lock_exec(Host& host, const Invocation& invocation);

/// From what the last successful renewal said: the command is killed a margin before the time is
/// over that counts from its sending, and asked to end `grace` (a fifth of the time at most)
/// before.
KillTimes kill_times(const client::HeldLease& lease, Duration grace);

}  // namespace baton::cli
