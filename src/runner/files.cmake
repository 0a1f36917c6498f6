# SPDX-License-Identifier: MIT
set(SOURCES artifacts.cc background.cc cpp_driver.cc discover.cc environment.cc files_found.cc
    forest.cc fork_server.cc guard.cc keeper.cc kinds/listing.cc kinds/names.cc kinds/tool.cc
    last_line.cc list_task.cc loop.cc main.cc output.cc pipe_reader.cc probe.cc proc.cc process.cc
    recorder.cc run_context.cc schedule.cc selection.cc spool.cc supervisor.cc tool_driver.cc
    tool_process.cc tool_results.cc uploader.cc)
set(TESTS command_test.cc cpp_suite_test.cc parts_test.cc runner_test_main.cc tools_test.cc)
set(LIBRARIES Boost::json PkgConfig::ZSTD PkgConfig::RE2)
set(PRECOMPILED json)
