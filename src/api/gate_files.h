// SPDX-License-Identifier: MIT
#pragma once
// What a gate has to show: its log and its results, wherever they are kept (with the gate, with the
// run, at the peer). Blocking: for threads of the disk and of the deliveries.
#include <stop_token>
#include <string>
#include <vector>

#include "api/context.h"
#include "links/message.h"
#include "model/gate.h"
#include "store/gate_table.h"

namespace baton::api {

/// The log of a gate: what its run printed, and behind it what was said to the gate.
struct LogSpan {
  std::int64_t run = 0;
  std::int64_t own = 0;
  std::int64_t size() const { return run + own; }
};
/// What there is now. for_follower: while the run prints, without what is behind that, so that an
/// offset means the same byte for ever.
Result<LogSpan> log_span(Context& context, const model::Gate& gate, bool for_follower);
/// At most `max` bytes of it from `offset`; "" at its end.
Result<std::string> read_log(Context& context, const model::Gate& gate, const LogSpan& span,
                             std::int64_t offset, std::size_t max);
/// The same of what there is now, for those who follow it.
Result<std::string> gate_log(Context& context, const model::Gate& gate, std::int64_t offset,
                             std::size_t max);

/// Appends to the log of a pending gate and tells of it. Blocks.
/// Errors: not_found, conflict (the gate has ended), too_large, unavailable.
Result<void> append_to_gate(Context& context, const std::string& gate, std::string_view text);

/// What is known here of the cases of its subject: of the run, or of the JUnit files that were put
/// to it. It asks no peer, so it may be called as often as progress is told.
Result<std::vector<links::CaseLine>> local_cases(Context& context, const model::Gate& gate);
/// All the cases of its subject, with those of the JUnit files that a peer keeps and gives within
/// kRemoteTime; `stop` cancels that. A gate whose subject came to no result has one errored case
/// that says so.
Result<std::vector<links::CaseLine>> gate_cases(Context& context, const model::Gate& gate,
                                                const std::stop_token& stop);

/// Every artifact with path and size, by path: the run's and the gate's own, which hides one of the
/// run.
Result<std::vector<store::GateArtifact>> artifacts_of_gate(Context& context,
                                                             const model::Gate& gate);
/// Of what artifacts_of_gate gave.
bool is_among(const std::vector<store::GateArtifact>& artifacts, const std::string& path);
/// Errors: not_found.
Result<store::GateArtifact> find_artifact_of(Context& context, const model::Gate& gate,
                                             const std::string& path);
/// One as an open file; one that its Testkube keeps is fetched into a nameless file first, of
/// Settings::artifact_bytes at most. Blocks for as long as that takes; `stop` cancels it.
/// Errors: not_found, unprocessable (only its address is known), too_large, unavailable,
/// unreachable.
Result<links::ArtifactFile> open_gate_artifact(Context& context, const model::Gate& gate,
                                               const std::string& path,
                                               const std::stop_token& stop);

/// Every artifact, those that its Testkube keeps as well; blocks on the network for them, for
/// kRemoteTime at most; `stop` cancels that.
/// Errors: unavailable, unreachable.
Result<std::vector<links::GateFile>> files_of_gate(Context& context, const model::Gate& gate,
                                                   const std::stop_token& stop);
/// The whole of one of them.  Errors: not_found, too_large, unavailable, unreachable.
Result<std::string> read_file_of_gate(Context& context, const model::Gate& gate,
                                      const std::string& path, std::size_t max,
                                      const std::stop_token& stop);

/// Addresses for people and programs.
links::GateUrls gate_urls(const Context& context, const model::Gate& gate);

}  // namespace baton::api
