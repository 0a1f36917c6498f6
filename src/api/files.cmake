# SPDX-License-Identifier: MIT
set(SOURCES
  artifact_routes.cc
  audit.cc
  auth.cc
  context.cc
  disk.cc
  dispatch.cc
  event_routes.cc
  event_stream.cc
  journal_metrics.cc
  legacy_json.cc
  legacy_page.cc
  legacy_routes.cc
  legacy_schedule_routes.cc
  log_routes.cc
  log_text.cc
  lookup.cc
  metrics.cc
  openapi.cc
  pieces.cc
  reply.cc
  report_import.cc
  report_routes.cc
  route_match.cc
  routes.cc
  run_events.cc
  run_routes.cc
  runner_records.cc
  runner_routes.cc
  schedule_routes.cc
  schemas_runs.cc
  schemas_service.cc
  secrets.cc
  service_routes.cc
  stream_routes.cc
  submit.cc
  suite_routes.cc
  test_routes.cc
  token_routes.cc
  unnamed_blobs.cc
  watch.cc
)
set(TESTS
  auth_test.cc
  legacy_test.cc
  openapi_test.cc
  resource_test.cc
  run_routes_test.cc
  schema_check.cc
  stream_test.cc
  test_server.cc
  watch_test.cc
)
set(LIBRARIES Boost::json PkgConfig::RE2)
set_property(SOURCE ${CMAKE_SOURCE_DIR}/src/api/openapi_test.cc
  PROPERTY COMPILE_DEFINITIONS BATON_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
set(PRECOMPILED edge)
