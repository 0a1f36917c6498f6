# SPDX-License-Identifier: MIT
set(SOURCES asker.cc booking_verbs.cc compat_verbs.cc completion.cc config_verbs.cc connection.cc
    doctor.cc env_declaration.cc env_verbs.cc exec_guard.cc follow.cc gate_files.cc gate_log.cc
    gate_name.cc gate_request.cc gate_verbs.cc gate_wait.cc guard_frames.cc guard_process.cc
    link_checks.cc lock_exec.cc lock_progress.cc lock_request.cc lock_verbs.cc output.cc pages.cc
    parse.cc run_verb.cc runs_verbs.cc service_verbs.cc signals.cc simple.cc suites_verbs.cc
    transfers.cc verbs.cc)
set(TESTS gate_test.cc guard_test.cc lock_test.cc)
set(LIBRARIES yaml-cpp)
set(PUBLIC_LIBRARIES Boost::json)
set(PRECOMPILED json)
