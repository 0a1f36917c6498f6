// SPDX-License-Identifier: MIT
#pragma once
// Those who ask again and again until they like the answer: Flagger's webhooks and web metrics of
// Argo Rollouts. The first call opens a gate, the next ones find it.
#include "links/inbound.h"

namespace baton::links {

namespace flagger {
/// {name,namespace,phase,checksum,metadata}: metadata has the fields of POST /gates but `deliver`,
/// as JSON or as texts, and `type`. One gate for each revision (checksum) of a canary, or several
/// by the `name` in the metadata. Events are ignored.
Result<Inbound> read(const InboundCall& call);
}  // namespace flagger

namespace argo {
/// The fields of POST /gates but `deliver`, in the query or as a JSON body; `key`, or else `name`,
/// is what the next call finds the gate by.
Result<Inbound> read(const InboundCall& call);
}  // namespace argo

}  // namespace baton::links
