// SPDX-License-Identifier: MIT
#pragma once
// Waiting for the verdict of a gate as a person or a pipeline does: through lost connections and
// restarts of the server, with progress on a terminal, a line every 30 s otherwise, and the exit
// code of the contract. Blocking.
#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "cli/verb.h"
#include "client/api_client.h"

namespace baton::cli {

struct GateWait {
  std::optional<Duration> timeout;  // stop waiting after it: exit code 124
  std::string junit;                // write the results to this file at the end
  Output output = Output::table;
};

/// Waits, and prints the verdict on stdout (or the gate as JSON or YAML).  Result: the exit code.
int wait_for_gate(const client::Endpoint& endpoint, const std::string& id, const GateWait& how);

/// Of a gate that has ended: 0 passed, 31 timed out, 30 every other end.
int exit_code_of_gate(const boost::json::value& gate);

/// Writes the gate's results as JUnit XML.
Result<void> save_gate_junit(client::ApiClient& api, const std::string& id,
                             const std::string& path);

}  // namespace baton::cli
