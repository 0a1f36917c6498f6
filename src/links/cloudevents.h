// SPDX-License-Identifier: MIT
#pragma once
// CloudEvents 1.0 that come in, binary, structured or several in a batch. A finished test of
// CDEvents brings a verdict for the gate that it names; an event with the fields of POST /gates
// opens one.
#include "links/inbound.h"

namespace baton::links::cloudevents {

/// Errors: invalid (no CloudEvent, no outcome; of a batch one of them), unprocessable (another
/// format than JSON), too_large (too many in a batch).
Result<Inbound> read(const InboundCall& call);

/// For an OPTIONS request by which a sender asks whether it may post here; nothing when it is no
/// such one. To be answered 200 with these headers.
std::optional<net::Headers> handshake(const net::RequestHead& request);

}  // namespace baton::links::cloudevents
