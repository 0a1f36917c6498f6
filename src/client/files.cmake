# SPDX-License-Identifier: MIT
set(SOURCES api_client.cc http_runner_calls.cc lease_keep.cc lease_wait.cc local_servers.cc)
set(TESTS)
set(PUBLIC_LIBRARIES Boost::json)
set(PRECOMPILED json)
