// SPDX-License-Identifier: MIT
// What real tools wrote (testdata, made by testdata/sources/capture.sh) against golden files.
#include <gtest/gtest.h>

#include "reports/listing.h"
#include "reports/report_text_for_test.h"

namespace baton::reports {
namespace {

std::string dump(const Listing& listing) {
  if (!listing) return "error: " + listing.error().message;
  std::string out;
  for (const model::Case& item : *listing) {
    out += item.name;
    if (!item.file.empty()) out += "  (" + item.file + ":" + std::to_string(item.line) + ")";
    for (const auto& [key, value] : item.labels) out += "  " + key + "=" + value;
    if (item.timeout) out += "  timeout=" + format_duration(*item.timeout);
    out += "\n";
  }
  return out;
}

class Captured : public testing::TestWithParam<const char*> {};

TEST_P(Captured, report_reads_as_recorded) {
  expect_golden(GetParam(), reports::dump(parsed(load(GetParam()))));
}

TEST_P(Captured, report_read_in_small_pieces_is_the_same) {
  const std::string text = load(GetParam());
  Report pieces;
  auto parser = make_parser(Format::automatic, "report",
                            [&](Case&& item) { pieces.items.push_back(std::move(item)); });
  for (std::size_t i = 0; i < text.size(); i += 7) {
    ASSERT_TRUE(parser->feed(std::string_view(text).substr(i, 7)));
  }
  auto summary = parser->finish();
  ASSERT_TRUE(summary);
  static_cast<Summary&>(pieces) = *summary;
  EXPECT_EQ(reports::dump(pieces), reports::dump(parsed(text)));
}

TEST_P(Captured, report_cut_anywhere_never_looks_whole) {
  const std::string text = load(GetParam());
  const std::size_t cases = parsed(text).items.size();
  const std::size_t step = std::max<std::size_t>(1, text.size() / 30);
  for (std::size_t length = 0; length < text.size() - 3; length += step) {
    auto cut = parse(std::string_view(text).substr(0, length), {.partial = true});
    ASSERT_TRUE(cut);
    EXPECT_TRUE(!cut->errored.empty() || cut->format == Format::gotest) << length;
    EXPECT_LE(cut->items.size(), cases + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Captured,
                         testing::Values("gtest.xml", "gtest.json", "catch2.xml",
                                         "catch2_native.xml", "doctest.xml", "doctest_native.xml",
                                         "ctest.xml", "pytest.xml", "pytest_xunit1.xml", "go.jsonl",
                                         "playwright.json", "playwright.xml"));

TEST(Listing, of_each_tool_reads_as_recorded) {
  expect_golden("gtest_list", dump(list_gtest(load("gtest_list.txt"))));
  expect_golden("gtest_list_json", dump(list_gtest_json(load("gtest_list.json"))));
  expect_golden("catch2_list", dump(list_catch2(load("catch2_list.txt"))));
  expect_golden("doctest_list", dump(list_doctest(load("doctest_list.xml"))));
  expect_golden("ctest_list", dump(list_ctest(load("ctest_list.json"))));
  expect_golden("pytest_list", dump(list_pytest(load("pytest_list.txt"))));
  expect_golden("go_list", dump(list_go(load("go_list.txt"))));
  expect_golden("playwright_list", dump(list_playwright(load("playwright_list.json"))));
}

TEST(Live, output_of_each_tool_goes_to_its_case) {
  expect_golden("gtest_live", follow(model::Kind::gtest, load("gtest_live.txt")));
  expect_golden("catch2_live", follow(model::Kind::catch2, load("catch2_live.txt")));
  expect_golden("doctest_live", follow(model::Kind::doctest, load("doctest_live.txt")));
  expect_golden("pytest_live", follow(model::Kind::pytest, load("pytest_live.txt")));
  expect_golden("pytest_live_s", follow(model::Kind::pytest, load("pytest_live_s.txt")));
  expect_golden("ctest_live", follow(model::Kind::ctest, load("ctest_live.txt")));
  expect_golden("go_live", follow(model::Kind::go, load("go.jsonl")));
  expect_golden("playwright_live", follow(model::Kind::playwright, load("playwright_live.txt")));
}

// Discovery, the report and the live output must agree on names, or results go astray.
TEST(Names, of_discovery_report_and_live_output_agree) {
  struct Tool {
    model::Kind kind;
    Listing listing;
    const char* report;
  };
  const Tool tools[] = {
      {model::Kind::gtest, list_gtest(load("gtest_list.txt")), "gtest.xml"},
      {model::Kind::gtest, list_gtest_json(load("gtest_list.json")), "gtest.json"},
      {model::Kind::catch2, list_catch2(load("catch2_list.txt")), "catch2.xml"},
      {model::Kind::catch2, list_catch2(load("catch2_list.txt")), "catch2_native.xml"},
      {model::Kind::doctest, list_doctest(load("doctest_list.xml")), "doctest.xml"},
      {model::Kind::ctest, list_ctest(load("ctest_list.json")), "ctest.xml"},
      {model::Kind::pytest, list_pytest(load("pytest_list.txt")), "pytest.xml"},
      {model::Kind::pytest, list_pytest(load("pytest_list.txt")), "pytest_xunit1.xml"},
      {model::Kind::playwright, list_playwright(load("playwright_list.json")), "playwright.json"},
      {model::Kind::playwright, list_playwright(load("playwright_list.json")), "playwright.xml"},
  };
  for (const Tool& tool : tools) {
    ASSERT_TRUE(tool.listing) << tool.report;
    std::vector<std::string> known;
    for (const model::Case& item : *tool.listing) known.push_back(item.name);
    Report report = parsed(load(tool.report));
    align_names(report, tool.kind, known);
    for (const Case& item : report.items) {
      EXPECT_NE(std::find(known.begin(), known.end(), item.name), known.end())
          << tool.report << ": " << item.name;
    }
  }
}

TEST(Names, sections_fold_into_their_test_with_the_worst_outcome) {
  Report report = parsed(load("catch2.xml"));
  const std::vector<std::string> known{"adds", "has sections", "name, with comma [and] / slash"};
  align_names(report, model::Kind::catch2, known);
  ASSERT_EQ(report.items.size(), 6u);
  EXPECT_EQ(report.items[1].name, "has sections");
  EXPECT_EQ(report.items[1].outcome(), model::Outcome::failed);
  EXPECT_EQ(report.items[1].attempts.back().message, "1 == 2");
}

TEST(Names, go_subtests_fold_into_their_test) {
  Report report = parsed(load("go.jsonl"));
  const std::vector<std::string> known{"example.com/shop/calc.TestGroup"};
  align_names(report, model::Kind::go, known);
  const auto group = std::find_if(report.items.begin(), report.items.end(),
                                  [&](const Case& item) { return item.name == known[0]; });
  ASSERT_NE(group, report.items.end());
  EXPECT_EQ(group->outcome(), model::Outcome::failed);
  EXPECT_NE(group->attempts.back().message.find("second failed"), std::string::npos);
}

}  // namespace
}  // namespace baton::reports
