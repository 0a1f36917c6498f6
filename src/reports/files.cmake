# SPDX-License-Identifier: MIT
set(SOURCES
  align.cc calendar.cc collector.cc ctest_live.cc ctrf_parser.cc ctrf_writer.cc cucumber_parser.cc
  go_lines.cc gtest_json_parser.cc gtest_live.cc json_reader.cc junit_case.cc junit_parser.cc
  junit_writer.cc
  kept_text.cc line_parser.cc listing.cc live.cc native_xml_live.cc native_xml_parser.cc
  nunit_parser.cc playwright.cc playwright_parser.cc pytest_live.cc report.cc
  sniff.cc tap_line.cc tap_lines.cc trx_parser.cc unique_names.cc xml_escape.cc xml_reader.cc
  xunit_parser.cc)
set(TESTS calendar_test.cc captured_test.cc json_reports_test.cc junit_test.cc lines_test.cc
  live_test.cc
  writers_test.cc xml_reports_test.cc)
set(LIBRARIES EXPAT::EXPAT Boost::json)
foreach(test IN LISTS TESTS)
  set_property(SOURCE ${CMAKE_SOURCE_DIR}/src/reports/${test}
    APPEND PROPERTY COMPILE_DEFINITIONS BATON_TESTDATA="${CMAKE_SOURCE_DIR}/src/reports/testdata")
endforeach()
set(PRECOMPILED json)
