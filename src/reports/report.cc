// SPDX-License-Identifier: MIT
#include "reports/report.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "reports/collector.h"
#include "reports/json_reader.h"
#include "reports/line_parser.h"
#include "reports/xml_parser.h"

namespace baton::reports {
namespace {

constexpr std::array<std::pair<Format, std::string_view>, 13> kNames{{
    {Format::automatic, "auto"},
    {Format::junit, "junit"},
    {Format::ctrf, "ctrf"},
    {Format::tap, "tap"},
    {Format::gotest, "gotest"},
    {Format::gtest, "gtest"},
    {Format::trx, "trx"},
    {Format::playwright, "playwright"},
    {Format::nunit, "nunit"},
    {Format::xunit, "xunit"},
    {Format::cucumber, "cucumber"},
    {Format::catch2, "catch2"},
    {Format::doctest, "doctest"},
}};

// Waits for enough bytes to tell the format, then hands everything to that format's parser.
class AutomaticParser final : public Parser {
 public:
  AutomaticParser(std::string filename, OnCase on_case)
      : filename_(std::move(filename)), on_case_(std::move(on_case)) {}

  Result<void> feed(std::string_view bytes) override {
    if (parser_) return parser_->feed(bytes);
    head_ += bytes;
    return head_.size() < kHead ? Result<void>() : decide();
  }
  Result<Summary> finish() override {
    if (!parser_) BATON_TRY_VOID(decide());
    return parser_->finish();
  }

 private:
  // Playwright puts its configuration before what tells it apart.
  static constexpr std::size_t kHead = 64 << 10;

  Result<void> decide() {
    const Format format = sniff(head_);
    if (format == Format::automatic) {
      const auto* what =
          trim(head_).empty() ? "the report is empty" : "the format is not recognised";
      return tl::unexpected(malformed(filename_, 1, 1, what));
    }
    parser_ = make_parser(format, filename_, std::move(on_case_));
    const std::string head = std::move(head_);
    return parser_->feed(head);
  }

  std::string filename_;
  OnCase on_case_;
  std::string head_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace

std::string_view name_of(Format format) {
  for (const auto& [value, name] : kNames) {
    if (value == format) return name;
  }
  return "auto";
}

Result<Format> parse_format(std::string_view text) {
  std::string known;
  for (const auto& [value, name] : kNames) {
    if (name == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return fail_with_fix(Code::invalid, "use one of: " + known, "unknown report format \"{}\"",
                       to_valid_utf8(text.substr(0, 100)));
}

bool Case::flaky() const {
  if (outcome() != model::Outcome::passed) return false;
  return std::any_of(attempts.begin(), attempts.end() - 1, [](const Attempt& attempt) {
    return attempt.outcome != model::Outcome::passed && attempt.outcome != model::Outcome::skipped;
  });
}

std::unique_ptr<Parser> make_parser(Format format, std::string filename, OnCase on_case) {
  switch (format) {
    case Format::automatic: break;
    case Format::junit: return make_junit_parser(std::move(filename), std::move(on_case));
    case Format::trx: return make_trx_parser(std::move(filename), std::move(on_case));
    case Format::nunit: return make_nunit_parser(std::move(filename), std::move(on_case));
    case Format::xunit: return make_xunit_parser(std::move(filename), std::move(on_case));
    case Format::ctrf: return make_ctrf_parser(std::move(filename), std::move(on_case));
    case Format::gtest: return make_gtest_json_parser(std::move(filename), std::move(on_case));
    case Format::playwright: return make_playwright_parser(std::move(filename), std::move(on_case));
    case Format::cucumber: return make_cucumber_parser(std::move(filename), std::move(on_case));
    case Format::tap:
    case Format::gotest: return make_line_parser(format, std::move(filename), std::move(on_case));
    case Format::catch2:
    case Format::doctest:
      return make_native_xml_parser(format, std::move(filename), std::move(on_case));
  }
  return std::make_unique<AutomaticParser>(std::move(filename), std::move(on_case));
}

Result<Report> parse(std::string_view bytes, const ParseOptions& options) {
  Report report;
  // Told here, a large report is not copied until enough of it has come.
  report.format = options.format == Format::automatic ? sniff(bytes) : options.format;
  auto parser = make_parser(report.format, options.filename,
                            [&report](Case&& item) { report.items.push_back(std::move(item)); });
  auto fed = parser->feed(bytes);
  Result<Summary> summary = fed ? parser->finish() : tl::unexpected(std::move(fed).error());
  if (summary) {
    static_cast<Summary&>(report) = std::move(*summary);
    return report;
  }
  if (!options.partial) return tl::unexpected(std::move(summary).error());
  report.cases = report.items.size();
  report.errored = "the report is not whole: " + summary.error().message;
  return report;
}

}  // namespace baton::reports
