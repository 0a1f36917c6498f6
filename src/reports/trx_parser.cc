// SPDX-License-Identifier: MIT
// TRX, the result file of Visual Studio and `dotnet test`. The class of a test stands in
// TestDefinitions, mostly behind the results: the cases are held until the end.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/xml_parser.h"

namespace baton::reports {
namespace {

using model::Outcome;

Outcome outcome_of(std::string_view text) {
  static const std::map<std::string_view, Outcome> table{
      {"Passed", Outcome::passed},       {"PassedButRunAborted", Outcome::passed},
      {"Warning", Outcome::passed},      {"Completed", Outcome::passed},
      {"Failed", Outcome::failed},       {"Timeout", Outcome::timed_out},
      {"NotExecuted", Outcome::skipped}, {"Inconclusive", Outcome::skipped},
      {"Aborted", Outcome::cancelled},
  };
  const auto found = table.find(text);
  // Error, NotRunnable, Disconnected, InProgress, Pending; none at all means Error in the schema.
  return found == table.end() ? Outcome::errored : found->second;
}

class TrxParser final : public XmlReportParser {
 public:
  TrxParser(std::string filename, OnCase on_case)
      : XmlReportParser(Format::trx, std::move(filename), std::move(on_case)) {}

 protected:
  Result<void> start(std::string_view element, const XmlAttributes& attributes) override;
  Result<void> end(std::string_view element) override;
  void text(std::string_view text) override {
    if (target_ != nullptr) target_->append(text);
  }
  Result<void> complete() override;

 private:
  struct Open {
    Case item;
    std::string test_id;
    bool has_inner = false;
  };
  void start_result(const XmlAttributes& attributes);
  void end_result();
  void clear_texts();

  bool is_trx_ = false;
  std::vector<Open> open_;  // InnerResults nest
  std::vector<Open> done_;
  std::unordered_map<std::string, std::string> class_of_;
  std::string definition_;
  std::string run_outcome_;
  KeptText run_info_{kMessageKept};
  KeptText message_{kMessageKept}, trace_{kDetailsKept}, output_{kOutputKept};
  KeptText* target_ = nullptr;
};

Result<void> TrxParser::start(std::string_view element, const XmlAttributes& attributes) {
  target_ = nullptr;
  if (element == "TestRun") is_trx_ = true;
  if (element.size() > 6 && element.substr(element.size() - 6) == "Result" &&
      attributes.has("testId")) {
    if (done_.size() + open_.size() >= kCasesMax) {
      return fail(Code::too_large, "the report has more than {} cases", kCasesMax);
    }
    start_result(attributes);
  } else if (element == "UnitTest") {
    definition_ = attributes.get("id");
  } else if (element == "TestMethod") {
    class_of_[definition_] = attributes.get("className");
  } else if (element == "ResultSummary") {
    run_outcome_ = attributes.get("outcome");
  } else if (element == "ResultFile" && !open_.empty()) {
    open_.back().item.attachments.push_back(clean(attributes.get("path"), kNameKept));
  } else if (element == "Message") {
    target_ = &message_;
  } else if (element == "StackTrace") {
    target_ = &trace_;
  } else if (element == "StdOut" || element == "StdErr") {
    target_ = &output_;
  } else if (element == "Text") {
    target_ = &run_info_;
  }
  return {};
}

void TrxParser::start_result(const XmlAttributes& attributes) {
  if (!open_.empty()) open_.back().has_inner = true;
  clear_texts();
  Open open;
  open.test_id = attributes.get("testId");
  open.item.name = attributes.get("testName");
  Attempt attempt;
  attempt.outcome = outcome_of(attributes.get("outcome"));
  attempt.duration = timespan_of(attributes.get("duration"));
  attempt.started_at = time_of(attributes.get("startTime"));
  open.item.attempts.push_back(std::move(attempt));
  open_.push_back(std::move(open));
}

void TrxParser::clear_texts() {
  for (KeptText* text : {&message_, &trace_, &output_}) text->take();
}

void TrxParser::end_result() {
  Open open = std::move(open_.back());
  open_.pop_back();
  Attempt& attempt = open.item.attempts.back();
  attempt.message = message_.take();
  attempt.details = trace_.take();
  attempt.output = output_.take();
  // A data-driven test is the frame of its rows.
  if (!open.has_inner) done_.push_back(std::move(open));
}

Result<void> TrxParser::end(std::string_view element) {
  target_ = nullptr;
  if (element == "InnerResults") clear_texts();
  if (!open_.empty() && element.size() > 6 && element.substr(element.size() - 6) == "Result") {
    end_result();
  }
  return {};
}

Result<void> TrxParser::complete() {
  if (!is_trx_) return wrong_document("no TestRun element: this is no TRX report");
  bool any_bad = false;
  for (Open& open : done_) {
    const auto found = class_of_.find(open.test_id);
    if (found != class_of_.end()) {
      open.item.classname = split(found->second, ',').front();  // without the assembly
      if (open.item.name.rfind(open.item.classname + ".", 0) != 0) {
        open.item.name = open.item.classname + "." + open.item.name;
      }
    }
    const Outcome outcome = open.item.outcome();
    any_bad = any_bad || (outcome != Outcome::passed && outcome != Outcome::skipped);
    BATON_TRY_VOID(cases_.add(std::move(open.item)));
  }
  const bool whole = run_outcome_.empty() || run_outcome_ == "Completed" ||
                     run_outcome_ == "Passed" || run_outcome_ == "Warning" ||
                     run_outcome_ == "Inconclusive";
  if (!whole && !any_bad) {
    const std::string info = run_info_.take();
    cases_.summary().errored = fmt::format("the run ended as {}: {}", clean(run_outcome_, 100),
                                           info.empty() ? "no reason given" : trim(info));
  }
  return {};
}

}  // namespace

std::unique_ptr<Parser> make_trx_parser(std::string filename, OnCase on_case) {
  return std::make_unique<TrxParser>(std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
