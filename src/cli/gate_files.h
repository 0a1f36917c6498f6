// SPDX-License-Identifier: MIT
#pragma once
// Artifacts of a gate: listed, saved below a folder, put. What a server answers never leaves that
// folder. Blocking.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/verb.h"
#include "client/api_client.h"

namespace baton::cli {

int gate_artifacts(Host& host, const Invocation& invocation);
int gate_artifacts_put(Host& host, const Invocation& invocation);

/// A local file and the name that it gets with the gate.
struct GateFile {
  std::string file;
  std::string path;
};
/// Files by their relative path, those of elsewhere by their name; a folder stands for every file
/// below it.  Errors: not_found, invalid (two would get one name), unavailable.
Result<std::vector<GateFile>> gate_files_of(const std::vector<std::string>& names);

/// Puts one; repeating it is harmless.
Result<void> put_gate_file(client::ApiClient& api, const std::string& id, const GateFile& file);

}  // namespace baton::cli
