// SPDX-License-Identifier: MIT
// NUnit 3 result XML. A case is its full name; a failed OneTimeTearDown, or a fixture that broke
// before any case, becomes a case of the fixture.
#include <vector>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/xml_parser.h"

namespace baton::reports {
namespace {

using model::Outcome;

Outcome outcome_of(std::string_view result, std::string_view label) {
  if (result == "Passed" || result == "Warning") return Outcome::passed;
  if (result == "Skipped" || result == "Inconclusive") return Outcome::skipped;
  if (label == "Cancelled") return Outcome::cancelled;
  return result == "Failed" && label.empty() ? Outcome::failed : Outcome::errored;
}

class NunitParser final : public XmlReportParser {
 public:
  NunitParser(std::string filename, OnCase on_case)
      : XmlReportParser(Format::nunit, std::move(filename), std::move(on_case)) {}

 protected:
  Result<void> start(std::string_view element, const XmlAttributes& attributes) override;
  Result<void> end(std::string_view element) override;
  void text(std::string_view text) override {
    if (target_ != nullptr) target_->append(text);
  }
  Result<void> complete() override {
    if (!is_nunit_) return wrong_document("no test-run element: this is no NUnit 3 report");
    return {};
  }

 private:
  struct Suite {
    std::string name;
    std::string site;
    std::size_t cases_before;
    std::string message = {}, details = {};
  };
  void start_case(const XmlAttributes& attributes);
  Result<void> end_case();
  Result<void> end_suite();

  bool is_nunit_ = false;
  bool in_case_ = false;
  Case item_;
  Attempt attempt_;
  std::vector<Suite> suites_;
  KeptText message_{kMessageKept}, trace_{kDetailsKept}, output_{kOutputKept}, path_{kNameKept};
  KeptText* target_ = nullptr;
};

Result<void> NunitParser::start(std::string_view element, const XmlAttributes& attributes) {
  target_ = nullptr;
  if (element == "test-run") is_nunit_ = true;
  if (element == "test-suite") {
    const bool failed = attributes.get("result") == "Failed";
    suites_.push_back({std::string(attributes.get("fullname")),
                       failed ? std::string(attributes.get("site")) : "", cases_.summary().cases});
  } else if (element == "test-case") {
    start_case(attributes);
  } else if (element == "message") {
    target_ = &message_;
  } else if (element == "stack-trace") {
    target_ = &trace_;
  } else if (element == "output") {
    target_ = &output_;
  } else if (element == "filePath" && in_case_) {
    target_ = &path_;
  } else if (element == "assertions") {
    message_.take();  // each is repeated below `failure` as a whole
  } else if (element == "property" && in_case_ && item_.properties.size() < kPropertiesKept) {
    item_.properties.emplace_back(clean(attributes.get("name"), kNameKept),
                                  clean(attributes.get("value"), kMessageKept));
  }
  return {};
}

void NunitParser::start_case(const XmlAttributes& attributes) {
  in_case_ = true;
  item_ = {};
  item_.name = attributes.get(attributes.has("fullname") ? "fullname" : "name");
  item_.classname = attributes.get("classname");
  if (!suites_.empty()) item_.suite = suites_.back().name;
  attempt_ = {};
  attempt_.outcome = outcome_of(attributes.get("result"), attributes.get("label"));
  attempt_.duration = seconds_of(attributes.get("duration"));
  attempt_.started_at = time_of(attributes.get("start-time"));
  for (KeptText* text : {&message_, &trace_, &output_}) text->take();
}

Result<void> NunitParser::end_case() {
  in_case_ = false;
  attempt_.message = unindent(message_.take());
  attempt_.details = trace_.take();
  attempt_.output = output_.take();
  item_.attempts.push_back(std::move(attempt_));
  return cases_.add(std::move(item_));
}

Result<void> NunitParser::end_suite() {
  if (suites_.empty()) return {};
  const Suite suite = std::move(suites_.back());
  suites_.pop_back();
  const bool has_cases = cases_.summary().cases > suite.cases_before;
  const bool own_fault = suite.site == "TearDown" || (suite.site == "SetUp" && !has_cases) ||
                         (suite.site == "Test" && !has_cases);
  if (!own_fault) return {};
  return cases_.add_errored(suite.name + " (" + suite.site + ")", suite.message, suite.details);
}

Result<void> NunitParser::end(std::string_view element) {
  target_ = nullptr;
  if (element == "test-case" && in_case_) return end_case();
  if (element == "test-suite") return end_suite();
  if (element == "filePath" && in_case_) item_.attachments.push_back(path_.take());
  if (element == "assertions") message_.take();
  if (element == "failure" && !in_case_ && !suites_.empty()) {
    suites_.back().message = unindent(message_.take());
    suites_.back().details = trace_.take();
  }
  return {};
}

}  // namespace

std::unique_ptr<Parser> make_nunit_parser(std::string filename, OnCase on_case) {
  return std::make_unique<NunitParser>(std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
