// SPDX-License-Identifier: MIT
// Artifacts of gates, and the end of what nobody needs any more.
#include "base/text.h"
#include "store/gate_table.h"

namespace baton::store {
namespace {

GateArtifact artifact_of(const Row& row) {
  return {row.text(0), row.integer(1), row.text(2), row.text(3), row.text(4)};
}

constexpr std::string_view kColumns = "SELECT path, size, type, digest, url FROM gate_artifact ";

}  // namespace

Result<void> put_gate_artifact(Tx& tx, std::string_view gate, const GateArtifact& artifact) {
  BATON_TRY_VOID(tx.sql().exec(
      "INSERT INTO gate_artifact (gate, path, size, type, digest, url) VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (gate, path) DO UPDATE SET size = excluded.size, type = excluded.type, "
      "digest = excluded.digest, url = excluded.url",
      {std::string(gate), artifact.path, artifact.size, artifact.type, artifact.digest,
       artifact.url}));
  BATON_TRY_VOID(tx.append("gate.artifact", gate_subject(gate),
                           fmt::format(R"({{"path":{},"size":{}}})", json_quote(artifact.path),
                                       artifact.size)));
  return {};
}

Result<std::vector<GateArtifact>> gate_artifacts(Session& session, std::string_view gate) {
  static const std::string kSql = std::string(kColumns) + "WHERE gate = ? ORDER BY path";
  BATON_TRY(rows, session.query(kSql, {std::string(gate)}));
  std::vector<GateArtifact> artifacts;
  for (const Row& row : rows) artifacts.push_back(artifact_of(row));
  return artifacts;
}

Result<std::optional<GateArtifact>> find_gate_artifact(Session& session, std::string_view gate,
                                                       std::string_view path) {
  static const std::string kSql = std::string(kColumns) + "WHERE gate = ? AND path = ?";
  BATON_TRY(rows, session.query(kSql, {std::string(gate), std::string(path)}));
  if (rows.empty()) return std::optional<GateArtifact>{};
  return std::optional{artifact_of(rows[0])};
}

Result<int> remove_gates_before(Tx& tx, TimePoint before, int limit) {
  BATON_TRY(rows,
            tx.sql().query("SELECT g.seq, g.id FROM gate g WHERE g.decided_at IS NOT NULL AND "
                           "g.decided_at < ? AND NOT EXISTS (SELECT 1 FROM delivery d WHERE "
                           "d.gate = g.id AND d.state = 0) ORDER BY g.decided_at, g.seq LIMIT ?",
                           {to_ms(before), std::int64_t{limit}}));
  for (const Row& row : rows) {
    const std::string id = row.text(1);
    BATON_TRY(artifacts, gate_artifacts(tx.sql(), id));
    std::string digests;
    for (const GateArtifact& one : artifacts)
      if (!one.digest.empty())
        digests += fmt::format("{}\"{}\"", digests.empty() ? "" : ",", one.digest);
    for (const std::string_view sql :
         {"DELETE FROM gate_artifact WHERE gate = ?", "DELETE FROM gate_secret WHERE gate = ?",
          "DELETE FROM delivery WHERE gate = ?", "DELETE FROM gate WHERE id = ?"})
      BATON_TRY_VOID(tx.sql().exec(sql, {id}));
    BATON_TRY_VOID(
        tx.sql().exec("DELETE FROM gate_label WHERE gate = ?", {row.integer(0)}));
    BATON_TRY_VOID(tx.append("gate.deleted", gate_subject(id),
                             fmt::format(R"({{"gate":{},"digests":[{}]}})", json_quote(id),
                                         digests)));
  }
  return static_cast<int>(rows.size());
}

Result<int> remove_deliveries_before(Tx& tx, TimePoint before, int limit) {
  BATON_TRY(rows, tx.sql().query("SELECT id FROM delivery WHERE gate = '' AND ended_at IS NOT NULL "
                                 "AND ended_at < ? ORDER BY ended_at LIMIT ?",
                                 {to_ms(before), std::int64_t{limit}}));
  for (const Row& row : rows)
    for (const std::string_view sql :
         {"DELETE FROM gate_artifact WHERE gate = ?", "DELETE FROM delivery WHERE id = ?"})
      BATON_TRY_VOID(tx.sql().exec(sql, {row.text(0)}));
  return static_cast<int>(rows.size());
}

}  // namespace baton::store
