# SPDX-License-Identifier: MIT
set(SOURCES check.cc cron.cc cron_parse.cc names.cc schedule.cc token.cc verdict.cc)
set(TESTS check_test.cc cron_test.cc names_test.cc schedule_test.cc verdict_test.cc)
set(LIBRARIES date::date-tz)
set(TEST_LIBRARIES rapidcheck)
set(OPTIMISED ON)
