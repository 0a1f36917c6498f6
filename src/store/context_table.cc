// SPDX-License-Identifier: MIT
#include "store/context_table.h"

#include <algorithm>

#include "base/text.h"
#include "store/case_table.h"
#include "store/row_json.h"

namespace baton::store {
namespace {

Result<void> append_context(Tx& tx, RunId run, std::string_view test, int attempt,
                            std::string_view key, std::string_view value) {
  BATON_TRY_VOID(tx.append("run.context", run_subject(run),
                           fmt::format(R"({{"test":{},"attempt":{},"key":{},"value":{}}})",
                                       json_quote(test), attempt, json_quote(key),
                                       json_quote(value))));
  return {};
}

}  // namespace

Result<bool> add_attempt_value(Tx& tx, const RunRow& row, std::string_view test, int attempt,
                               std::string_view key, std::string_view value) {
  BATON_TRY(found, find_case(tx.sql(), row.suite_id, row.run.id, test));
  if (!found) return false;
  BATON_TRY(attempts, case_attempts(tx.sql(), row.run.id, found->test_id, true));
  const auto at = std::find_if(attempts.begin(), attempts.end(), [&](const model::Attempt& one) {
    return one.number == attempt && one.outcome != model::Outcome::running;
  });
  if (at == attempts.end()) return false;
  const auto same = std::find_if(at->values.begin(), at->values.end(),
                                 [&](const auto& pair) { return pair.first == key; });
  if (same != at->values.end()) same->second = value;
  else at->values.emplace_back(key, value);
  BATON_TRY_VOID(tx.sql().exec(
      "UPDATE attempt SET detail = ? WHERE run_id = ? AND test_id = ? AND number = ?",
      {encode_attempt(*at), raw(row.run.id), found->test_id, std::int64_t{attempt}}));
  BATON_TRY_VOID(append_context(tx, row.run.id, test, attempt, key, value));
  return true;
}

Result<void> add_label(Tx& tx, const RunRow& row, std::string_view key, std::string_view value) {
  model::RunRequest request = row.run.request;
  const auto before = request.labels.find(std::string{key});
  if (before != request.labels.end())
    BATON_TRY_VOID(
        tx.sql().exec("DELETE FROM run_label WHERE name = ? AND value = ? AND run_id = ?",
                      {before->first, before->second, raw(row.run.id)}));
  request.labels[std::string{key}] = value;
  BATON_TRY_VOID(tx.sql().exec("INSERT INTO run_label (name, value, run_id) VALUES (?, ?, ?)",
                               {std::string{key}, std::string{value}, raw(row.run.id)}));
  BATON_TRY_VOID(tx.sql().exec("UPDATE run SET request = ? WHERE id = ?",
                               {encode_request(request), raw(row.run.id)}));
  return append_context(tx, row.run.id, "", 0, key, value);
}

}  // namespace baton::store
