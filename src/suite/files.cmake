# SPDX-License-Identifier: MIT
set(SOURCES attempt.cc attempt_process.cc bridge.cc channel.cc events.cc fork_server.cc global.cc json.cc
  main.cc printer.cc process_tree.cc registry.cc stop.cc t.cc)
set(TESTS)
