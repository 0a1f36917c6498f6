# SPDX-License-Identifier: MIT
set(SOURCES booking.cc check.cc cron.cc cron_parse.cc delivery.cc environment.cc gate.cc
  lease.cc link.cc names.cc recurrence.cc
  schedule.cc sealed.cc token.cc verdict.cc)
set(TESTS booking_test.cc check_test.cc cron_test.cc gate_test.cc names_test.cc schedule_test.cc
  verdict_test.cc)
set(LIBRARIES date::date-tz)
set(TEST_LIBRARIES rapidcheck)
set(OPTIMISED ON)
