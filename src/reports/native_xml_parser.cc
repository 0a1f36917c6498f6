// SPDX-License-Identifier: MIT
// Catch2's and doctest's own XML. Unlike their JUnit output it names each test case once, whatever
// its sections do, tells where it stands, and says which ones may fail.
#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/xml_parser.h"

namespace baton::reports {
namespace {

using model::Outcome;

class NativeXmlParser final : public XmlReportParser {
 public:
  NativeXmlParser(Format format, std::string filename, OnCase on_case)
      : XmlReportParser(format, std::move(filename), std::move(on_case)), format_(format) {}

 protected:
  Result<void> start(std::string_view element, const XmlAttributes& attributes) override;
  Result<void> end(std::string_view element) override;
  void text(std::string_view text) override {
    if (target_ != nullptr) target_->append(text);
  }
  Result<void> complete() override {
    if (!known_) return wrong_document("this is no XML report of Catch2 or doctest");
    return {};
  }

 private:
  void start_case(const XmlAttributes& attributes);
  void start_assertion(std::string_view element, const XmlAttributes& attributes);
  void start_text(std::string_view element);
  void take_result(const XmlAttributes& attributes);
  void end_assertion(std::string_view element);
  Result<void> end_case();

  Format format_;
  bool known_ = false;
  std::string suite_;

  // The case.
  bool in_case_ = false;
  Case item_;
  Attempt attempt_;
  bool may_fail_ = false;
  bool has_result_ = false;
  bool skipped_ = false;
  KeptText message_{kMessageKept};
  KeptText output_{kOutputKept};

  // The assertion within it.
  bool failing_ = false;
  bool expected_failure_ = false;
  std::string type_;
  Location place_;
  KeptText original_{kMessageKept}, expanded_{kMessageKept}, note_{kMessageKept};
  KeptText* target_ = nullptr;
};

Result<void> NativeXmlParser::start(std::string_view element, const XmlAttributes& attributes) {
  target_ = nullptr;
  if (element == "Catch" || element == "Catch2TestRun" || element == "doctest") known_ = true;
  if (element == "TestSuite") suite_ = attributes.get("name");
  if (element == "TestCase") {
    start_case(attributes);
  } else if (in_case_ && (element == "OverallResult" || element == "OverallResultsAsserts")) {
    take_result(attributes);
  } else if (in_case_) {
    start_assertion(element, attributes);
    start_text(element);
  }
  return {};
}

void NativeXmlParser::start_case(const XmlAttributes& attributes) {
  in_case_ = true;
  item_ = {};
  item_.name = attributes.get("name");
  item_.suite = format_ == Format::doctest ? suite_ : "";
  item_.file = attributes.get("filename");
  item_.line = leading_number(attributes.get("line"));
  if (attributes.has("tags")) {
    item_.properties.emplace_back("tags", clean(attributes.get("tags"), kMessageKept));
  }
  attempt_ = {};
  may_fail_ = attributes.get("may_fail") == "true" ||
              attributes.get("tags").find("[!mayfail]") != std::string_view::npos;
  skipped_ = attributes.get("skipped") == "true";
  has_result_ = false;
  expected_failure_ = false;
  message_.take();
  output_.take();
}

void NativeXmlParser::take_result(const XmlAttributes& attributes) {
  has_result_ = true;
  const bool catch2 = attributes.has("success");
  const bool passed = attributes.get(catch2 ? "success" : "test_case_success") == "true";
  attempt_.outcome = passed ? Outcome::passed : Outcome::failed;
  attempt_.duration = seconds_of(attributes.get(catch2 ? "durationInSeconds" : "duration"));
  if (passed && leading_number(attributes.get("skips")) > 0) skipped_ = true;
}

void NativeXmlParser::start_assertion(std::string_view element, const XmlAttributes& attributes) {
  const bool assertion = element == "Expression" || element == "Exception" ||
                         element == "Failure" || element == "FatalErrorCondition" ||
                         element == "Message" || element == "Skip";
  if (!assertion) return;
  type_ = attributes.get("type");
  // An exception within an expression belongs to it.
  if (element == "Exception" && failing_) return;
  failing_ = element != "Expression" || attributes.get("success") == "false";
  if (element == "Message" && type_ == "WARNING") failing_ = false;
  if (type_.find("NOFAIL") != std::string::npos || type_.rfind("WARN", 0) == 0) failing_ = false;
  place_ = {clean(attributes.get("filename"), kNameKept), leading_number(attributes.get("line"))};
  for (KeptText* text : {&original_, &expanded_, &note_}) text->take();
}

void NativeXmlParser::start_text(std::string_view element) {
  if (element == "Original") target_ = &original_;
  if (element == "Expanded") target_ = &expanded_;
  if (element == "Info" || element == "Warning" || element == "Text" || element == "Exception" ||
      element == "Failure" || element == "FatalErrorCondition" || element == "Skip") {
    target_ = &note_;
  }
  if (element == "StdOut" || element == "StdErr") target_ = &output_;
}

void NativeXmlParser::end_assertion(std::string_view element) {
  if (!failing_) return;
  failing_ = false;
  std::string text;
  if (element == "Expression") {
    const std::string original = unindent(original_.take());
    const std::string expanded = unindent(expanded_.take());
    text = fmt::format("{}( {} )", type_, original);
    if (expanded != original && !expanded.empty()) text += "\nwith " + expanded;
  }
  const std::string note = unindent(note_.take());
  if (!note.empty()) text += (text.empty() ? "" : "\n") + note;
  if (element == "Skip") skipped_ = true;
  if (attempt_.file.empty()) {
    attempt_.file = place_.file;
    attempt_.line = place_.line;
  }
  expected_failure_ = true;
  if (!message_.empty()) message_.append("\n");
  message_.append(text);
}

Result<void> NativeXmlParser::end(std::string_view element) {
  target_ = nullptr;
  if (element == "TestCase" && in_case_) return end_case();
  if (element == "Exception" && !original_.empty()) return {};
  if (element == "Expression" || element == "Exception" || element == "Failure" ||
      element == "FatalErrorCondition" || element == "Message" || element == "Skip") {
    end_assertion(element);
  }
  return {};
}

Result<void> NativeXmlParser::end_case() {
  in_case_ = false;
  attempt_.message = message_.take();
  attempt_.output = unindent(output_.take());
  if (skipped_) {
    attempt_.outcome = Outcome::skipped;
  } else if (!has_result_) {
    attempt_.outcome = Outcome::errored;
    attempt_.message += "the report ends before the result of the case";
  } else if (attempt_.outcome == Outcome::passed && may_fail_ && expected_failure_) {
    attempt_.outcome = Outcome::skipped;
  } else if (attempt_.outcome == Outcome::passed) {
    attempt_.message.clear();
    attempt_.file.clear();
    attempt_.line = 0;
  }
  item_.attempts.push_back(std::move(attempt_));
  return cases_.add(std::move(item_));
}

}  // namespace

std::unique_ptr<Parser> make_native_xml_parser(Format format, std::string filename,
                                               OnCase on_case) {
  return std::make_unique<NativeXmlParser>(format, std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
