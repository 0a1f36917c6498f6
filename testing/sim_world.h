// SPDX-License-Identifier: MIT
#pragma once
// The deterministic simulation: the real operations on an SQLite database in memory, driven by
// random clients, runners, an executor, clocks and crashes, all drawn from one seed, on one thread.
// After every step the journal is folded and compared with the tables. The same seed gives the same
// history.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "engine/feed.h"
#include "engine/rules.h"
#include "engine/writer.h"
#include "store/store.h"
#include "testing/sim_fold.h"
#include "testing/sim_runner.h"

namespace baton::sim {

class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed);
  ~SimWorld();

  /// Lives for so many steps, then lets everything come to rest.  Result: "" or what is wrong.
  std::string live(int steps);

  /// Of every event so far: equal for equal histories.
  std::uint64_t trace_hash() const { return hash_; }
  std::int64_t commands() const { return commands_; }
  /// Runs whose own cases gave their verdict: nobody cancelled them, no runner was lost for good.
  std::int64_t decided() const;

 private:
  struct Key {
    std::string name;
    std::string suite;
    std::optional<std::int64_t> run;
  };

  bool chance(int percent) { return random_.next() % 100 < static_cast<std::uint64_t>(percent); }
  std::size_t pick(std::size_t count) { return random_.next() % count; }
  void wrong(std::string what);
  /// What a client may be told about things that others changed meanwhile; anything else is wrong.
  bool is_expected(const Error& error) const;
  template <class R>
  void expect(const Result<R>& result) {
    if (!result && !is_expected(result.error())) wrong("refused: " + result.error().message);
  }

  void open();
  void crash();
  void set_up();
  void act();
  void act_as_client();
  void act_as_runner();
  void act_on_schedule();
  void pass_time();
  void commit();
  void rest();

  void start_run();
  void start_with_key();
  void ask_of_run();
  void import_report();
  void look_around();
  void launch_runners(bool gently);
  void post(SimRunner& runner, bool all);
  void kill(std::size_t runner);
  void advance(Duration by);
  void check();
  void remember(RunId run, const std::vector<model::Record>& records, std::int64_t acked);
  void check_acknowledged();

  template <class R, class Operation, class Handler>
  void submit(Operation operation, Handler handler);
  template <class R, class Operation>
  void submit(Operation operation);

  SimRunner* find_runner(RunId run, int epoch);
  std::optional<RunId> some_run();

  Ids random_;
  engine::Rules rules_;
  Now now_{from_ms(1'800'000'000'000), from_ms(1'800'000'000'000)};
  std::unique_ptr<store::Store> store_;
  engine::Feed feed_;
  std::unique_ptr<engine::Writer> writer_;
  std::optional<Fold> fold_;
  bool losing_ = false;  // answers do not arrive

  std::vector<std::string> suites_;
  std::vector<SimRunner> runners_;
  std::map<std::int64_t, std::vector<model::RecordBody>> spools_;  // of runners that died
  std::map<std::int64_t, int> launched_;                           // run → epoch
  // Ends of attempts that a runner was told to be stored: run → (case, attempt) → outcome.
  std::map<std::int64_t, std::map<std::pair<std::string, int>, model::Outcome>> acknowledged_;
  std::vector<Key> keys_;
  std::map<std::string, std::int64_t> runs_of_keys_;
  int keys_made_ = 0;

  Seq seen_ = 0;      // of the journal, by the checkers
  Seq launcher_ = 0;  // of the journal, by the executor
  std::uint64_t hash_ = 1469598103934665603U;
  std::int64_t commands_ = 0;
  std::string wrong_;
};

}  // namespace baton::sim
