// SPDX-License-Identifier: MIT
#include "links/adapters.h"

#include <algorithm>
#include <array>

#include "links/gocd.h"
#include "links/webhook.h"

namespace baton::links {
namespace {

constexpr std::array kAdapters{
    &kGocd,
    &kWebhook,
};

tl::unexpected<Error> unknown_operation(model::LinkKind kind, const model::Target& target) {
  return fail(Code::invalid, "a link of kind {} cannot {}", name_of(kind),
              target.op.empty() ? "deliver without an operation" : "do `" + target.op + "`");
}

}  // namespace

const Adapter* adapter_of(model::LinkKind kind) {
  const auto found = std::find_if(kAdapters.begin(), kAdapters.end(),
                                  [&](const Adapter* a) { return a->kind == kind; });
  return found == kAdapters.end() ? nullptr : *found;
}

Deliver find_adapter(model::LinkKind kind, std::string_view op) {
  const Adapter* adapter = adapter_of(kind);
  return adapter == nullptr || adapter->find == nullptr ? nullptr : adapter->find(op);
}

Result<void> check_target(model::LinkKind kind, const model::Target& target) {
  if (find_adapter(kind, target.op) == nullptr) return unknown_operation(kind, target);
  const Adapter* adapter = adapter_of(kind);
  return adapter->check == nullptr ? Result<void>{} : adapter->check(target);
}

Result<Inbound> read_inbound(const InboundCall& call) {
  const Adapter* adapter = adapter_of(call.profile.kind);
  if (adapter == nullptr || adapter->read == nullptr)
    return fail(Code::not_found, "nothing comes in from a link of kind {}",
                name_of(call.profile.kind));
  return adapter->read(call);
}

bool is_signed(model::LinkKind kind) {
  const Adapter* adapter = adapter_of(kind);
  return adapter != nullptr && adapter->is_signed;
}

}  // namespace baton::links
