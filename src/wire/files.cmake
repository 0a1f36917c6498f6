# SPDX-License-Identifier: MIT
set(SOURCES case_json.cc fields.cc job.cc records.cc)
set(TESTS job_test.cc records_test.cc)
set(LIBRARIES Boost::json)
