# SPDX-License-Identifier: MIT
set(SOURCES attempt.cc attempt_process.cc bridge.cc channel.cc events.cc fork_server.cc global.cc
  json.cc junit.cc live_attempt.cc main.cc options.cc printer.cc process_tree.cc progress.cc
  registry.cc report_json.cc results.cc run.cc std_bridge.cc stop.cc supervisor.cc t.cc)
set(TESTS check_test.cc fork_server_test.cc json_test.cc registry_test.cc results_test.cc)
set(LIBRARIES PkgConfig::RE2)
