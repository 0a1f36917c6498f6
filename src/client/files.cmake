# SPDX-License-Identifier: MIT
set(SOURCES answer.cc api_client.cc call_me.cc http_runner_calls.cc lease_keep.cc lease_wait.cc
    local_servers.cc)
set(TESTS lease_test.cc)
set(PUBLIC_LIBRARIES Boost::json)
set(PRECOMPILED json)
