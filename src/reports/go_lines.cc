// SPDX-License-Identifier: MIT
// go test -json: one event per line, mixed with plain lines (build failures of older versions,
// output of helpers). A case is "package.Test/sub".
#include <boost/json/parse.hpp>

#include <map>

#include "base/text.h"
#include "reports/json_reader.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/line_parser.h"

namespace baton::reports {
namespace {

using Kind = LiveEvent::Kind;
using model::Outcome;

// "    calc_test.go:17: got 1, want 2" starts what a test says of itself.
bool is_log_line(std::string_view text) {
  if (text.substr(0, 4) != "    ") return false;
  const auto mark = text.find(".go:");
  return mark != std::string_view::npos && text.find_first_of(" \t", 4) > mark;
}

class GoLines final : public LineFormat {
 public:
  void line(std::string_view line, const OnEvent& on_event) override;
  void finish(std::string_view why, const OnEvent& on_event) override;
  std::string problem() const override {
    return truncated_ ? "the last line is cut" : events_ == 0 ? "no event of go test -json" : "";
  }

 private:
  struct Test {
    std::string package;
    KeptText message{kMessageKept};
    bool in_log = false;
  };
  struct Package {
    bool any_failed = false;
    KeptText output{kDetailsKept};
  };
  void event(const json::object& object, const OnEvent& on_event);
  void output(const std::string& name, const std::string& package, std::string text,
              const OnEvent& on_event);
  void plain(std::string_view line, const OnEvent& on_event);
  void end_test(const std::string& name, Outcome outcome, Duration duration, std::string_view why,
                const OnEvent& on_event);
  void end_package(const std::string& package, bool failed, Duration duration,
                   const OnEvent& on_event);
  static void report(const std::string& name, std::string_view message, std::string_view details,
                     Duration duration, const OnEvent& on_event);

  std::size_t events_ = 0;
  bool truncated_ = false;
  std::map<std::string, Test> tests_;  // that run now
  std::map<std::string, Package> packages_;
  KeptText build_output_{kDetailsKept};
};

void GoLines::line(std::string_view line, const OnEvent& on_event) {
  const std::string_view text = without_newline(line);
  if (text.empty() || text.front() != '{') return plain(line, on_event);
  auto document = parse_json(text, "");
  if (!document || !as_object(*document).contains("Action")) {
    truncated_ = !document && line.back() != '\n';
    return plain(line, on_event);
  }
  ++events_;
  event(as_object(*document), on_event);
}

void GoLines::event(const json::object& object, const OnEvent& on_event) {
  const std::string action = text_in(object, "Action");
  const std::string package = text_in(object, "Package");
  const std::string test = text_in(object, "Test");
  const std::string name = test.empty()      ? std::string()
                           : package.empty() ? test
                                             : package + "." + test;
  const Duration elapsed = from_seconds(number_in(object, "Elapsed"));
  if (action == "output") return output(name, package, text_in(object, "Output"), on_event);
  if (action == "build-output") {
    const std::string text = text_in(object, "Output");
    build_output_.append(text);
    return on_event({.kind = Kind::case_output, .text = text});
  }
  const bool ends = action == "pass" || action == "fail" || action == "skip" || action == "bench";
  if (test.empty()) {
    if (ends) end_package(package, action == "fail", elapsed, on_event);
    return;
  }
  if (action == "run" || (ends && tests_.count(name) == 0)) {
    if (tests_.count(name) > 0)
      end_test(name, Outcome::errored, Duration{0}, "it began again before its end", on_event);
    tests_.emplace(name, Test{package});
    on_event({.kind = Kind::case_started, .test = name});
  }
  if (!ends) return;
  if (action == "fail") packages_[package].any_failed = true;
  end_test(name,
           action == "fail"   ? Outcome::failed
           : action == "skip" ? Outcome::skipped
                              : Outcome::passed,
           elapsed, "failed", on_event);
}

void GoLines::output(const std::string& name, const std::string& package, std::string text,
                     const OnEvent& on_event) {
  const auto found = tests_.find(name);
  if (found == tests_.end()) {
    packages_[package].output.append(text);
    return on_event({.kind = Kind::case_output, .text = text});
  }
  Test& test = found->second;
  const bool marker = text.rfind("=== ", 0) == 0 || trim(text).substr(0, 4) == "--- ";
  const bool starts = is_log_line(text) || text.rfind("panic:", 0) == 0;
  if (starts) test.in_log = true;
  if (marker) test.in_log = false;
  // What follows a log line belongs to it while it is indented deeper.
  if (test.in_log && (starts || text.rfind("        ", 0) == 0)) {
    test.message.append(starts && text[0] == ' ' ? std::string_view(text).substr(4) : text);
  }
  on_event({.kind = Kind::case_output, .test = name, .text = text});
}

void GoLines::plain(std::string_view line, const OnEvent& on_event) {
  on_event({.kind = Kind::case_output, .text = line});
  const std::string_view text = without_newline(line);
  constexpr std::string_view fail = "FAIL\t", build = " [build failed]", setup = " [setup failed]";
  const bool failed =
      text.size() > build.size() && (text.substr(text.size() - build.size()) == build ||
                                     text.substr(text.size() - setup.size()) == setup);
  if (text.rfind(fail, 0) == 0 && failed) {
    ++events_;
    const std::string package(text.substr(fail.size(), text.size() - fail.size() - build.size()));
    report(package, "build failed", build_output_.take(), Duration{0}, on_event);
  } else {
    build_output_.append(line);
  }
}

void GoLines::end_test(const std::string& name, Outcome outcome, Duration duration,
                       std::string_view why, const OnEvent& on_event) {
  const auto found = tests_.find(name);
  std::string message = found->second.message.take();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  if (message.empty() && outcome != Outcome::passed && outcome != Outcome::skipped) message = why;
  if (outcome == Outcome::passed) message.clear();
  const auto place = find_location(message);
  on_event({.kind = Kind::case_finished,
            .test = name,
            .outcome = outcome,
            .duration = duration,
            .message = message,
            .file = place ? std::string_view(place->file) : "",
            .line = place ? place->line : 0});
  tests_.erase(found);
}

// A package may fail without a failed test: it did not compile, panicked in an init, left by
// os.Exit. That must be seen.
void GoLines::end_package(const std::string& package, bool failed, Duration duration,
                          const OnEvent& on_event) {
  std::vector<std::string> open;
  for (const auto& [name, test] : tests_) {
    if (test.package == package) open.push_back(name);
  }
  for (const std::string& name : open) {
    end_test(name, Outcome::errored, Duration{0}, "the package ended before the test", on_event);
  }
  Package& state = packages_[package];
  if (failed && !state.any_failed && open.empty()) {
    std::string details = state.output.take();
    if (details.find("[build failed]") != std::string::npos)
      details = build_output_.take() + details;
    const bool build = details.find("[build failed]") != std::string::npos;
    report(package, build ? "build failed" : "the package failed outside of its tests", details,
           duration, on_event);
  }
  packages_.erase(package);
}

void GoLines::report(const std::string& name, std::string_view message, std::string_view details,
                     Duration duration, const OnEvent& on_event) {
  on_event({.kind = Kind::case_started, .test = name});
  on_event({.kind = Kind::case_finished,
            .test = name,
            .outcome = Outcome::errored,
            .duration = duration,
            .message = message,
            .details = details});
}

void GoLines::finish(std::string_view why, const OnEvent& on_event) {
  while (!tests_.empty()) {
    const std::string name = tests_.begin()->first;
    end_test(name, Outcome::errored, Duration{0}, why, on_event);
  }
}

}  // namespace

std::unique_ptr<LineFormat> make_go_lines() { return std::make_unique<GoLines>(); }

}  // namespace baton::reports
