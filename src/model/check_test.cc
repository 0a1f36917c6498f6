// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "model/run.h"
#include "model/suite.h"

namespace baton::model {
namespace {

Suite good_suite() {
  Suite suite;
  suite.namespace_ = "pay";
  suite.name = "checkout";
  suite.command = {"./checkout"};
  return suite;
}

TEST(Check, names_are_url_parts_and_file_names) {
  for (const char* good : {"a", "checkout", "A_b.c-9", "0"}) EXPECT_TRUE(check_name("x", good));
  for (const std::string& bad : {std::string{}, std::string{"."}, std::string{".."},
                                 std::string{"-x"}, std::string{"a/b"}, std::string{"a b"},
                                 std::string{"ä"}, std::string("a\0b", 3), std::string(101, 'a')})
    EXPECT_FALSE(check_name("x", bad)) << bad;
}

TEST(Check, case_names_are_any_utf8_but_nul) {
  EXPECT_TRUE(check_case_name("places an order / with \"quotes\" \n and ünïcode"));
  EXPECT_FALSE(check_case_name(""));
  EXPECT_FALSE(check_case_name("\xff"));
  EXPECT_FALSE(check_case_name(std::string_view("a\0b", 3)));
  EXPECT_FALSE(check_case_name(std::string(1'001, 'x')));
}

TEST(Check, a_suite_reports_every_problem_with_its_place) {
  EXPECT_TRUE(check_suite(good_suite()));
  Suite suite = good_suite();
  suite.command.clear();
  suite.workers = 0;
  suite.max_attempts = 101;
  suite.labels = {{"a=b", "x"}};
  suite.cases.resize(2);
  suite.cases[0].name = suite.cases[1].name = "one";
  const auto checked = check_suite(suite);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Code::invalid);
  std::vector<std::string> pointers;
  for (const ErrorDetail& detail : checked.error().details) pointers.push_back(detail.pointer);
  const std::vector<std::string> expected{"/labels/a=b", "/command", "/workers", "/max_attempts",
                                          "/cases/1/name"};
  EXPECT_EQ(pointers, expected);
}

TEST(Check, an_ad_hoc_suite_needs_no_command) {
  Suite suite = good_suite();
  suite.command.clear();
  suite.source = SuiteSource::adhoc;
  EXPECT_TRUE(check_suite(suite));
}

TEST(Check, a_run_request_is_checked) {
  RunRequest request;
  request.suite = "pay/checkout";
  request.params = {{"user.name", "ä\nb"}};
  EXPECT_TRUE(check_run_request(request));
  for (const char* other : {"A", "a-b"}) {
    request.params = {{"a", "x"}, {"a_b", "x"}, {other, "x"}};
    const auto checked = check_run_request(request);
    ASSERT_FALSE(checked) << "both become one variable";
    EXPECT_NE(checked.error().message.find("BATON_PARAM_A"), std::string::npos);
  }
  request.params = {{"A B", "x"}};
  EXPECT_FALSE(check_run_request(request));
  request.params.clear();
  request.max_attempts = 0;
  EXPECT_FALSE(check_run_request(request));
  request.max_attempts.reset();
  request.filter = std::string(1'001, 'x');
  EXPECT_FALSE(check_run_request(request));
  request.filter.clear();
  request.reference = "two\nlines";
  EXPECT_FALSE(check_run_request(request));
}

TEST(Check, artifact_paths_stay_inside) {
  for (const char* good : {"a", "a/b.txt", "über/x y.png", "...", "a/..b"})
    EXPECT_TRUE(check_artifact_path(good)) << good;
  for (const std::string& bad :
       {std::string{}, std::string{"/etc/passwd"}, std::string{"../x"}, std::string{"a/../b"},
        std::string{"a//b"}, std::string{"a/"}, std::string{"./a"}, std::string{"a\\b"},
        std::string("a\0b", 3), std::string{"a\nb"}, std::string(256, 'x'), std::string{"\xff"}})
    EXPECT_FALSE(check_artifact_path(bad)) << bad;
}

}  // namespace
}  // namespace baton::model
