// SPDX-License-Identifier: MIT
#pragma once
// The simulation of runs: clients, runners, an executor, schedules and crashes. After every step
// the journal is folded and compared with the tables.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "testing/sim_fold.h"
#include "testing/sim_frame.h"
#include "testing/sim_runner.h"

namespace baton::sim {

class SimWorld final : public SimFrame {
 public:
  explicit SimWorld(std::uint64_t seed);

  /// Lives for so many steps, then lets everything come to rest.  Result: "" or what is wrong.
  std::string live(int steps);

  /// Runs whose own cases gave their verdict: nobody cancelled them, no runner was lost for good.
  std::int64_t decided() const;

 private:
  struct Key {
    std::string name;
    std::string suite;
    std::optional<std::int64_t> run;
  };

  void apply(const model::Event& event) override;
  void check_tables() override;
  void restarting() override { launcher_ = 0; }
  void clock_set() override;
  bool is_expected(const Error& error) const override;

  void set_up();
  void act();
  void act_as_client();
  void act_as_runner();
  void act_on_schedule();
  void rest();

  void start_run();
  void start_with_key();
  void ask_of_run();
  void import_report();
  void look_around();
  void launch_runners(bool gently);
  void post(SimRunner& runner, bool all);
  void kill(std::size_t runner);
  void remember(RunId run, const std::vector<model::Record>& records, std::int64_t acked);
  void check_acknowledged();

  SimRunner* find_runner(RunId run, int epoch);
  std::optional<RunId> some_run();

  std::optional<Fold> fold_;

  std::vector<std::string> suites_;
  std::vector<SimRunner> runners_;
  std::map<std::int64_t, std::vector<model::RecordBody>> spools_;  // of runners that died
  std::map<std::int64_t, int> launched_;                           // run → epoch
  // Ends of attempts that a runner was told to be stored: run → (case, attempt) → outcome.
  std::map<std::int64_t, std::map<std::pair<std::string, int>, model::Outcome>> acknowledged_;
  std::vector<Key> keys_;
  std::map<std::string, std::int64_t> runs_of_keys_;
  int keys_made_ = 0;

  Seq launcher_ = 0;  // of the journal, by the executor
};

}  // namespace baton::sim
