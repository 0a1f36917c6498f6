// SPDX-License-Identifier: MIT
#include "reports/junit_case.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"
#include "reports/collector.h"

namespace baton::reports {
namespace {

using model::Outcome;

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_cpp_file(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  return one_of(name.substr(dot),
                {".cpp", ".cc", ".cxx", ".c++", ".C", ".h", ".hpp", ".hxx", ".mm"});
}

// "tests/test_a.py" and "tests.test_a.TestX" → "tests/test_a.py::TestX".
std::string pytest_node(std::string_view file, std::string_view classname) {
  std::string module(file.substr(0, file.rfind('.')));
  std::replace(module.begin(), module.end(), '/', '.');
  std::string node(file);
  if (classname.substr(0, module.size()) != module) return node;
  for (const auto part : split(classname.substr(module.size()), '.')) {
    if (!part.empty()) node += "::" + std::string(part);
  }
  return node;
}

// Jenkins' convention: "[[ATTACHMENT|path]]" on a line of the output.
void collect_attachments(std::string_view output, std::vector<std::string>& attachments) {
  constexpr std::string_view mark = "[[ATTACHMENT|";
  for (auto at = output.find(mark); at != std::string_view::npos; at = output.find(mark, at + 1)) {
    const auto end = output.find("]]", at);
    if (end == std::string_view::npos || attachments.size() >= kPropertiesKept) return;
    attachments.push_back(
        clean(output.substr(at + mark.size(), end - at - mark.size()), kNameKept));
  }
}

// Without the line break and the indentation that a pretty-printed element adds.
std::string without_frame(std::string text) {
  const auto last = text.find_last_not_of(" \t");
  if (last != std::string::npos && text[last] == '\n') text.resize(last + 1);
  if (!text.empty() && text.front() == '\n') text.erase(0, 1);
  return text;
}

}  // namespace

JunitFault::JunitFault(std::string_view element, const XmlAttributes& attributes)
    : outcome(element == "error" || element == "flakyError" || element == "rerunError"
                  ? Outcome::errored
                  : Outcome::failed),
      message(clean(attributes.get("message"), kMessageKept)),
      type(clean(attributes.get("type"), kNameKept)),
      time(attributes.get("time")),
      timestamp(attributes.get("timestamp")) {}

Attempt JunitFault::take() {
  Attempt attempt;
  attempt.outcome = outcome;
  attempt.duration = seconds_of(time);
  attempt.started_at = time_of(timestamp);
  attempt.details = unindent(text.take());
  attempt.output = without_frame(output.take());
  attempt.message = std::move(message);
  if (attempt.message.empty()) {
    attempt.message = attempt.details.empty() ? type : clean(attempt.details, kMessageKept);
  }
  if (attempt.details == attempt.message) attempt.details.clear();
  return attempt;
}

JunitCase::JunitCase(const JunitDialect& dialect, const XmlAttributes& attributes) {
  item.classname = attributes.get("classname");
  item.file = attributes.get("file");
  item.line = leading_number(attributes.get("line"));
  status_ = to_lower(attributes.get("status"));
  result_ = to_lower(attributes.get("result"));
  marked_flaky_ = attributes.get("flaky") == "true" || attributes.get("flaky") == "1";
  base_.duration = seconds_of(attributes.get("time"));
  base_.started_at = time_of(attributes.get("timestamp"));
  is_ctest_ = dialect.root_is_suite && !status_.empty() && item.classname == attributes.get("name");
  for (const auto* parameter : {"value_param", "type_param"}) {
    if (!attributes.has(parameter)) continue;
    item.properties.emplace_back(parameter, clean(attributes.get(parameter), kMessageKept));
  }
  identify(dialect, attributes.get("name"));
}

void JunitCase::identify(const JunitDialect& dialect, std::string_view name) {
  const std::string& classname = item.classname;
  const bool plain_root = !dialect.root_is_suite && dialect.root_attributes == 0;
  if (classname.empty() || classname == name) {  // CTest writes the name twice
    const bool bare = classname == name || dialect.suite.empty() || dialect.suite == "(empty)";
    item.name = bare ? std::string(name) : dialect.suite + "." + std::string(name);
  } else if (plain_root && !status_.empty() && is_cpp_file(classname)) {  // doctest
    item.file = classname;
    item.name = name;
  } else if (plain_root && !status_.empty() && !dialect.suite.empty() &&
             classname.rfind(dialect.suite + ".", 0) == 0) {  // Catch2
    item.name = name;
  } else if (dialect.root_has_id && classname == dialect.suite) {  // Playwright
    item.file = classname;
    item.name = dialect.hostname.empty() ? "" : "[" + dialect.hostname + "] › ";
    item.name += classname + " › " + std::string(name);
  } else if (dialect.suite == "pytest" && item.file.size() > 3) {  // junit_family=xunit1
    item.name = pytest_node(item.file, classname) + "::" + std::string(name);
  } else {
    item.name = classname + "." + std::string(name);
  }
}

Outcome JunitCase::outcome_without_faults() const {
  if (is_ctest_ && status_ == "notrun") {
    // What CTest could not start is "skipped" in its report and failed in its exit code.
    const bool asked = skip_message.rfind("SKIP_", 0) == 0;
    return skipped && asked ? Outcome::skipped : Outcome::errored;
  }
  if (skipped) return Outcome::skipped;
  for (const std::string_view word : {std::string_view(status_), std::string_view(result_)}) {
    if (one_of(word, {"skipped", "suppressed", "disabled", "notrun", "ignored", "pending"})) {
      return Outcome::skipped;
    }
    if (one_of(word, {"failed", "fail", "failure"})) return Outcome::failed;
    if (one_of(word, {"error", "errored", "broken"})) return Outcome::errored;
  }
  return Outcome::passed;
}

Attempt JunitCase::last_attempt() {
  Attempt last = base_;
  last.output = without_frame(output.take());
  collect_attachments(last.output, item.attachments);
  if (faults.empty()) {
    last.outcome = outcome_without_faults();
    last.details = unindent(skip_text.take());
    last.message = clean(!skip_message.empty() ? skip_message : last.details, kMessageKept);
    if (last.message.empty()) last.message = clean(skip_type, kNameKept);
    if (last.details == last.message) last.details.clear();
    return last;
  }
  // Several failures of one case are one attempt: it failed unless all of them are errors.
  last.outcome = Outcome::errored;
  for (JunitFault& fault : faults) {
    Attempt one = fault.take();
    if (one.outcome == Outcome::failed) last.outcome = Outcome::failed;
    const auto append = [](std::string& to, const std::string& text, std::size_t limit) {
      if (text.empty() || to.size() >= limit) return;
      if (!to.empty()) to += '\n';
      to += text;
    };
    append(last.message, one.message, kMessageKept);
    append(last.details, one.details, kDetailsKept);
    append(last.output, one.output, kOutputKept);
  }
  // Catch2's [!mayfail] and strict readers of xfail: the test may fail, and did.
  if (skipped) last.outcome = Outcome::skipped;
  return last;
}

Case JunitCase::finish() {
  for (JunitFault& fault : flaky) item.attempts.push_back(fault.take());
  if (marked_flaky_ && !faults.empty()) {  // gdUnit4: the failures of the attempts before
    for (JunitFault& fault : faults) item.attempts.push_back(fault.take());
    faults.clear();
  }
  item.attempts.push_back(last_attempt());
  for (JunitFault& fault : rerun) item.attempts.push_back(fault.take());
  return std::move(item);
}

}  // namespace baton::reports
