# SPDX-License-Identifier: MIT
set(SOURCES
  booking_json.cc case_json.cc environment_json.cc error_map.cc fields.cc gate_json.cc job.cc
  json_parse.cc json_reader.cc json_writer.cc lease_json.cc page.cc records.cc run_json.cc
  schedule_json.cc suite_json.cc token_json.cc)
set(TESTS documents_test.cc gate_json_test.cc job_test.cc json_test.cc records_test.cc)
set(LIBRARIES Boost::json)
set(PRECOMPILED json)
