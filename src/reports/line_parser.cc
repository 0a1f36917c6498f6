// SPDX-License-Identifier: MIT
#include "reports/line_parser.h"

#include <map>

#include "reports/collector.h"
#include "reports/kept_text.h"
#include "reports/limits.h"

namespace baton::reports {
namespace {

class LineReportParser final : public Parser {
 public:
  LineReportParser(Format format, std::string filename, OnCase on_case)
      : cases_(format, std::move(on_case)),
        filename_(std::move(filename)),
        lines_(format == Format::tap ? make_tap_lines() : make_go_lines()) {}

  Result<void> feed(std::string_view bytes) override;
  Result<Summary> finish() override;

 private:
  void take(std::string_view line);
  void on_event(const LiveEvent& event);

  Collector cases_;
  std::string filename_;
  std::unique_ptr<LineFormat> lines_;
  std::string rest_;  // a line without its end yet
  std::uint64_t line_number_ = 0;
  std::map<std::string, KeptText, std::less<>> open_;  // output of the cases that run
  KeptText suite_output_{kOutputKept};
  Result<void> state_;
};

Result<void> LineReportParser::feed(std::string_view bytes) {
  while (!bytes.empty() && state_) {
    const auto newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
      rest_ += bytes.substr(0, kLineKept - std::min(kLineKept, rest_.size()));
      break;
    }
    const std::string_view line = bytes.substr(0, newline + 1);
    bytes.remove_prefix(newline + 1);
    if (rest_.empty()) {
      take(line.substr(0, kLineKept));
    } else {
      rest_ += line.substr(0, kLineKept - std::min(kLineKept, rest_.size()));
      take(rest_);
      rest_.clear();
    }
  }
  return state_;
}

void LineReportParser::take(std::string_view line) {
  if (++line_number_ == 1 && line.substr(0, 3) == "\xEF\xBB\xBF") line.remove_prefix(3);
  lines_->line(line, [this](const LiveEvent& event) { on_event(event); });
}

void LineReportParser::on_event(const LiveEvent& event) {
  switch (event.kind) {
    case LiveEvent::Kind::plan: return;
    case LiveEvent::Kind::case_started: open_.emplace(event.test, KeptText(kOutputKept)); return;
    case LiveEvent::Kind::case_output: {
      const auto found = open_.find(event.test);
      (found == open_.end() ? suite_output_ : found->second).append(event.text);
      return;
    }
    case LiveEvent::Kind::bail_out:
      if (cases_.summary().errored.empty())
        cases_.summary().errored = clean(event.message, kMessageKept);
      return;
    case LiveEvent::Kind::case_finished: break;
  }
  Case item;
  item.name = event.test;
  Attempt attempt;
  attempt.outcome = event.outcome;
  attempt.duration = event.duration;
  attempt.message = clean(event.message, kMessageKept);
  attempt.details = clean(event.details, kDetailsKept);
  attempt.file = event.file;
  attempt.line = event.line;
  if (auto found = open_.find(event.test); found != open_.end()) {
    attempt.output = found->second.take();
    open_.erase(found);
  }
  item.attempts.push_back(std::move(attempt));
  auto added = cases_.add(std::move(item));
  if (!added && state_) state_ = std::move(added);
}

Result<Summary> LineReportParser::finish() {
  if (!rest_.empty()) take(rest_);
  lines_->finish("the report ends before the case", [this](const LiveEvent& e) { on_event(e); });
  BATON_TRY_VOID(std::move(state_));
  if (const std::string problem = lines_->problem(); !problem.empty()) {
    return tl::unexpected(
        malformed(filename_, std::max<std::uint64_t>(line_number_, 1), 1, problem));
  }
  cases_.summary().output = suite_output_.take();
  return std::move(cases_.summary());
}

}  // namespace

std::string_view without_newline(std::string_view line) {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::unique_ptr<Parser> make_line_parser(Format format, std::string filename, OnCase on_case) {
  return std::make_unique<LineReportParser>(format, std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
