// SPDX-License-Identifier: MIT
#pragma once
// What the journal and the stored reports say of gates and deliveries, kept apart from the engine,
// and the rules that may never be broken. Of the tables it reads what a gate was opened with, and
// after each step whether they say the same.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/delivery_ops.h"
#include "model/event.h"
#include "model/gate.h"
#include "store/session.h"

namespace baton::sim {

struct FoldDelivery {
  std::string id;
  std::string gate;
  std::string link;
  model::Stage stage = model::Stage::verdict;
  model::When when = model::When::always;
  std::string state = "queued";
  int failures = 0;            // that were reported since its time to be delivered began
  Duration waited_at_most{0};  // for them
  bool was_due = false;        // since it is queued
  bool shown = false;          // the server was told that the peer shows something
  bool redriven = false;
  std::optional<engine::Attempted> said;  // the last report that was stored
  bool is_queued() const { return state == "queued"; }
};

struct FoldGate {
  std::string id;
  std::string key;
  std::string state = "pending";
  std::string verdict;
  TimePoint deadline;       // wall clock
  TimePoint due;            // the same on the server's clock
  Now ended;
  std::string lease;
  bool keeps_secret = false;
  bool is_closed = false;   // everybody was told, once
  bool is_redriven = false;  // by hand: stages do not wait for each other any more
  std::vector<std::string> deliveries;
  bool is_pending() const { return state == "pending"; }
  /// Its verdict is for those who wait.
  bool has_verdict() const { return state == "decided" || state == "cancelled"; }
};

class GateFold {
 public:
  explicit GateFold(model::RetryRule retry) : retry_(retry) {}

  /// Result: "" or which rule the event breaks.
  std::string apply(store::Session& session, const model::Event& event, Now now);
  /// Result: "" or what is wrong with the tables: of all gates, or of those that something happened
  /// to.
  std::string after_step(store::Session& session, bool of_all);
  /// Gates whose deadline is over and that wait none the less.
  std::string overdue(Now now) const;

  /// The server stored the report.
  void reported(const std::string& delivery, const engine::Attempted& attempt, int failures);
  /// Somebody redrove it, or asked once more for its gate.
  void redriven(const std::string& delivery);
  void carries_secret(const std::string& gate);
  void restarted(Now now);

  /// Whether a message may go out now.  Result: "" or which rule it breaks.
  std::string may_send(const FoldDelivery& delivery) const;

  const std::map<std::string, FoldGate>& gates() const { return gates_; }
  const FoldDelivery* find(const std::string& delivery) const;
  const std::vector<std::string>& order() const { return order_; }
  /// Some delivery of its link that must end before this one's turn.
  bool waits_for_earlier(const FoldDelivery& delivery) const;
  bool has_queued(const FoldGate& gate) const;

 private:
  std::string apply_gate(store::Session& session, const model::Event& event, Now now);
  std::string open(store::Session& session, const std::string& id, Now now);
  std::string end(FoldGate& gate, std::string_view state, const model::Event& event, Now now);
  std::string apply_delivery(const model::Event& event, Now now);
  std::string due(FoldDelivery& delivery);
  std::string revived(FoldDelivery& delivery);
  std::string ended(FoldDelivery& delivery, Now now);
  std::string died(const FoldDelivery& delivery, Now now) const;
  Duration longest_wait(const FoldDelivery& delivery) const;
  std::string check_gate(store::Session& session, FoldGate& gate);

  model::RetryRule retry_;
  std::map<std::string, FoldGate> gates_;
  std::map<std::string, FoldDelivery> deliveries_;
  std::map<std::string, std::string> opening_secrets_;
  std::vector<std::string> order_;  // of opening
  std::set<std::string> touched_;  // gates to which something happened since the last step
  std::set<std::string> carried_;  // gates that a call gave a secret to since then
};

}  // namespace baton::sim
