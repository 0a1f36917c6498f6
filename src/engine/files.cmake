# SPDX-License-Identifier: MIT
set(SOURCES
  context_ops.cc
  deadline_ops.cc
  feed.cc
  idempotency_ops.cc
  record_event.cc
  record_ops.cc
  report_ops.cc
  retention_ops.cc
  run_finish.cc
  run_ops.cc
  runner_ops.cc
  schedule_ops.cc
  suite_ops.cc
  token_ops.cc
  writer.cc
)
set(TESTS
  record_ops_test.cc
  run_ops_test.cc
  schedule_ops_test.cc
  suite_ops_test.cc
  writer_test.cc
)
set(LIBRARIES Threads::Threads PkgConfig::RE2)
set(OPTIMISED ON)
