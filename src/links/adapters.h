// SPDX-License-Identifier: MIT
#pragma once
// Every adapter by the kind of its link. Each kind is a file of its own; this is the list.
#include "links/inbound.h"
#include "links/message.h"

namespace baton::links {

/// What a kind of link can do. Any of them may be null: it cannot.
struct Adapter {
  model::LinkKind kind;
  /// The function for an operation, or null.
  Deliver (*find)(std::string_view op) = nullptr;
  /// The fields of a target.  Errors: invalid with one detail per field.
  Result<void> (*check)(const model::Target& target) = nullptr;
  Result<Inbound> (*read)(const InboundCall& call) = nullptr;
  /// When its operations are due; null: all bring the verdict.
  model::Stage (*stage)(std::string_view op) = nullptr;
  /// Its inbound calls prove themselves by a signature.
  bool is_signed = false;
};

/// Null for a kind that has none.
const Adapter* adapter_of(model::LinkKind kind);
model::Stage stage_of(model::LinkKind kind, std::string_view op);

}  // namespace baton::links
