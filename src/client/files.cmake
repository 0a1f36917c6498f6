# SPDX-License-Identifier: MIT
set(SOURCES api_client.cc local_servers.cc)
set(TESTS)
set(PUBLIC_LIBRARIES Boost::json)
