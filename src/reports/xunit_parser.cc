// SPDX-License-Identifier: MIT
// xUnit.net v2 result XML. A case is its display name; errors of an assembly outside of its tests
// become cases.
#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/xml_parser.h"

namespace baton::reports {
namespace {

using model::Outcome;

Outcome outcome_of(std::string_view result) {
  if (result == "Pass") return Outcome::passed;
  if (result == "Fail") return Outcome::failed;
  if (result == "Skip" || result == "NotRun") return Outcome::skipped;
  return Outcome::errored;
}

class XunitParser final : public XmlReportParser {
 public:
  XunitParser(std::string filename, OnCase on_case)
      : XmlReportParser(Format::xunit, std::move(filename), std::move(on_case)) {}

 protected:
  Result<void> start(std::string_view element, const XmlAttributes& attributes) override;
  Result<void> end(std::string_view element) override;
  void text(std::string_view text) override {
    if (target_ != nullptr) target_->append(text);
  }
  Result<void> complete() override {
    if (!is_xunit_) return wrong_document("no assembly element: this is no xUnit report");
    return {};
  }

 private:
  void take_texts();

  bool is_xunit_ = false;
  bool in_test_ = false;
  std::string collection_;
  std::string error_name_;
  Case item_;
  Attempt attempt_;
  KeptText message_{kMessageKept}, trace_{kDetailsKept}, output_{kOutputKept};
  KeptText* target_ = nullptr;
};

Result<void> XunitParser::start(std::string_view element, const XmlAttributes& attributes) {
  target_ = nullptr;
  if (element == "assembly") is_xunit_ = true;
  if (element == "collection") {
    collection_ = attributes.get("name");
  } else if (element == "test") {
    in_test_ = true;
    item_ = {};
    item_.name = attributes.get("name");
    item_.classname = attributes.get("type");
    item_.suite = collection_;
    item_.file = attributes.get("source-file");
    item_.line = leading_number(attributes.get("source-line"));
    attempt_ = {};
    attempt_.outcome = outcome_of(attributes.get("result"));
    attempt_.duration = seconds_of(attributes.get("time"));
    take_texts();
  } else if (element == "error" && !in_test_) {
    error_name_ = attributes.get("name");
    if (error_name_.empty()) error_name_ = attributes.get("type");
    take_texts();
  } else if (element == "message" || element == "reason") {
    target_ = &message_;
  } else if (element == "stack-trace") {
    target_ = &trace_;
  } else if (element == "output") {
    target_ = &output_;
  } else if (element == "trait" && in_test_ && item_.properties.size() < kPropertiesKept) {
    item_.properties.emplace_back(clean(attributes.get("name"), kNameKept),
                                  clean(attributes.get("value"), kMessageKept));
  }
  return {};
}

void XunitParser::take_texts() {
  attempt_.message = unindent(message_.take());
  attempt_.details = trace_.take();
  attempt_.output = output_.take();
}

Result<void> XunitParser::end(std::string_view element) {
  target_ = nullptr;
  if (element == "test" && in_test_) {
    in_test_ = false;
    take_texts();
    item_.attempts.push_back(std::move(attempt_));
    return cases_.add(std::move(item_));
  }
  if (element == "error" && !in_test_) {
    take_texts();
    return cases_.add_errored(error_name_, attempt_.message, attempt_.details);
  }
  return {};
}

}  // namespace

std::unique_ptr<Parser> make_xunit_parser(std::string filename, OnCase on_case) {
  return std::make_unique<XunitParser>(std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
