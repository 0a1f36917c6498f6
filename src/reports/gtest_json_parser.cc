// SPDX-License-Identifier: MIT
// GoogleTest's own JSON (--gtest_output=json:FILE).
#include "base/text.h"
#include "reports/json_reader.h"
#include "reports/kept_text.h"
#include "reports/limits.h"

namespace baton::reports {
namespace {

using model::Outcome;

class GtestJsonParser final : public JsonReportParser {
 public:
  GtestJsonParser(std::string filename, OnCase on_case)
      : JsonReportParser(Format::gtest, std::move(filename), std::move(on_case)) {}

 protected:
  Result<void> read(const json::value& document) override;

 private:
  static Case read_case(const json::object& test, const std::string& suite);
};

Result<void> GtestJsonParser::read(const json::value& document) {
  if (!as_object(document).contains("testsuites")) {
    return wrong_document("no \"testsuites\": this is no JSON of GoogleTest");
  }
  for (const json::value& entry : array_in(as_object(document), "testsuites")) {
    const json::object& suite = as_object(entry);
    const std::string name = text_in(suite, "name");
    for (const json::value& test : array_in(suite, "testsuite")) {
      BATON_TRY_VOID(cases_.add(read_case(as_object(test), name)));
    }
  }
  return {};
}

Case GtestJsonParser::read_case(const json::object& test, const std::string& suite) {
  Case item;
  item.name = suite + "." + text_in(test, "name");
  item.suite = suite;
  item.classname = text_in(test, "classname");
  item.file = text_in(test, "file");
  item.line = int_in(test, "line");
  // What the test recorded stands among the fields that GoogleTest writes itself.
  static constexpr std::string_view own[] = {"name",     "file",   "line",      "status",
                                             "result",   "time",   "timestamp", "classname",
                                             "failures", "skipped"};
  for (const auto& field : test) {
    const std::string_view key(field.key().data(), field.key().size());
    const bool known = std::find(std::begin(own), std::end(own), key) != std::end(own);
    if (known || !field.value().is_string() || item.properties.size() >= kPropertiesKept) continue;
    item.properties.emplace_back(clean(key, kNameKept),
                                 clean(text_of(field.value()), kMessageKept));
  }

  Attempt attempt;
  attempt.duration = seconds_of(text_in(test, "time"));
  attempt.started_at = time_of(text_in(test, "timestamp"));
  const std::string result = text_in(test, "result");
  KeptText message(kMessageKept);
  for (const char* list : {"failures", "skipped"}) {
    for (const json::value& entry : array_in(test, list)) {
      if (!message.empty()) message.append("\n");
      message.append(text_in(as_object(entry), *list == 'f' ? "failure" : "message"));
    }
  }
  attempt.message = message.take();
  if (!array_in(test, "failures").empty()) {
    attempt.outcome = Outcome::failed;
  } else if (result == "SKIPPED" || result == "SUPPRESSED" || text_in(test, "status") == "NOTRUN") {
    attempt.outcome = Outcome::skipped;
  }
  item.attempts.push_back(std::move(attempt));
  return item;
}

}  // namespace

std::unique_ptr<Parser> make_gtest_json_parser(std::string filename, OnCase on_case) {
  return std::make_unique<GtestJsonParser>(std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
