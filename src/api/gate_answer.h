// SPDX-License-Identifier: MIT
#pragma once
// What routes that answer with a gate have in common. Coroutines on the connection's thread.
#include <string>

#include "api/context.h"
#include "api/route.h"
#include "model/gate.h"

namespace baton::api {

/// The gate as soon as its state is another than it was, or when the time is over.
/// Errors: not_found.
boost::asio::awaitable<Result<model::Gate>> gate_after_wait(Context& context, Call& call,
                                                            std::string id, Duration limit);

/// With its deliveries, as GET /gates/{id} shows it.
Result<std::string> read_gate_json(Context& context, const model::Gate& gate);

/// Of a verdict for a gate that has ended with another one, or without any.
Error decided_otherwise(const model::Gate& gate);

}  // namespace baton::api
