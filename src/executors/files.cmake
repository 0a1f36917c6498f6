# SPDX-License-Identifier: MIT
set(SOURCES runner_process.cc)
set(TESTS)
