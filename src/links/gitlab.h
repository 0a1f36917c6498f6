// SPDX-License-Identifier: MIT
#pragma once
// GitLab: commit statuses, manual jobs, and external status checks of merge requests, which come in
// and are answered: `pending` again and again, because GitLab gives up on it after two minutes,
// then the verdict.
#include "links/adapters.h"

namespace baton::links {

/// commit_status and play_job for targets; progress and status_check for the answers to a check.
extern const Adapter kGitlab;

namespace gitlab {

Result<Inbound> read(const InboundCall& call);

}  // namespace gitlab
}  // namespace baton::links
