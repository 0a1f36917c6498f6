// SPDX-License-Identifier: MIT
#pragma once
// Tables gate, gate_label, gate_secret and gate_artifact. Writes of a gate append its event, of
// subject "gate:ID".
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/gate.h"
#include "store/tx.h"

namespace baton::store {

std::string gate_subject(std::string_view id);
/// "" when the subject is none.
std::string gate_of_subject(std::string_view subject);

/// The watcher of a subject: "run", "testkube/PROFILE", or "" when somebody posts the verdict.
std::string watcher_of(const model::Subject& subject);

/// Gives the gate its seq. Event gate.opened.
Result<void> insert_gate(Tx& tx, model::Gate& gate);
/// Writes state, verdict, source, reason, url, lease, decided_at and watched. Event `kind`
/// (gate.decided, gate.cancelled, gate.superseded, gate.observed …), see gate_event_data.
Result<void> update_gate(Tx& tx, const model::Gate& gate, std::string_view kind);
/// {"gate", "state", "verdict", "source", "reason", "key", "link"}: those that there are.
std::string gate_event_data(const model::Gate& gate);
/// The log has so many bytes now, and `posted` more of them are Gate::posted_bytes. Event gate.log.
Result<void> set_gate_log(Tx& tx, std::string_view id, std::int64_t bytes, std::int64_t posted);

Result<std::optional<model::Gate>> find_gate(Session& session, std::string_view id);
/// The gate that this inbound call opened.
Result<std::optional<model::Gate>> gate_of_call(Session& session, std::string_view link,
                                                std::string_view ident);
/// Pending gates of the watcher, oldest first, after the seq `after`.
Result<std::vector<model::Gate>> pending_gates(Session& session, std::string_view watcher,
                                               std::int64_t after, int limit);
/// Pending gates of any watcher.
Result<std::vector<model::Gate>> all_pending_gates(Session& session, std::int64_t after, int limit);
/// Those whose subject this run is, pending or not.
Result<std::vector<model::Gate>> gates_of_run(Session& session, RunId run);
/// Those of them that are pending, with somebody who is told of progress.
Result<std::vector<model::Gate>> told_of_run(Session& session, RunId run);
/// The pending one of the key.
Result<std::optional<model::Gate>> pending_of_key(Session& session, std::string_view key);
/// The pending external gates of this name or key.
Result<std::vector<model::Gate>> pending_named(Session& session, std::string_view name);

struct GateFilter {
  std::optional<model::GateState> state;
  std::string key;
  std::string link;  // opened by it, or delivered to
  std::vector<std::pair<std::string, std::string>> labels;  // all must match
};
/// The newest first, before the seq `before` (0: from the newest), at most `limit`.
Result<std::vector<model::Gate>> list_gates(Session& session, const GateFilter& filter,
                                            std::int64_t before, int limit);
struct GateCounts {
  std::int64_t pending = 0;
};
Result<GateCounts> count_gates(Session& session);

/// What the inbound call carried, encrypted; replaces what an earlier one did. No event.
Result<void> put_gate_secret(Tx& tx, std::string_view gate, std::string_view data);
Result<void> remove_gate_secret(Tx& tx, std::string_view gate);
/// "" when there is none.
Result<std::string> gate_secret(Session& session, std::string_view gate);

/// A file that was put to the gate (digest), or is kept elsewhere (url).
struct GateArtifact {
  std::string path;
  std::int64_t size = 0;
  std::string type;
  std::string digest;
  std::string url;
  std::string state = "ready";  // no column: what is not here is as its origin says
};
/// Inserts or replaces. Event gate.artifact.
Result<void> put_gate_artifact(Tx& tx, std::string_view gate, const GateArtifact& artifact);
/// By path.
Result<std::vector<GateArtifact>> gate_artifacts(Session& session, std::string_view gate);
Result<std::optional<GateArtifact>> find_gate_artifact(Session& session, std::string_view gate,
                                                       std::string_view path);

/// Removes gates that ended before `before` and have no delivery under way, with everything of
/// theirs. Event gate.deleted for each, which names what the blob store may forget. Result: how
/// many.
Result<int> remove_gates_before(Tx& tx, TimePoint before, int limit);
/// Removes deliveries without a gate that ended before `before`, with what they carried.
/// Result: how many.
Result<int> remove_deliveries_before(Tx& tx, TimePoint before, int limit);

}  // namespace baton::store
