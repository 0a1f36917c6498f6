// SPDX-License-Identifier: MIT
#pragma once
// One process of a test tool: runs one case, or several that its output and its report tell apart.
// Turns what it prints into the attempts' records while it runs; what only the report knows follows
// at its end. On the supervisor's thread; report files are read on the background's.
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "reports/live.h"
#include "reports/report.h"
#include "runner/kinds/tool.h"
#include "runner/last_line.h"
#include "runner/run_context.h"

namespace baton::runner {

class ToolProcess {
 public:
  struct Order {
    std::vector<Turn> turns;  // what it shall run
    bool single = false;      // one case: all output is its
    bool open = false;        // cases that were not known before belong to it too
    bool select = false;      // tell the tool the names (else it runs everything)
  };
  /// How it went, beside the attempts that are recorded already.
  struct End {
    std::vector<Turn> not_run;  // selected, and the process ended before they began
    bool ran_any = false;       // an attempt was recorded
    std::string problem;        // why the run is errored whatever its cases say
  };
  using OnEnd = std::function<void(End end)>;

  ToolProcess(RunContext& context, Order order, OnEnd on_end);
  ~ToolProcess();
  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;

  /// Errors: as launch(); then on_end is not called.
  Result<void> start();
  /// `run`: the whole run ends, nothing will be tried again.
  void stop(model::Outcome outcome);

 private:
  // What one attempt came to, from the live output or the report.
  struct Finding {
    model::Outcome outcome = model::Outcome::passed;
    Duration duration{0};
    std::string message;
    std::string file;
    int line = 0;
    std::string output;  // when the live output did not have it
  };
  struct CaseRun {
    Turn turn;
    bool started = false;
    bool ended = false;
    bool held = false;  // its end waits for the report
    bool failed = false;  // its last attempt did
    TimePoint at;
    Instant since;
    std::unique_ptr<OutputStream> output;
    Finding live;
  };

  Result<void> prepare(Launch& launch);
  void on_bytes(std::string_view bytes);
  void feed_lines(std::string_view bytes);
  void on_event(const reports::LiveEvent& event);
  CaseRun* find_case(std::string_view name);
  CaseRun* admit(const std::string& name);
  void begin(CaseRun& run, Duration ago);
  void live_finished(const reports::LiveEvent& event);
  void not_counted(const reports::LiveEvent& event, const CaseRun* run);
  void record(CaseRun& run, const Finding& finding, bool more);
  void interrupt(CaseRun& run);
  bool stopped_for_another(const CaseRun& run) const;
  void rearm();
  void dead();
  void read_reports();
  void apply(const reports::Report& report);
  void apply_case(const reports::Case& item);
  void conclude();
  void conclude_single();
  void conclude_several();
  void collect_artifacts();
  void finish();
  Finding stopped_finding(const CaseRun& run) const;
  std::string how_it_ended() const;
  std::string with_last_line(std::string why) const;

  RunContext& c_;
  Order order_;
  OnEnd on_end_;
  Step step_;
  std::string scratch_;
  TimePoint started_at_;
  Instant since_;
  std::unique_ptr<Guard> guard_;
  std::unique_ptr<PipeReader> reader_;
  std::unique_ptr<reports::LiveParser> parser_;
  std::string partial_;  // an unfinished line
  LastLine last_line_;
  std::unordered_map<std::string, std::unique_ptr<CaseRun>> cases_;
  std::vector<CaseRun*> in_order_;
  std::vector<CaseRun*> running_;  // and some that have ended since
  std::optional<Instant> limit_at_;  // when the first of them has had its time
  std::optional<reports::Report> report_;
  std::string report_problem_;
  bool report_missing_ = false;  // the tool's own
  bool run_stopped_ = false;
  bool failed_any_ = false;
  bool failed_other_ = false;  // a case that this process was not asked for
  End end_;
};

}  // namespace baton::runner
