// SPDX-License-Identifier: MIT
#pragma once
// GitLab: commit statuses, manual jobs, and external status checks of merge requests, which come in
// and are answered: `pending` again and again, because GitLab gives up on it after two minutes,
// then the verdict.
#include "links/inbound.h"
#include "links/message.h"

namespace baton::links::gitlab {

/// commit_status and play_job for targets; progress and status_check for the answers to a check.
Deliver find(std::string_view op);
Result<void> check(const model::Target& target);
Result<Inbound> read(const InboundCall& call);
model::Stage stage(std::string_view op);

}  // namespace baton::links::gitlab
