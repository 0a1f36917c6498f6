// SPDX-License-Identifier: MIT
#pragma once
// The simulation of leases: clients that crash, pause and do not hear answers share environments;
// hooks fail, people set states, slots come and go, runs wait for environments. LeaseFold says what
// may never happen; the clients themselves say whether anybody got what they may still believe to
// hold.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/lease_ops.h"
#include "testing/lease_fold.h"
#include "testing/sim_frame.h"

namespace baton::sim {

class LeaseWorld final : public SimFrame {
 public:
  explicit LeaseWorld(std::uint64_t seed);

  /// Lives for so many steps, then lets everything come to rest.  Result: "" or what is wrong.
  std::string live(int steps);

  /// Leases that were granted after a wait.
  std::int64_t decided() const { return fold_.granted_from_queue(); }

 private:
  /// A lease as one client knows it.
  struct Known {
    std::string id;
    std::string state = "queued";
    std::int64_t fence = 0;
    Duration until{0};  // on the client's own clock: it may use its slots so long
  };
  struct Client {
    std::string name;
    Duration paused_until{0};
    std::vector<Known> leases;
  };

  void apply(const model::Event& event) override;
  void check_tables() override;
  void restarting() override { places_moved_ = true; }
  bool is_expected(const Error& error) const override;

  void set_up();
  model::Environment environment(std::string name, int slots, std::string pool);
  void act();
  void act_as_client(Client& client);
  void act_as_admin();
  void act_as_run();
  void end_hooks(bool gently);
  void rest();

  void acquire(Client& client);
  model::LeaseRequest request_of(const Client& client);
  void poll(Client& client, const Known& lease);
  void renew(Client& client, const Known& lease);
  void release(Client& client, const Known& lease);
  void transfer(Client& client, const Known& lease);
  void hear(std::size_t client, Duration sent, const engine::LeaseStatus& status);
  void forget(std::size_t client, const std::string& id);
  std::size_t index_of(const Client& client) const {
    return static_cast<std::size_t>(&client - clients_.data());
  }

  LeaseFold fold_;
  std::vector<Client> clients_;
  std::vector<std::string> names_;  // of environments
  // What clients may believe to hold: lease → until when, on the real clock.
  std::map<std::string, Duration> beliefs_;
  std::string suite_;
  bool places_moved_ = false;
};

}  // namespace baton::sim
