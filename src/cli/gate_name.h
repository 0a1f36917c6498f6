// SPDX-License-Identifier: MIT
#pragma once
// Which gate a verb means, and how gates are told to people.
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "client/api_client.h"

namespace baton::cli {

/// --key of the verbs that act on one gate.
Flag key_flag();

struct GateArgument {
  std::string id;
  std::vector<std::string> rest;  // the arguments behind it
};
/// The first argument; with --key the newest gate of that key, and every argument is `rest`.
/// Errors: invalid (none is named), not_found (no gate of that key).
Result<GateArgument> gate_argument(const Invocation& invocation, client::ApiClient& api);

/// "/gates/gat_1"
std::string gate_path(const std::string& id);

/// "gat_1 (shop-main)": id and name, or key.
std::string describe_gate(const boost::json::value& gate);
/// "suite pay/checkout, run 7", "testkube tk, tag build=42", "external".
std::string describe_subject(const boost::json::value& gate);
/// "smoke-12 running": what was last seen of the Testkube executions that it waits for, and what
/// keeps them from being looked at; "" for other subjects.
std::string describe_watched(const boost::json::value& gate);
/// "gocd/main run_stage": the link of a delivery and what it does there.
std::string describe_target(const boost::json::value& delivery);

}  // namespace baton::cli
