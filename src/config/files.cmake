# SPDX-License-Identifier: MIT
set(SOURCES
  check.cc keys.cc keys_links.cc keys_server.cc load.cc node.cc read.cc read_links.cc
  reader.cc reference.cc schema.cc settings.cc)
set(TESTS config_test.cc node_test.cc reference_test.cc)
set(LIBRARIES yaml-cpp Boost::json)
