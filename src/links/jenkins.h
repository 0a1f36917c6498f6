// SPDX-License-Identifier: MIT
#pragma once
// Jenkins: `input` steps, which are proceeded or aborted, and steps of the webhook-step plugin. An
// input that is settled is gone (404), so is one that is not reached yet: the build tells which.
#include "links/message.h"

namespace baton::links::jenkins {

/// input {job,build,id}, webhook_step {token}.
Deliver find(std::string_view op);
Result<void> check(const model::Target& target);

}  // namespace baton::links::jenkins
