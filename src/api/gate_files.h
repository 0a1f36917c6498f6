// SPDX-License-Identifier: MIT
#pragma once
// What a gate has to show: its log and its results, wherever they are kept (with the gate, with the
// run, at the peer). Blocking: for threads of the disk and of the deliveries.
#include <string>
#include <vector>

#include "api/context.h"
#include "links/message.h"
#include "model/gate.h"
#include "store/gate_table.h"

namespace baton::api {

/// At most `max` bytes of the log from `offset`: the run's output when a run is the subject, else
/// what was appended to the gate. "" at its present end.
Result<std::string> gate_log(Context& context, const model::Gate& gate, std::int64_t offset,
                             std::size_t max);
Result<std::int64_t> gate_log_size(Context& context, const model::Gate& gate);

/// Appends to the log of a pending gate and tells of it. Blocks.
/// Errors: not_found, conflict (the gate has ended), too_large, unavailable.
Result<void> append_to_gate(Context& context, const std::string& gate, std::string_view text);

/// The cases of its subject: of the run, or of the JUnit files that were put to it. A gate whose
/// subject came to no result has one errored case that says so.
Result<std::vector<links::CaseLine>> gate_cases(Context& context, const model::Gate& gate);

/// Every artifact with path and size: the run's, then the gate's own.
Result<std::vector<store::GateArtifact>> artifacts_of_gate(Context& context,
                                                             const model::Gate& gate);
/// Errors: not_found.
Result<store::GateArtifact> find_artifact_of(Context& context, const model::Gate& gate,
                                             const std::string& path);
/// A local one as an open file.  Errors: not_found, unprocessable (it is kept elsewhere).
Result<links::ArtifactFile> open_gate_artifact(Context& context, const model::Gate& gate,
                                               const std::string& path);

/// Every artifact, those that its Testkube keeps as well; blocks on the network for them.
/// Errors: unavailable, unreachable.
Result<std::vector<links::GateFile>> files_of_gate(Context& context, const model::Gate& gate);
/// The whole of one of them.  Errors: not_found, too_large, unavailable, unreachable.
Result<std::string> read_file_of_gate(Context& context, const model::Gate& gate,
                                      const std::string& path, std::size_t max);

/// Addresses for people and programs.
links::GateUrls gate_urls(const Context& context, const model::Gate& gate);

}  // namespace baton::api
