// SPDX-License-Identifier: MIT
#include "links/adapters.h"

#include <array>

#include "links/allow_list.h"
#include "links/azure_devops.h"
#include "links/buildkite.h"
#include "links/cloudevents.h"
#include "links/github.h"
#include "links/gitlab.h"
#include "links/gocd.h"
#include "links/jenkins.h"
#include "links/pollers.h"
#include "links/testkube_hook.h"
#include "links/webhook.h"

namespace baton::links {
namespace {

using model::LinkKind;

constexpr std::array kAdapters{
    Adapter{.kind = LinkKind::argo, .read = argo::read},
    Adapter{.kind = LinkKind::azure_devops,
            .find = azure::find,
            .read = azure::read,
            .stage = azure::stage},
    Adapter{.kind = LinkKind::buildkite, .find = buildkite::find, .check = buildkite::check},
    Adapter{.kind = LinkKind::cloudevents, .read = cloudevents::read},
    Adapter{.kind = LinkKind::flagger, .read = flagger::read},
    Adapter{.kind = LinkKind::github,
            .find = github::find,
            .check = github::check,
            .read = github::read,
            .stage = github::stage,
            .is_signed = true},
    Adapter{.kind = LinkKind::gitlab,
            .find = gitlab::find,
            .check = gitlab::check,
            .read = gitlab::read,
            .stage = gitlab::stage,
            .is_signed = true},
    Adapter{.kind = LinkKind::gocd, .find = gocd::find, .check = gocd::check},
    Adapter{.kind = LinkKind::jenkins, .find = jenkins::find, .check = jenkins::check},
    Adapter{.kind = LinkKind::testkube, .read = testkube_hook::read},
    Adapter{.kind = LinkKind::webhook,
            .find = webhook::find,
            .check = webhook::check,
            .read = webhook::read,
            .is_signed = true},
};

tl::unexpected<Error> unknown_operation(model::LinkKind kind, const model::Target& target) {
  return fail(Code::invalid, "a link of kind {} cannot {}", name_of(kind),
              target.op.empty() ? "deliver without an operation" : "do `" + target.op + "`");
}

}  // namespace

const Adapter* adapter_of(model::LinkKind kind) {
  for (const Adapter& adapter : kAdapters)
    if (adapter.kind == kind) return &adapter;
  return nullptr;
}

model::Stage stage_of(model::LinkKind kind, std::string_view op) {
  const Adapter* adapter = adapter_of(kind);
  return adapter == nullptr || adapter->stage == nullptr ? model::Stage::verdict
                                                         : adapter->stage(op);
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

std::string system_of(model::LinkKind kind, const model::Target& target) {
  // Whom a check calls back stands in the call: one link may have several servers.
  if (kind != LinkKind::azure_devops) return "";
  const auto place = azure::parse_place(target.fields);
  const auto url = place ? parse_callback_url(place->plan_url) : Result<CallbackUrl>{};
  return place && url ? url->origin : "";
}

bool is_signed(model::LinkKind kind) {
  const Adapter* adapter = adapter_of(kind);
  return adapter != nullptr && adapter->is_signed;
}

}  // namespace baton::links
