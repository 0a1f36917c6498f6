// SPDX-License-Identifier: MIT
// A tool's process after its end: report files, what became of each case, artifacts.
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "reports/unique_names.h"
#include "runner/files_found.h"
#include "runner/proc.h"
#include "runner/tool_process.h"

namespace baton::runner {
namespace {

using model::Kind;
using model::Outcome;

constexpr std::size_t kReportFilesMax = 10'000;
constexpr std::size_t kReadSize = 256 << 10;

Result<void> parse_fd(const Fd& fd, reports::Parser& parser) {
  std::string buffer(kReadSize, '\0');
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(errno_error("read a report", errno));
    if (n == 0) return {};
    BATON_TRY_VOID(parser.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(n))));
  }
}

// Adds the file's cases. Cases before a defect are kept: the problem says that it is not whole.
void read_report(const std::string& folder, const std::string& path, reports::Format format,
                 reports::Report& into, std::string& problem) {
  const auto note = [&](std::string_view why) {
    if (problem.empty()) problem = fmt::format("report {}: {}", path, why);
  };
  const auto fd = open_below(folder, path);
  if (!fd) return note(fd.error().message);
  const auto parser = reports::make_parser(
      format, path, [&into](reports::Case&& item) { into.items.push_back(std::move(item)); });
  if (auto fed = parse_fd(*fd, *parser); !fed) return note(fed.error().message);
  const auto summary = parser->finish();
  if (!summary) return note(summary.error().message);
  if (!summary->errored.empty()) note(summary->errored);
}

// The exit codes with which a tool says no more than that tests failed, or that there were none.
bool exit_is_about_cases(Kind kind, int code, bool failed_any) {
  if (code == 0) return true;
  if (kind == Kind::pytest && code == 5) return true;
  return failed_any;
}

}  // namespace

std::string ToolProcess::how_it_ended() const {
  return "the process " + describe_status(guard_->status().value_or(0));
}

std::string ToolProcess::with_last_line(std::string why) const {
  const std::string line = last_line_.text();
  if (!line.empty()) why += "; its last output: " + line;
  return why;
}

ToolProcess::Finding ToolProcess::stopped_finding(const CaseRun& run) const {
  Finding finding;
  finding.outcome = guard_->stopped().value_or(Outcome::errored);
  finding.duration = std::chrono::duration_cast<Duration>(
      Clock::now() - (run.started ? run.since : since_));
  if (finding.outcome != Outcome::timed_out) {
    finding.message = "the run was cancelled";
  } else {
    finding.message = run_stopped_ ? "the run's time-out was over"
                                   : "timed out after " + describe_duration(finding.duration);
  }
  return finding;
}

void ToolProcess::dead() {
  reader_->drain();
  if (parser_) {
    const reports::OnEvent handler = [this](const reports::LiveEvent& event) { on_event(event); };
    if (!partial_.empty()) parser_->line(partial_, handler);
    partial_.clear();
    parser_->finish(guard_->stopped() ? stopped_finding({}).message
                                      : describe_status(guard_->status().value_or(0)),
                    handler);
  }
  if (step_.report.empty() && c_.job.suite.kind != Kind::junit) return conclude();
  read_reports();
}

void ToolProcess::read_reports() {
  std::vector<std::string> known;
  for (const CaseRun* run : in_order_) known.push_back(c_.schedule.at(run->turn.index).name);
  c_.background.submit([this,
                        known = std::move(known)](const std::stop_token&) -> Background::Done {
    auto report = std::make_shared<reports::Report>();
    auto problem = std::make_shared<std::string>();
    bool missing = false;
    if (c_.job.suite.kind == Kind::junit) {
      const Searched found = find_files(
          {c_.folder, c_.job.suite.reports, started_at_, kReportFilesMax, false});
      if (found.files.empty()) *problem = "no report was written that matches the suite's reports";
      for (const FoundFile& file : found.files) {
        read_report(c_.folder, file.path, reports::Format::automatic, *report, *problem);
      }
      // Files do not know each other's names: the same one twice is two cases.
      reports::UniqueNames names;
      for (reports::Case& item : report->items) item.name = names.unique(std::move(item.name));
    } else {
      std::error_code ignored;
      missing = !std::filesystem::exists(step_.report, ignored);
      read_report(scratch_, step_.report.substr(scratch_.size() + 1), step_.format, *report,
                  *problem);
    }
    reports::align_names(*report, c_.job.suite.kind, known);
    return [this, report, problem, missing] {
      report_ = std::move(*report);
      report_missing_ = missing;
      report_problem_ = std::move(*problem);
      conclude();
    };
  });
}

// `more`: the report has further attempts of the case.
void ToolProcess::record(CaseRun& run, const Finding& finding, bool more) {
  if (!run.started) begin(run, finding.duration);
  if (!finding.output.empty() && run.output->kept() == 0) run.output->write(finding.output);
  run.output->finish();
  wire::AttemptFinished finished;
  finished.test = c_.schedule.at(run.turn.index).name;
  finished.attempt = run.turn.attempt;
  finished.outcome = finding.outcome;
  finished.at = wall_now();
  finished.duration = finding.duration > Duration{0}
                          ? finding.duration
                          : std::chrono::duration_cast<Duration>(finished.at - run.at);
  finished.message = kept_message(finding.message);
  finished.file = finding.file;
  finished.line = finding.line;
  finished.log_bytes = run.output->kept();
  end_.ran_any = true;
  if (more) {
    finished.final_ = false;
    c_.recorder.add(std::move(finished));
    ++run.turn.attempt;
    run.started = false;
    return;
  }
  run.failed = is_failure(finding.outcome);
  failed_any_ = failed_any_ || run.failed;
  const bool final = c_.schedule.ended(run.turn, finding.outcome, Clock::now());
  finished.final_ = final || run_stopped_;
  c_.recorder.add(std::move(finished));
  run.ended = true;
  run.held = false;
}

void ToolProcess::apply(const reports::Report& report) {
  for (const reports::Case& item : report.items) apply_case(item);
  if (!report.output.empty()) c_.suite_output.write(report.output);
}

void ToolProcess::apply_case(const reports::Case& item) {
  CaseRun* run = nullptr;
  if (const auto found = cases_.find(item.name); found != cases_.end()) run = found->second.get();
  if (run == nullptr && order_.single && c_.job.suite.kind != Kind::command) {
    // A tool may spell a name differently in its report: with one case there is no doubt.
    if (report_->items.size() == 1) run = in_order_.front();
  }
  if (run == nullptr) run = admit(item.name);
  if (run == nullptr || run->ended) return;
  for (std::size_t i = 0; i < item.attempts.size(); ++i) {
    const reports::Attempt& attempt = item.attempts[i];
    Finding finding{attempt.outcome, attempt.duration, attempt.message, attempt.file,
                    attempt.line,    attempt.output};
    if (!attempt.details.empty() && attempt.details != attempt.message) {
      if (!finding.message.empty()) finding.message += '\n';
      finding.message += attempt.details;
    }
    if (finding.file.empty() && is_failure(finding.outcome)) {
      finding.file = item.file;
      finding.line = item.line;
    }
    const bool last = i + 1 == item.attempts.size();
    // One case: the exit status still has a word.
    if (last && order_.single) {
      run->live = std::move(finding);
      run->held = true;
      return;
    }
    record(*run, finding, !last);
  }
}

void ToolProcess::conclude() {
  // A stopped process may leave half a report, and its cases were stopped whatever it says.
  if (report_ && !(order_.single && guard_->stopped())) apply(*report_);
  if (order_.single) {
    conclude_single();
  } else {
    conclude_several();
  }
  collect_artifacts();
}

void ToolProcess::conclude_single() {
  CaseRun& run = *in_order_.front();
  if (run.ended) return;
  const int status = guard_->status().value_or(0);
  const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  const bool by_exit = c_.job.suite.kind == Kind::command;
  Finding finding = run.live;
  const auto worse = [&finding](Outcome outcome, std::string why) {
    finding.outcome = outcome;
    finding.message = finding.message.empty() ? why : fmt::format("{}\n{}", why, finding.message);
  };
  if (guard_->stopped()) {
    finding = stopped_finding(run);
  } else if (!WIFEXITED(status)) {
    worse(Outcome::errored, by_exit ? describe_status(status)
                                    : with_last_line(describe_status(status)));
  } else if (by_exit) {
    if (!clean) worse(Outcome::failed, describe_status(status));
  } else if (!run.held) {
    const std::string why = clean && !report_missing_
                                ? "the tool did not run this case"
                                : describe_status(status) + " without a result for this case";
    worse(Outcome::errored, with_last_line(why));
  } else if (!clean && !is_failure(finding.outcome) && !failed_other_) {
    worse(Outcome::errored, describe_status(status) + " although the case did not fail");
  }
  if (finding.duration == Duration{0}) {
    finding.duration = std::chrono::duration_cast<Duration>(Clock::now() - run.since);
  }
  record(run, finding, false);
}

void ToolProcess::conclude_several() {
  const int status = guard_->status().value_or(0);
  const bool exited = WIFEXITED(status);
  const auto stopped = guard_->stopped();
  bool cut_short = false;  // a case was running when the process ended
  for (CaseRun* run : in_order_) {
    if (run->ended) continue;
    if (run->held) {
      record(*run, run->live, false);
    } else if (run->started && stopped_for_another(*run)) {
      interrupt(*run);
    } else if (run->started) {
      Finding finding = stopped ? stopped_finding(*run) : Finding{};
      if (!stopped) {
        finding.outcome = Outcome::errored;
        finding.message = how_it_ended() + " while the case ran";
      }
      cut_short = true;
      record(*run, finding, false);
    } else if (!run_stopped_) {
      end_.not_run.push_back(run->turn);
    }
  }
  if (stopped) {
    if (!run_stopped_ && !end_.ran_any) {
      end_.problem = "timed out before the first case began";
    }
    return;
  }
  if (!end_.problem.empty()) return;
  if (!exited) {
    // A case that took the process down is recorded as errored already.
    if (!cut_short && !failed_any_) end_.problem = how_it_ended();
  } else if (!exit_is_about_cases(c_.job.suite.kind, WEXITSTATUS(status),
                                  failed_any_ || failed_other_)) {
    end_.problem = how_it_ended() + (end_.ran_any ? " although no case failed" : "");
  } else if (report_missing_) {
    end_.problem = with_last_line(how_it_ended() + " and wrote no report");
  } else if (!report_problem_.empty()) {
    end_.problem = report_problem_;
  }
}

void ToolProcess::collect_artifacts() {
  if (c_.job.suite.artifacts.empty()) return finish();
  Artifacts::Owner owner;
  if (order_.single) {
    const Turn& turn = order_.turns.front();
    owner = {c_.schedule.at(turn.index).name, turn.attempt};
  }
  c_.artifacts.collect(owner, {c_.folder, c_.job.suite.artifacts, started_at_, 0, true},
                       [this](const std::vector<std::string>& problems) {
                         for (const std::string& problem : problems) {
                           c_.say("artifacts: " + problem);
                         }
                         finish();
                       });
}

void ToolProcess::finish() {
  c_.empty_scratch(scratch_);
  // The owner destroys this object in its handler.
  c_.loop.after(Duration{0}, [on_end = on_end_, end = std::move(end_)] { on_end(end); });
}

}  // namespace baton::runner
