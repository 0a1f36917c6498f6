// SPDX-License-Identifier: MIT
// JUnit XML in the dialects that are met: Surefire and Gradle (flaky/rerun elements), GoogleTest,
// Catch2, doctest, CTest, pytest, Playwright, nextest, gdUnit4, go-junit-report, jest.
#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "base/text.h"
#include "reports/junit_case.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/xml_parser.h"

namespace baton::reports {
namespace {

class JunitParser final : public XmlReportParser {
 public:
  JunitParser(std::string filename, OnCase on_case)
      : XmlReportParser(Format::junit, std::move(filename), std::move(on_case)) {}

 protected:
  Result<void> start(std::string_view element, const XmlAttributes& attributes) override;
  Result<void> end(std::string_view element) override;
  void text(std::string_view text) override {
    if (target_ != nullptr) target_->append(text);
  }
  Result<void> complete() override;

 private:
  struct OpenSuite {
    std::string name;
    std::string hostname;
    std::string file;
    std::size_t cases_before;
    std::optional<int> announced;
    std::optional<JunitFault> fault;  // one that stands outside of any case
  };

  void start_suite(const XmlAttributes& attributes);
  void start_case(const XmlAttributes& attributes);
  bool start_in_case(std::string_view element, const XmlAttributes& attributes);
  bool start_fault(std::string_view element, const XmlAttributes& attributes);
  Result<void> end_suite();
  Result<void> end_case();
  std::string suite_path() const;

  JunitDialect dialect_;
  std::deque<OpenSuite> suites_;  // a deque: target_ points into it
  std::optional<JunitCase> case_;
  JunitFault* fault_ = nullptr;
  KeptText* target_ = nullptr;
  KeptText suite_output_{kOutputKept};
  bool seen_suite_ = false;
  bool seen_element_ = false;
};

Result<void> JunitParser::start(std::string_view element, const XmlAttributes& attributes) {
  if (!seen_element_) {
    dialect_.root_is_suite = element == "testsuite";
    dialect_.root_attributes = attributes.size();
    dialect_.root_has_id = attributes.has("id");
    seen_element_ = true;
  }
  if (case_) {
    start_in_case(element, attributes);
  } else if (element == "testsuites") {
    seen_suite_ = true;
  } else if (element == "testsuite") {
    start_suite(attributes);
  } else if (element == "testcase" || element == "test-case") {
    start_case(attributes);
  } else if (element == "system-out" || element == "system-err") {
    target_ = &suite_output_;
  } else if (!suites_.empty() && (element == "error" || element == "failure")) {
    suites_.back().fault.emplace(element, attributes);
    target_ = &suites_.back().fault->text;
  }
  return {};
}

void JunitParser::start_suite(const XmlAttributes& attributes) {
  seen_suite_ = true;
  OpenSuite suite{std::string(attributes.get("name")),
                  std::string(attributes.get("hostname")),
                  std::string(attributes.get("file")),
                  cases_.summary().cases,
                  {},
                  {}};
  if (attributes.has("tests")) suite.announced = leading_number(attributes.get("tests"));
  suites_.push_back(std::move(suite));
}

void JunitParser::start_case(const XmlAttributes& attributes) {
  seen_suite_ = true;
  dialect_.suite = suites_.empty() ? "" : suites_.back().name;
  dialect_.hostname = suites_.empty() ? "" : suites_.back().hostname;
  case_.emplace(dialect_, attributes);
  case_->item.suite = suite_path();
  if (case_->item.file.empty() && !suites_.empty()) case_->item.file = suites_.back().file;
}

bool JunitParser::start_in_case(std::string_view element, const XmlAttributes& attributes) {
  if (start_fault(element, attributes)) return true;
  if (element == "stackTrace" && fault_ != nullptr) {
    target_ = &fault_->text;
  } else if (element == "skipped" || element == "ignored" || element == "disabled") {
    case_->skipped = true;
    case_->skip_type = attributes.get("type");
    case_->skip_message = attributes.get("message");
    target_ = &case_->skip_text;
  } else if (element == "system-out" || element == "system-err") {
    target_ = fault_ != nullptr ? &fault_->output : &case_->output;
  } else if (element == "property" && case_->item.properties.size() < kPropertiesKept) {
    case_->item.properties.emplace_back(clean(attributes.get("name"), kNameKept),
                                        clean(attributes.get("value"), kMessageKept));
  } else {
    return false;
  }
  return true;
}

bool JunitParser::start_fault(std::string_view element, const XmlAttributes& attributes) {
  const bool later = element == "rerunFailure" || element == "rerunError";
  const bool earlier = element == "flakyFailure" || element == "flakyError";
  if (!later && !earlier && element != "failure" && element != "error") return false;
  auto& list = later ? case_->rerun : earlier ? case_->flaky : case_->faults;
  if (list.size() >= kAttemptsKept) {
    target_ = nullptr;
    fault_ = nullptr;
    return true;
  }
  list.emplace_back(element, attributes);
  fault_ = &list.back();
  target_ = &fault_->text;
  return true;
}

Result<void> JunitParser::end(std::string_view element) {
  target_ = nullptr;
  if (case_) {
    if (element == "testcase" || element == "test-case") return end_case();
    const bool within =
        element == "stackTrace" || element == "system-out" || element == "system-err";
    if (within && fault_ != nullptr) {
      target_ = &fault_->text;  // old Surefire writes text behind the child elements
    } else {
      fault_ = nullptr;
    }
    return {};
  }
  if (element == "testsuite") return end_suite();
  return {};
}

Result<void> JunitParser::end_case() {
  Case item = case_->finish();
  case_.reset();
  fault_ = nullptr;
  return cases_.add(std::move(item));
}

Result<void> JunitParser::end_suite() {
  OpenSuite suite = std::move(suites_.back());
  suites_.pop_back();
  if (suite.fault) {
    Attempt attempt = suite.fault->take();
    BATON_TRY_VOID(cases_.add_errored(suite.name, attempt.message, attempt.details));
  }
  const auto listed = cases_.summary().cases - suite.cases_before;
  if (suite.announced && static_cast<std::size_t>(*suite.announced) != listed) {
    cases_.warn(fmt::format("suite \"{}\" announces {} tests and lists {}", clean(suite.name, 200),
                            *suite.announced, listed));
  }
  return {};
}

std::string JunitParser::suite_path() const {
  std::string path;
  for (const OpenSuite& suite : suites_) {
    if (suite.name.empty() || suite.name == "(empty)") continue;
    if (!path.empty()) path += '/';
    path += suite.name;
  }
  return path;
}

Result<void> JunitParser::complete() {
  if (!seen_suite_) {
    return wrong_document("no testsuite element: this is no JUnit report");
  }
  cases_.summary().output = suite_output_.take();
  return {};
}

}  // namespace

std::unique_ptr<Parser> make_junit_parser(std::string filename, OnCase on_case) {
  return std::make_unique<JunitParser>(std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
