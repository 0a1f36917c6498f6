# SPDX-License-Identifier: MIT
set(SOURCES completion.cc config_verbs.cc connection.cc doctor.cc follow.cc output.cc pages.cc
    parse.cc run_verb.cc runs_verbs.cc service_verbs.cc signals.cc simple.cc suites_verbs.cc
    transfers.cc verbs.cc)
set(TESTS)
set(LIBRARIES yaml-cpp)
set(PUBLIC_LIBRARIES Boost::json)
set(PRECOMPILED json)
