# SPDX-License-Identifier: MIT
set(SOURCES)
set(TESTS)
