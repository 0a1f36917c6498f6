// SPDX-License-Identifier: MIT
#pragma once
// Webhooks of Testkube. They may be late, double, or say that a run ended which goes on: only whose
// execution they are about is believed, and Testkube is asked.
#include "links/inbound.h"

namespace baton::links::testkube_hook {

/// An event, an event as a text within a field, or {"execution":ID} of a payload template.
Result<Inbound> read(const InboundCall& call);

}  // namespace baton::links::testkube_hook
