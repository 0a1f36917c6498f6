# SPDX-License-Identifier: MIT
set(SOURCES
  feed.cc
  writer.cc
)
set(TESTS
  writer_test.cc
)
set(LIBRARIES Threads::Threads)
