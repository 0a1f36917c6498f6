// SPDX-License-Identifier: MIT
#pragma once
// Webhooks by standardwebhooks.com. Out: `gate.decided` with the gate, or a CloudEvent. In: a gate
// is opened, and its verdict goes to the link's address.
#include "links/inbound.h"
#include "links/message.h"

namespace baton::links::webhook {

Deliver find(std::string_view op);
Result<void> check(const model::Target& target);
Result<Inbound> read(const InboundCall& call);

}  // namespace baton::links::webhook
