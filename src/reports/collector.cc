// SPDX-License-Identifier: MIT
#include "reports/collector.h"

#include <utility>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"

namespace baton::reports {
namespace {

int badness(model::Outcome outcome) {
  switch (outcome) {
    case model::Outcome::skipped: return 0;
    case model::Outcome::passed: return 1;
    case model::Outcome::cancelled: return 2;
    case model::Outcome::failed: return 3;
    case model::Outcome::timed_out: return 4;
    case model::Outcome::running:
    case model::Outcome::errored: return 5;
  }
  return 5;
}

}  // namespace

Collector::Collector(Format format, OnCase on_case) : on_case_(std::move(on_case)) {
  summary_.format = format;
}

Result<void> Collector::add(Case&& item) {
  if (summary_.cases >= kCasesMax) {
    return fail(Code::too_large, "the report has more than {} cases", kCasesMax);
  }
  ++summary_.cases;
  item.name = names_.unique(clean_name(item.name));
  item.suite = clean(item.suite, kNameKept);
  item.classname = clean(item.classname, kNameKept);
  item.file = clean(item.file, kNameKept);
  if (item.attempts.empty()) item.attempts.emplace_back();
  for (Attempt& attempt : item.attempts) locate(attempt);
  on_case_(std::move(item));
  return {};
}

Result<void> Collector::add_errored(std::string name, std::string message, std::string details) {
  Case item;
  item.name = std::move(name);
  item.attempts.push_back({.outcome = model::Outcome::errored,
                           .message = std::move(message),
                           .details = std::move(details)});
  return add(std::move(item));
}

void Collector::warn(std::string text) {
  if (summary_.warnings.size() == kWarningsKept) {
    summary_.warnings.push_back("more warnings are left out");
  } else if (summary_.warnings.size() < kWarningsKept) {
    summary_.warnings.push_back(std::move(text));
  }
}

Error malformed(std::string_view file, std::uint64_t line, std::uint64_t column,
                std::string_view what) {
  const std::string place = fmt::format("{}:{}:{}", to_valid_utf8(file), line, column);
  return Error{
      Code::unprocessable, fmt::format("{}: {}", place, what), "", {{place, std::string(what)}}};
}

void locate(Attempt& attempt) {
  using model::Outcome;
  if (attempt.outcome == Outcome::passed) return;
  if (attempt.file.empty()) {
    auto place = find_location(attempt.message);
    if (!place) place = find_location(attempt.details);
    if (place) {
      attempt.file = std::move(place->file);
      attempt.line = place->line;
    }
  }
  const auto end = attempt.message.find('\n');
  if (end == std::string::npos || attempt.file.empty()) return;
  const std::string_view first = trim(std::string_view(attempt.message).substr(0, end));
  if (first == fmt::format("{}:{}", attempt.file, attempt.line)) attempt.message.erase(0, end + 1);
}

model::Outcome worse(model::Outcome a, model::Outcome b) {
  return badness(a) >= badness(b) ? a : b;
}

}  // namespace baton::reports
