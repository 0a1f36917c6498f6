// SPDX-License-Identifier: MIT
// TAP 12, 13 and 14. A test point is held until the line behind its YAML block, which may tell how
// long it took and where it failed. A subtest's points are named "subtest > point"; the point that
// sums a subtest up is a case only when it failed and none of its points did.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/line_parser.h"
#include "reports/tap_line.h"
#include "reports/unique_names.h"

namespace baton::reports {
namespace {

using Kind = LiveEvent::Kind;
using model::Outcome;

class TapLines final : public LineFormat {
 public:
  void line(std::string_view line, const OnEvent& on_event) override;
  void finish(std::string_view why, const OnEvent& on_event) override;
  std::string problem() const override {
    return recognised_ ? "" : "neither a plan nor a test point: this is no TAP";
  }

 private:
  struct Finished {  // a point whose full name waits for that of its subtest
    std::string name;
    Attempt attempt;
  };
  struct Level {
    std::string name;  // of the subtest, when announced
    int points = 0;
    int failed = 0;
    std::optional<int> planned;
    std::vector<Finished> waiting;
  };

  void point(std::size_t depth, const TapPoint& point, std::string_view raw,
             const OnEvent& on_event);
  void plan(std::size_t depth, const TapPlan& plan, const OnEvent& on_event);
  void flush(const OnEvent& on_event);
  void emit(std::size_t depth, Finished done, const OnEvent& on_event);
  std::string prefix(std::size_t depth) const;
  Level& level(std::size_t depth);
  static Attempt attempt_of(const TapPoint& point, const TapBlock& block);

  std::vector<Level> levels_{1};
  UniqueNames names_;
  std::optional<TapPoint> held_;
  std::size_t held_depth_ = 0;
  bool held_sums_up_ = false;  // it is the summary of a subtest
  bool held_children_failed_ = false;
  std::vector<Finished> held_children_;
  std::string held_name_;
  TapBlock block_;
  bool in_block_ = false;
  bool recognised_ = false;
  bool bailed_ = false;
};

void TapLines::line(std::string_view line, const OnEvent& on_event) {
  const std::string_view text = without_newline(line);
  if (in_block_ || (held_ && is_block_start(text))) {
    on_event({.kind = Kind::case_output, .test = held_name_, .text = line});
    in_block_ = block_.add(text);
    return;
  }
  std::size_t indent = std::min(text.find_first_not_of(' '), text.size());
  const std::size_t depth = std::min<std::size_t>(indent / 4, kDepthMax);
  const std::string_view body = text.substr(std::min(indent, depth * 4));
  if (const auto found = parse_tap_point(body)) {
    flush(on_event);
    return point(depth, *found, line, on_event);
  }
  if (const auto found = parse_tap_plan(body)) {
    flush(on_event);
    on_event({.kind = Kind::case_output, .text = line});
    return plan(depth, *found, on_event);
  }
  constexpr std::string_view bail = "Bail out!", subtest = "# Subtest:";
  const bool comment = body.substr(0, 1) == "#" && body.substr(0, subtest.size()) != subtest;
  // Comments behind a failed point explain it.
  const std::string owner = comment && held_ ? held_name_ : "";
  if (!comment) flush(on_event);
  on_event({.kind = Kind::case_output, .test = owner, .text = line});
  if (comment && held_) block_.add_comment(body);
  if (body.substr(0, bail.size()) == bail) {
    recognised_ = bailed_ = true;
    const std::string reason(trim(body.substr(bail.size())));
    const std::string message = "bailed out" + (reason.empty() ? "" : ": " + reason);
    on_event({.kind = Kind::bail_out, .message = message});
  } else if (body.substr(0, subtest.size()) == subtest) {
    // The comment stands at the parent's or at the subtest's own indentation.
    const bool own = depth > 0 && level(depth).points == 0 && level(depth).name.empty() &&
                     levels_.size() == depth + 1;
    Level& named = level(own ? depth : depth + 1);
    named.name = trim(body.substr(subtest.size()));
  } else if (body.substr(0, 12) == "TAP version ") {
    recognised_ = true;
  }
}

TapLines::Level& TapLines::level(std::size_t depth) {
  while (levels_.size() <= depth) levels_.emplace_back();
  return levels_[depth];
}

void TapLines::plan(std::size_t depth, const TapPlan& plan, const OnEvent& on_event) {
  recognised_ = true;
  level(depth).planned = plan.count;
  if (depth > 0) return;
  on_event({.kind = Kind::plan, .planned = plan.count});
  if (plan.count > 0 || !plan.skipped) return;
  on_event({.kind = Kind::case_started, .test = "whole file"});
  on_event({.kind = Kind::case_finished,
            .test = "whole file",
            .outcome = Outcome::skipped,
            .message = plan.reason});
}

void TapLines::point(std::size_t depth, const TapPoint& point, std::string_view raw,
                     const OnEvent& on_event) {
  recognised_ = true;
  Level& own = level(depth);
  ++own.points;
  held_ = point;
  held_depth_ = depth;
  if (held_->description.empty()) held_->description = fmt::format("test {}", own.points);
  if (!point.ok && !point.todo) ++own.failed;
  held_sums_up_ = levels_.size() > depth + 1 && levels_[depth + 1].points > 0;
  if (held_sums_up_) {
    Level& children = levels_[depth + 1];
    if (children.name.empty()) children.name = held_->description;
    held_children_failed_ = children.failed > 0;
    std::vector<Finished> waiting = std::move(children.waiting);
    for (Finished& child : waiting) emit(depth + 1, std::move(child), on_event);
  }
  levels_.resize(depth + 1);
  const bool name_known = std::all_of(levels_.begin() + 1, levels_.end(),
                                      [](const Level& level) { return !level.name.empty(); });
  held_name_ = held_sums_up_ || !name_known
                   ? ""
                   : names_.unique(clean_name(prefix(depth) + held_->description));
  if (!held_name_.empty()) on_event({.kind = Kind::case_started, .test = held_name_});
  on_event({.kind = Kind::case_output, .test = held_name_, .text = raw});
}

Attempt TapLines::attempt_of(const TapPoint& point, const TapBlock& block) {
  Attempt attempt;
  attempt.outcome = point.skip   ? Outcome::skipped
                    : point.ok   ? Outcome::passed
                    : point.todo ? Outcome::skipped
                                 : Outcome::failed;
  attempt.duration = block.duration();
  attempt.details = block.text();
  attempt.file = block.file();
  attempt.line = block.line();
  if (point.skip) {
    attempt.message = point.reason;
  } else if (point.todo) {
    attempt.message = "todo" + (point.reason.empty() ? "" : ": " + point.reason);
  } else if (!point.ok) {
    attempt.message = block.message().empty() ? "not ok" : block.message();
  }
  return attempt;
}

void TapLines::flush(const OnEvent& on_event) {
  if (!held_) return;
  const TapPoint point = std::move(*held_);
  held_.reset();
  in_block_ = false;
  TapBlock block = std::move(block_);
  block_ = {};
  const bool failed = !point.ok && !point.todo && !point.skip;
  if (held_sums_up_ && (!failed || held_children_failed_)) return;
  emit(held_depth_, {point.description, attempt_of(point, block)}, on_event);
}

std::string TapLines::prefix(std::size_t depth) const {
  std::string out;
  for (std::size_t i = 1; i <= depth && i < levels_.size(); ++i) {
    if (!levels_[i].name.empty()) out += levels_[i].name + " > ";
  }
  return out;
}

// Reports the point, or keeps it until the name of its subtest is known.
void TapLines::emit(std::size_t depth, Finished done, const OnEvent& on_event) {
  for (std::size_t i = depth; i >= 1; --i) {
    if (i >= levels_.size() || !levels_[i].name.empty()) continue;
    if (levels_[i].waiting.size() < kAttemptsKept * 10)
      levels_[i].waiting.push_back(std::move(done));
    return;
  }
  // A point that has its name already was announced under it.
  const bool announced = !held_name_.empty();
  const std::string name = announced ? std::exchange(held_name_, "")
                                     : names_.unique(clean_name(prefix(depth) + done.name));
  const Attempt& attempt = done.attempt;
  if (!announced) on_event({.kind = Kind::case_started, .test = name});
  on_event({.kind = Kind::case_finished,
            .test = name,
            .outcome = attempt.outcome,
            .duration = attempt.duration,
            .message = attempt.message,
            .details = attempt.details,
            .file = attempt.file,
            .line = attempt.line});
}

void TapLines::finish(std::string_view why, const OnEvent& on_event) {
  flush(on_event);
  for (std::size_t depth = levels_.size() - 1; depth >= 1; --depth) {  // a subtest that was cut off
    Level& cut = levels_[depth];
    if (cut.name.empty()) cut.name = "subtest";
    std::vector<Finished> waiting = std::move(cut.waiting);
    for (Finished& child : waiting) emit(depth, std::move(child), on_event);
  }
  if (bailed_ || !recognised_) return;
  const Level& root = levels_.front();
  std::string message;
  if (!root.planned) {
    message = fmt::format("no plan after {} tests: {}", root.points, why);
  } else if (*root.planned != root.points) {
    message = fmt::format("planned {} tests and ran {}", *root.planned, root.points);
  }
  if (!message.empty()) on_event({.kind = Kind::bail_out, .message = message});
}

}  // namespace

std::unique_ptr<LineFormat> make_tap_lines() { return std::make_unique<TapLines>(); }

}  // namespace baton::reports
