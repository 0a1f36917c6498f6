// SPDX-License-Identifier: MIT
// The XML that Catch2 and doctest write to standard output while they run, mixed with what the
// tests print. Tags stand on lines of their own, behind output that did not end its line. Tags are
// taken out; assertions that failed are printed again in plain text; the rest is output of the
// case.
#include <array>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/line_parser.h"

namespace baton::reports {
namespace {

using Kind = LiveEvent::Kind;
using model::Outcome;

std::string unescape(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> entities{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    for (const auto& [name, character] : entities) {
      if (text.substr(i, name.size()) != name) continue;
      c = character;
      i += name.size() - 1;
      break;
    }
    out += c;
  }
  return out;
}

struct Tag {
  std::string_view name;  // "/TestCase" for an end
  std::string_view text;  // the whole tag
  std::string get(std::string_view attribute) const;
  bool empty_element() const { return text.size() > 2 && text[text.size() - 2] == '/'; }
};

std::string Tag::get(std::string_view attribute) const {
  const std::string key = " " + std::string(attribute) + "=\"";
  const auto at = text.find(key);
  if (at == std::string_view::npos) return {};
  const auto begin = at + key.size();
  return unescape(text.substr(begin, text.find('"', begin) - begin));
}

constexpr std::array<std::string_view, 24> kTags{
    "?xml",       "Catch",     "Catch2TestRun", "doctest",         "Group",
    "Options",    "TestSuite", "TestCase",      "Section",         "SubCase",
    "Expression", "Original",  "Expanded",      "Exception",       "Info",
    "Message",    "Text",      "Failure",       "Warning",         "FatalErrorCondition",
    "StdOut",     "StdErr",    "Skip",          "BenchmarkResults"};

bool known_tag(std::string_view name) {
  if (name.substr(0, 1) == "/") name.remove_prefix(1);
  if (name.substr(0, 14) == "OverallResults" || name == "OverallResult") return true;
  return std::find(kTags.begin(), kTags.end(), name) != kTags.end();
}

// The tag that ends the line, if it is one of ours.
bool find_tag(std::string_view line, Tag& tag, std::size_t& at) {
  const std::string_view text = line.substr(0, line.find_last_not_of(" \t") + 1);
  if (text.empty() || text.back() != '>') return false;
  // Attribute values hold no '<': it is always escaped.
  at = text.rfind('<');
  if (at == std::string_view::npos) return false;
  tag.text = text.substr(at);
  tag.name = tag.text.substr(1, tag.text.find_first_of(" />?", 2) - 1);
  if (tag.name.substr(0, 1) == "/") tag.name = tag.text.substr(1, tag.text.size() - 2);
  if (tag.name == "?xml" || tag.text.substr(0, 5) == "<?xml") tag.name = "?xml";
  return known_tag(tag.name);
}

class NativeXmlLive final : public LiveParser {
 public:
  void line(std::string_view line, const OnEvent& on_event) override;
  void finish(std::string_view why, const OnEvent& on_event) override;

 private:
  void tag(const Tag& tag, const OnEvent& on_event);
  void content(std::string_view line, const OnEvent& on_event);
  void end_assertion(const OnEvent& on_event);
  void end_case(const OnEvent& on_event);
  void start_case(const Tag& tag, const OnEvent& on_event);

  std::string test_;
  bool has_result_ = false;
  bool passed_ = false;
  bool may_fail_ = false;
  bool skipped_ = false;
  Duration duration_{0};
  std::string file_;
  int line_ = 0;
  KeptText message_{kMessageKept};

  std::string within_;  // the element whose text is read
  bool failing_ = false;
  std::string assertion_;  // "Expression", …
  std::string type_, assertion_file_;
  int assertion_line_ = 0;
  KeptText original_{kMessageKept}, expanded_{kMessageKept}, note_{kMessageKept};
};

void NativeXmlLive::line(std::string_view line, const OnEvent& on_event) {
  const std::string_view text = without_newline(line);
  Tag found;
  std::size_t at = 0;
  if (!find_tag(text, found, at)) return content(line, on_event);
  // The blanks before the tag are its indentation.
  const std::string_view before =
      text.substr(0, at).substr(0, text.find_last_not_of(' ', at - 1) + 1);
  if (at > 0 && !before.empty()) content(before, on_event);
  tag(found, on_event);
}

void NativeXmlLive::content(std::string_view line, const OnEvent& on_event) {
  KeptText* target = within_ == "Original"                                           ? &original_
                     : within_ == "Expanded"                                         ? &expanded_
                     : within_.empty() || within_ == "StdOut" || within_ == "StdErr" ? nullptr
                                                                                     : &note_;
  if (target != nullptr) return target->append(unescape(line));
  const std::string text = within_.empty() ? std::string(line) : unescape(line);
  on_event({.kind = Kind::case_output, .test = test_, .text = text});
}

void NativeXmlLive::tag(const Tag& tag, const OnEvent& on_event) {
  const std::string_view name = tag.name;
  within_.clear();
  if (name == "TestCase") return start_case(tag, on_event);
  if (test_.empty()) return;
  if (name == "/TestCase") return end_case(on_event);
  if (name == "OverallResult" || name == "OverallResultsAsserts") {
    const bool catch2 = name == "OverallResult";
    has_result_ = true;
    passed_ = tag.get(catch2 ? "success" : "test_case_success") == "true";
    duration_ = seconds_of(tag.get(catch2 ? "durationInSeconds" : "duration"));
    return;
  }
  if (name == "Expression" || (name == "Exception" && assertion_ != "Expression") ||
      name == "Failure" || name == "FatalErrorCondition" || name == "Message" || name == "Skip") {
    assertion_ = name;
    type_ = tag.get("type");
    const bool harmless = type_.find("NOFAIL") != std::string::npos || type_.rfind("WARN", 0) == 0;
    failing_ = !harmless && (name != "Expression" || tag.get("success") == "false");
    assertion_file_ = tag.get("filename");
    assertion_line_ = leading_number(tag.get("line"));
    for (KeptText* text : {&original_, &expanded_, &note_}) text->take();
  }
  if (!assertion_.empty() && name == "/" + assertion_) return end_assertion(on_event);
  if (name.front() != '/' && !tag.empty_element() && name != "Expression" && name != "Message" &&
      name != "Section" && name != "SubCase") {
    within_ = name;
  }
}

void NativeXmlLive::start_case(const Tag& tag, const OnEvent& on_event) {
  if (!test_.empty()) end_case(on_event);
  test_ = clean_name(tag.get("name"));
  may_fail_ =
      tag.get("may_fail") == "true" || tag.get("tags").find("[!mayfail]") != std::string::npos;
  skipped_ = tag.get("skipped") == "true";
  on_event({.kind = Kind::case_started, .test = test_});
  if (tag.empty_element()) end_case(on_event);  // doctest lists what it skips
}

void NativeXmlLive::end_assertion(const OnEvent& on_event) {
  const std::string kind = std::move(assertion_);
  assertion_.clear();
  if (!failing_) return;
  if (kind == "Skip") skipped_ = true;
  std::string text;
  if (kind == "Expression") {
    const std::string original = unindent(original_.take());
    const std::string expanded = unindent(expanded_.take());
    text = fmt::format("{}( {} )", type_, original);
    if (expanded != original && !expanded.empty()) text += "\nwith " + expanded;
  }
  const std::string note = unindent(note_.take());
  if (!note.empty()) text += (text.empty() ? "" : "\n") + note;
  if (file_.empty()) {
    file_ = clean(assertion_file_, kNameKept);
    line_ = assertion_line_;
  }
  if (!message_.empty()) message_.append("\n");
  message_.append(text);
  std::string shown = text + "\n";
  if (!assertion_file_.empty()) {
    shown = fmt::format("{}:{}: {}", assertion_file_, assertion_line_, shown);
  }
  on_event({.kind = Kind::case_output, .test = test_, .text = shown});
}

void NativeXmlLive::end_case(const OnEvent& on_event) {
  const bool failed_some = !message_.empty();
  std::string message = message_.take();
  Outcome outcome = passed_ ? Outcome::passed : Outcome::failed;
  if (skipped_ || (passed_ && may_fail_ && failed_some)) {
    outcome = Outcome::skipped;
  } else if (!has_result_) {
    outcome = Outcome::errored;
    if (message.empty()) message = "ended without a result";
  } else if (passed_) {
    message.clear();
    file_.clear();
    line_ = 0;
  }
  const std::string test = std::move(test_);
  on_event({.kind = Kind::case_finished,
            .test = test,
            .outcome = outcome,
            .duration = duration_,
            .message = message,
            .file = file_,
            .line = line_});
  *this = NativeXmlLive();
}

void NativeXmlLive::finish(std::string_view why, const OnEvent& on_event) {
  if (test_.empty()) return;
  if (!message_.empty()) message_.append("\n");
  message_.append(why);
  has_result_ = skipped_ = false;
  passed_ = false;
  end_case(on_event);
}

}  // namespace

std::unique_ptr<LiveParser> make_native_xml_live() { return std::make_unique<NativeXmlLive>(); }

}  // namespace baton::reports
