# SPDX-License-Identifier: MIT
set(SOURCES local.cc runner_process.cc)
set(TESTS)
set(LIBRARIES Boost::json)
set(PRECOMPILED edge)
