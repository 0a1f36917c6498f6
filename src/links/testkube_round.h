// SPDX-License-Identifier: MIT
#pragma once
// Watches the executions of one Testkube for all the gates that wait for them: one list for
// everybody in each round, and single calls only where the list does not do. No thread and no
// clock of its own: pending gates, a way to the peer and the time go in, observations and decisions
// come out. That the peer is down decides nothing. One thread; calls block.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "links/testkube_api.h"
#include "links/testkube_verdict.h"

namespace baton::links {

struct TestkubeObserved {
  std::string gate;
  std::string watched;  // Gate::watched
};
struct TestkubeNews {
  std::vector<TestkubeObserved> observed;
  std::vector<TestkubeVerdict> decided;  // each gate once
};
/// An execution that a gate waits for.
struct TestkubeWanted {
  std::string gate;
  std::string execution;
  std::string name;
  bool finished = false;
};

class TestkubeRound {
 public:
  /// The profile outlives it.
  explicit TestkubeRound(const model::LinkProfile& profile) : profile_(profile) {}

  /// The gates that are pending now. Others are forgotten.
  void watch(const std::vector<model::Gate>& pending, TimePoint now);
  /// Nothing to ask for: every gate is decided.
  bool is_idle() const;

  /// A round: a list, and what follows from it.
  TestkubeNews poll(Http& http, TimePoint now);
  /// Something is said to have happened to these: they are read again, whatever it was.
  TestkubeNews look(Http& http, const std::vector<std::string>& executions, TimePoint now);
  /// Its log has grown.
  void log_moved(std::string_view execution, TimePoint now);
  /// Whose logs are followed: they are known to stand still when they are not told to have moved.
  void set_followed(std::set<std::string> executions) { followed_ = std::move(executions); }

  /// From one poll to the next: longer while the peer is down.
  Duration pause() const;
  /// Also of gates that are decided, until they are forgotten.
  std::vector<TestkubeWanted> wanted() const;

 private:
  struct Seen {
    TestkubeExecution execution;
    TimePoint moved_at;
    bool fresh = false;                      // in this round
    bool confirmed = false;                  // read by itself, finished
    TimePoint looked_at;                     // by itself
    int missing = 0;                         // how often in a row Testkube did not know it
    std::optional<std::int64_t> log_length;  // since it stands still
    TimePoint measured_at;                   // when that was
  };
  struct Waiting {
    std::string id;
    model::TestkubeSubject subject;
    std::string tag;  // of its executions; "" when it names one
    bool newest_only = false;
    std::vector<std::string> executions;
    std::string group;
    TimePoint search_at;
    Duration search_pause{0};
    bool searched = false;  // its tag, since when the lists show what is new
    TimePoint start_at;  // not before
    Duration start_pause{0};
    int misses = 0;       // how often in a row Testkube did not know the one that it names
    std::string trouble;  // why nothing is started
    std::string told;
    std::optional<TestkubeVerdict> failure;
    bool decided = false;
  };

  void add(const model::Gate& gate, TimePoint now);
  void index();
  void forget_unused();
  void begin_round();
  void begin_step();
  bool may_call();

  Result<void> read_pages(TestkubeApi& api, TimePoint now);
  bool needs_older(const TestkubePage& page) const;
  bool is_all_new(const TestkubePage& page) const;
  void search_again(TimePoint now);
  bool may_repeat(TimePoint now);
  void absorb(const TestkubeExecution& execution, TimePoint now, bool whole);
  void attach(Waiting& waiting, const TestkubeExecution& execution);
  void note(const TestkubeExecution& execution, TimePoint now, bool whole);
  void learn_group(Waiting& waiting, const std::string& group);
  Result<void> read_one(TestkubeApi& api, const std::string& execution, TimePoint now);

  Result<void> find(TestkubeApi& api, const std::string& tag, bool newest_only, TimePoint now);
  void search(TestkubeApi& api, TimePoint now);
  void search_for(TestkubeApi& api, Waiting& waiting, TimePoint now);
  void start(TestkubeApi& api, Waiting& waiting, TimePoint now);
  void look_at_missing(TestkubeApi& api, TimePoint now);
  void confirm(TestkubeApi& api, TimePoint now);
  void check_stalls(TestkubeApi& api, TimePoint now);
  bool is_stalled(TestkubeApi& api, Seen& seen, TimePoint now);
  std::int64_t measure(TestkubeApi& api, const std::string& execution, std::int64_t unknown);

  TestkubeNews conclude(TestkubeApi& api, TimePoint now, bool is_listed);
  std::optional<TestkubeVerdict> verdict_for(TestkubeApi& api, Waiting& waiting, TimePoint now,
                                             bool is_listed);
  void drop_missing(Waiting& waiting, TimePoint now);
  bool is_over(const Waiting& waiting) const;
  std::vector<TestkubeExecution> executions_of(const Waiting& waiting) const;
  void observe(Waiting& waiting, TestkubeNews& news) const;

  const model::LinkProfile& profile_;
  std::map<std::string, Waiting> gates_;
  std::map<std::string, Seen> seen_;  // by execution
  std::set<std::string> followed_;
  std::map<std::string, std::vector<Waiting*>> by_tag_;
  std::map<std::string, std::vector<Waiting*>> by_name_;  // those that name one, or its id
  std::map<std::string, Waiting*> by_group_;
  std::optional<TimePoint> newest_;  // of the last list
  std::set<std::string> searched_;   // in this round
  TimePoint repeat_at_;              // not before: a search for a tag that was searched for
  int calls_left_ = 0;
  bool may_measure_ = true;  // another log in this round
  int failures_ = 0;  // of lists in a row
  std::string problem_;
};

/// Aborts what the gate started, wherever it is known from. Harmless to repeat.
/// Errors: those of TestkubeApi.
Result<void> abandon_testkube(TestkubeApi& api, const model::Gate& gate);

}  // namespace baton::links
