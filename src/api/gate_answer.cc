// SPDX-License-Identifier: MIT
#include "api/gate_answer.h"

#include "api/submit.h"
#include "engine/gate_ops.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "wire/gate_json.h"

namespace baton::api {

boost::asio::awaitable<Result<model::Gate>> gate_after_wait(Context& context, Call& call,
                                                            std::string id, Duration limit) {
  const auto look = [&] {
    return read(context, [&](store::Session& session) { return engine::get_gate(session, id); });
  };
  Result<model::Gate> gate = look();
  if (!gate || limit <= Duration{0} || gate->state != model::GateState::pending) co_return gate;
  const auto end = std::chrono::steady_clock::now() + limit;
  Watch::Waiter waiter(context.watch, store::gate_subject(id));
  for (net::Wake wake = net::Wake::notified;;) {
    gate = look();
    if (!gate || gate->state != model::GateState::pending || wake != net::Wake::notified) break;
    const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
    wake = co_await waiter.wait(left, call.request.caller);
  }
  co_return gate;
}

Result<std::string> read_gate_json(Context& context, const model::Gate& gate) {
  return read(context, [&](store::Session& session) -> Result<std::string> {
    BATON_TRY(deliveries, store::deliveries_of(session, gate.id));
    return wire::to_json(gate, deliveries, context.settings.public_url);
  });
}

Error decided_otherwise(const model::Gate& gate) {
  const std::string_view verdict = name_of(gate.verdict);
  Error error{Code::conflict,
              fmt::format("the gate {} is {} already{}{}", gate.id, name_of(gate.state),
                          verdict.empty() ? "" : ": ", verdict),
              "the first verdict stands; yours was recorded in the journal"};
  error.members = fmt::format(R"("gate":"{}","state":"{}","verdict":{})", gate.id,
                              name_of(gate.state),
                              verdict.empty() ? "null" : fmt::format("\"{}\"", verdict));
  return error;
}

}  // namespace baton::api
