// SPDX-License-Identifier: MIT
#pragma once
// Operations on gates as callers ask for them, and what runs and deadlines do to them. Each is one
// step of the writer. The first verdict wins; what comes later is recorded and refused.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/rules.h"
#include "engine/writer.h"
#include "model/delivery.h"
#include "model/gate.h"
#include "store/run_table.h"

namespace baton::engine {

/// Who opens a gate, besides the request.
struct Opening {
  std::string opened_by;  // the token's name
  std::string link;       // of the inbound call, "" for POST /gates
  std::string ident;      // of the inbound call
  std::string secret;     // what it carried, encrypted; "" = none
  /// The same call again wants its answer again, though the peer took it once.
  bool answer_again = false;
};
struct Opened {
  model::Gate gate;
  std::vector<model::Delivery> deliveries;
  bool is_new = true;  // false: this inbound call had opened it before
};

/// Opens a gate with its deliveries, starts what it asks for (a run of a suite; a lease of its
/// environment, for which it may wait), and supersedes the pending gate of its key. A run that has
/// finished decides it at once. Errors: those of check_gate_request, start_run and acquire;
/// not_found (run).
Result<Opened> open_gate(Context& context, const Rules& rules, model::GateRequest request,
                         const Opening& opening);

/// The gate.  Errors: not_found.
Result<model::Gate> get_gate(store::Session& session, std::string_view id);

struct Verdict {
  model::GateVerdict verdict = model::GateVerdict::none;
  model::VerdictSource source = model::VerdictSource::report;
  std::string reason;
  std::string url;
  std::vector<std::pair<std::string, std::string>> artifacts = {};  // kept elsewhere: path, URL
};
struct Decided {
  model::Gate gate;
  /// False: it had ended otherwise; gate.late_verdict tells of the attempt.
  bool accepted = true;
};
/// The same verdict again changes nothing and is accepted.  Errors: not_found.
Result<Decided> decide_gate(Context& context, const Rules& rules, std::string_view id,
                            const Verdict& verdict);

/// Ends it with the verdict `cancelled`, which is delivered, and cancels a run that it started.
/// Of a gate that has ended nothing changes. Errors: not_found, conflict (it was decided).
Result<model::Gate> cancel_gate(Context& context, const Rules& rules, std::string_view id,
                                std::string_view reason);

/// What the watcher of its subject saw (a JSON object), without a verdict yet. A gate that has
/// ended stays as it is.  Errors: not_found.
Result<void> observe_gate(Context& context, std::string_view id, std::string_view watched);

/// Its log has grown to so many bytes: those who are told of progress get it soon. posted: how many
/// of the new ones somebody said to it.
/// Errors: not_found.
Result<void> gate_log_grew(Context& context, std::string_view id, std::int64_t bytes,
                           std::int64_t posted = 0);

/// The run has its verdict: so have the gates that wait for it.
Result<void> decide_gates_of(Context& context, const Rules& rules, const store::RunRow& row);
/// Something was recorded of the run.
Result<void> tell_gates_of(Context& context, RunId run);

/// The deadline of a gate.
Result<void> gate_due(Context& context, const Rules& rules, std::string_view id);

/// Every delivery of it has ended: what the gate kept for them goes.
Result<void> close_if_delivered(Context& context, const Rules& rules, const model::Gate& gate);

/// After a start: deadlines of gates are those of the wall clock, also when they passed meanwhile.
Result<void> recover_gates(Context& context);

}  // namespace baton::engine
