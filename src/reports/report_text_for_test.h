// SPDX-License-Identifier: MIT
#pragma once
// Test helpers: the captured files, and a report as text that a golden file can hold.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/text.h"
#include "reports/live.h"
#include "reports/report.h"

namespace baton::reports {

inline std::string path_of(const std::string& name) {
  return std::string(BATON_TESTDATA) + "/" + name;
}

inline std::string load(const std::string& name) {
  std::ifstream file(path_of(name), std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::string word(model::Outcome outcome) {
  static const char* const words[] = {"running", "passed",    "failed",   "errored",
                                      "skipped", "timed_out", "cancelled"};
  return words[static_cast<int>(outcome)];
}

inline std::string quoted(const std::string& text) {
  const bool is_long = text.size() > 160;
  return json_quote(is_long ? text.substr(0, 160) + "…" : text);
}

inline std::string dump(const Attempt& attempt) {
  std::string out = word(attempt.outcome);
  if (!attempt.file.empty()) out += " at " + attempt.file + ":" + std::to_string(attempt.line);
  if (!attempt.message.empty()) out += "\n    message " + quoted(attempt.message);
  if (!attempt.details.empty()) out += "\n    details " + quoted(attempt.details);
  if (!attempt.output.empty()) out += "\n    output  " + quoted(attempt.output);
  return out + "\n";
}

/// Everything but times, which no two captures share.
inline std::string dump(const Report& report) {
  std::string out =
      std::string(name_of(report.format)) + ", " + std::to_string(report.cases) + " cases\n";
  if (!report.errored.empty()) out += "errored: " + quoted(report.errored) + "\n";
  for (const std::string& warning : report.warnings) out += "warning: " + warning + "\n";
  for (const Case& item : report.items) {
    out += item.name;
    if (!item.file.empty()) out += "  (" + item.file + ":" + std::to_string(item.line) + ")";
    out += item.flaky() ? "  flaky\n" : "\n";
    for (const Attempt& attempt : item.attempts) out += "  " + dump(attempt);
    for (const auto& [name, value] : item.properties) out += "  " + name + "=" + value + "\n";
    for (const std::string& path : item.attachments) out += "  attachment " + path + "\n";
  }
  return out;
}

/// Compares with testdata/golden/NAME; BATON_APPROVE=1 writes it instead.
inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string golden = "golden/" + name + ".txt";
  if (std::getenv("BATON_APPROVE") != nullptr) {
    std::ofstream(path_of(golden), std::ios::binary) << text;
    return;
  }
  EXPECT_EQ(load(golden), text) << "approve with BATON_APPROVE=1";
}

inline Report parsed(const std::string& text, Format format = Format::automatic) {
  auto report = parse(text, {.format = format, .filename = "report"});
  EXPECT_TRUE(report) << (report ? "" : report.error().message);
  return report ? *report : Report{};
}

inline std::string refusal(const std::string& text, Format format = Format::automatic) {
  auto report = parse(text, {.format = format, .filename = "f"});
  if (report) return "accepted";
  EXPECT_FALSE(report.error().details.empty()) << report.error().message;
  return std::string(name_of(report.error().code)) + " " + report.error().message;
}

/// What a live parser makes of the lines: one line per event, output as "test| text".
inline std::string follow(model::Kind kind, const std::string& text,
                          const std::string& why = "cut") {
  std::string out;
  auto parser = make_live_parser(kind);
  const auto on_event = [&out](const LiveEvent& event) {
    const std::string test(event.test);
    const std::string message(event.message);
    switch (event.kind) {
      case LiveEvent::Kind::plan: out += "PLAN " + std::to_string(event.planned) + "\n"; return;
      case LiveEvent::Kind::case_started: out += "START " + test + "\n"; return;
      case LiveEvent::Kind::bail_out: out += "BAIL " + message + "\n"; return;
      case LiveEvent::Kind::case_output:
        out += test + "| " + std::string(event.text);
        if (out.back() != '\n') out += "~\n";
        return;
      case LiveEvent::Kind::case_finished: break;
    }
    out += "END " + test + " " + word(event.outcome);
    if (!event.file.empty())
      out += " at " + std::string(event.file) + ":" + std::to_string(event.line);
    if (!message.empty()) out += " " + quoted(message);
    out += "\n";
  };
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    parser->line(std::string_view(text).substr(at, end - at), on_event);
    at = end;
  }
  parser->finish(why, on_event);
  return out;
}

}  // namespace baton::reports
