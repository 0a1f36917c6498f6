// SPDX-License-Identifier: MIT
#pragma once
// The simulation of gates: pipelines open gates and ask again, verdicts come early, late and twice,
// runs and deadlines decide, logs grow, people redrive; a pump brings what is due to peers that
// fail, throttle, are slow, or lose their answers, and the server dies between a message and its
// report. GateFold says what may never happen; the peers say what they got.
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/delivery_ops.h"
#include "engine/gate_ops.h"
#include "testing/gate_fold.h"
#include "testing/sim_frame.h"

namespace baton::sim {

class GateWorld final : public SimFrame {
 public:
  explicit GateWorld(std::uint64_t seed);

  /// Lives for so many steps, then lets everything come to rest.  Result: "" or what is wrong.
  std::string live(int steps);

  /// Verdicts that peers took.
  std::int64_t decided() const { return taken_; }

 private:
  /// A message that its peer has, or does not get, and whose report is not stored.
  struct UnderWay {
    std::string delivery;
    engine::Attempted outcome;
    bool is_final = false;  // tells the gate's end, and the peer has it
    Duration until{0};      // on the real clock
  };
  /// One link: what waits for it, as the delivery pump keeps it.
  struct Peer {
    std::deque<std::string> queue;
    std::set<std::string> known;  // in the queue or under way
    std::set<std::string> again;  // due once more while under way
    std::vector<UnderWay> under_way;
  };

  void apply(const model::Event& event) override;
  void check_tables() override;
  void restarting() override;
  bool is_expected(const Error& error) const override;

  void set_up();
  void act();
  void open_gate();
  model::GateRequest request();
  void add_targets(model::GateRequest& request);
  void decide();
  void act_on_gate();
  void act_on_runs();
  void redrive();
  std::optional<std::string> some_gate();
  void rest();
  bool is_at_rest() const;
  void check_ends();
  void check_delivery_end(const FoldGate& gate, const FoldDelivery& delivery);
  void check_queued();

  void start_pump();
  void pump();
  void add(const std::string& link, const std::string& delivery);
  void send(const std::string& link, const std::string& delivery);
  engine::Attempted outcome_of(const std::string& link, bool is_pending, bool& is_received);
  void report(const std::string& link, const UnderWay& sent);
  /// The peer is free for the delivery's next message.
  void finished(const std::string& link, const std::string& delivery);

  GateFold fold_;
  std::map<std::string, Peer> peers_;
  std::vector<std::string> links_;
  std::map<std::string, std::string> calls_;  // link and ident → the gate that the call opened
  std::vector<RunId> runs_;
  std::string suite_;
  // By delivery: how often its peer got the end of its gate, of which messages the server kept no
  // report, and which reports it may still lose.
  std::map<std::string, int> received_;
  std::map<std::string, int> crashed_;
  std::map<std::string, int> unreported_;
  std::int64_t taken_ = 0;
  bool pump_starts_ = false;
  bool is_resting_ = false;
};

}  // namespace baton::sim
