# SPDX-License-Identifier: MIT
set(SOURCES address.cc assert.cc cgroup.cc error.cc file.cc ids.cc log.cc marked.cc
  nameless_file.cc output_file.cc pid_file.cc text.cc time.cc)
set(TESTS address_test.cc file_test.cc pid_file_test.cc text_test.cc time_test.cc)
set(PUBLIC_LIBRARIES fmt::fmt tl::expected)
set(OPTIMISED ON)
