// SPDX-License-Identifier: MIT
#include "suite/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "suite/json.h"

namespace baton::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr detail::Here kHere{"a.cc", 7};
void body(T&) {}

SuiteSpec suite_named(std::string namespace_, std::string name, std::string file = "a.cc") {
  SuiteSpec suite;
  suite.namespace_ = std::move(namespace_);
  suite.name = std::move(name);
  suite.file = std::move(file);
  suite.line = 1;
  return suite;
}

CaseSpec case_named(std::string name, std::string file = "a.cc") {
  CaseSpec test;
  test.name = std::move(name);
  test.file = std::move(file);
  test.line = 3;
  test.body = body;
  return test;
}

TEST(Registry, tests_find_their_suite_by_name_in_any_order) {
  Registry registry;
  registry.add_case("checkout", case_named("one", "other.cc"));
  registry.add_suite(suite_named("pay", "checkout"));
  registry.add_setup("checkout", kHere, body);
  registry.add_case("checkout", case_named("two"));
  const auto suites = registry.resolve();
  ASSERT_TRUE(suites) << suites.error().message;
  ASSERT_EQ(suites->size(), 1u);
  EXPECT_EQ((*suites)[0].id(), "pay/checkout");
  EXPECT_EQ((*suites)[0].cases.size(), 2u);
  EXPECT_NE((*suites)[0].setup, nullptr);
}

TEST(Registry, one_name_in_two_namespaces_is_told_apart_by_the_file) {
  Registry registry;
  registry.add_suite(suite_named("pay", "checkout", "pay.cc"));
  registry.add_suite(suite_named("web", "checkout", "web.cc"));
  registry.add_case("checkout", case_named("a", "pay.cc"));
  registry.add_case("checkout", case_named("b", "web.cc"));
  const auto suites = registry.resolve();
  ASSERT_TRUE(suites) << suites.error().message;
  EXPECT_EQ((*suites)[0].cases[0].name, "a");
  EXPECT_EQ((*suites)[1].cases[0].name, "b");
  registry.add_case("checkout", case_named("c", "third.cc"));
  EXPECT_THAT(registry.resolve().error().message, HasSubstr("several namespaces"));
}

TEST(Registry, every_problem_is_named_at_once) {
  Registry registry;
  registry.add_suite(suite_named("pay", "checkout"));
  registry.add_suite(suite_named("pay", "checkout", "b.cc"));
  registry.add_suite(suite_named("a b", "bad"));
  registry.add_case("checkout", case_named("same"));
  registry.add_case("checkout", case_named("same"));
  registry.add_case("nowhere", case_named("lost"));
  const auto suites = registry.resolve();
  ASSERT_FALSE(suites);
  EXPECT_EQ(suites.error().code, Code::invalid);
  for (const char* text : {"b.cc:1: a second suite \"pay/checkout\"; the first is at a.cc:1",
                           "second test \"same\"", "needs a name and a namespace", "has no tests",
                           "the suite \"nowhere\", which no BATON_SUITE defines"})
    EXPECT_THAT(suites.error().message, HasSubstr(text));
}

TEST(Registry, no_suite_at_all_is_a_problem) {
  EXPECT_THAT(Registry().resolve().error().message, HasSubstr("defines no suite"));
}

TEST(Registry, parameters_name_their_test_unless_they_cannot) {
  Registry registry;
  registry.add_suite(suite_named("default", "p"));
  const std::vector<std::string> texts{"tea", "two\nlines", "", std::string(101, 'x')};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CaseSpec test = case_named("ranks");
    test.parameter_text = texts[i];
    registry.add_parameter_case("p", test, i);
  }
  const auto suites = registry.resolve();
  ASSERT_TRUE(suites) << suites.error().message;
  std::vector<std::string> names;
  for (const CaseSpec& test : (*suites)[0].cases) names.push_back(test.name);
  EXPECT_THAT(names, ElementsAre("ranks/tea", "ranks/1", "ranks/2", "ranks/3"));
}

TEST(Registry, find_suite_wants_the_namespace_where_a_name_is_not_unique) {
  const std::vector<SuiteSpec> suites{suite_named("a", "x"), suite_named("b", "x"),
                                      suite_named("a", "only")};
  EXPECT_EQ(*find_suite(suites, "b/x"), &suites[1]);
  EXPECT_EQ(*find_suite(suites, "only"), &suites[2]);
  EXPECT_EQ(find_suite(suites, "x").error().code, Code::conflict);
  EXPECT_EQ(find_suite(suites, "onyl").error().fix, "did you mean only?");
}

TEST(Registry, the_list_is_what_a_runner_reads) {
  SuiteSpec suite = suite_named("pay", "checkout");
  suite.labels = {{"team", "pay"}};
  suite.timeout_ms = 90'000;
  suite.cases = {case_named("odd \"name\"")};
  const auto read = parse_json(list_json({suite}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->number_of("protocol"), 1);
  const Json& listed = read->find("suites")->items.at(0);
  EXPECT_EQ(listed.text_of("namespace"), "pay");
  EXPECT_EQ(listed.number_of("timeout_ms"), 90'000);
  EXPECT_EQ(listed.find("labels")->text_of("team"), "pay");
  const Json& test = listed.find("cases")->items.at(0);
  EXPECT_EQ(test.text_of("name"), "odd \"name\"");
  EXPECT_EQ(test.number_of("line"), 3);
  EXPECT_EQ(test.find("max_attempts"), nullptr);
}

}  // namespace
}  // namespace baton::suite
