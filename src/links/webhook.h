// SPDX-License-Identifier: MIT
#pragma once
// Webhooks by standardwebhooks.com. Out: `gate.decided` with the gate, or a CloudEvent. In: a gate
// is opened, and its verdict goes to the link's address.
#include "links/adapters.h"

namespace baton::links {

extern const Adapter kWebhook;

}  // namespace baton::links
