// SPDX-License-Identifier: MIT
#pragma once
// For tests: the calls about leases as a client makes them.
#include <future>
#include <string>
#include <string_view>

#include "api/test_server.h"

namespace baton::api {

/// POST /leases for one environment; more: further members, each with its comma: `,"wait":"1m"`.
Reply acquire(TestServer& server, std::string_view environment, std::string_view holder,
              std::string_view more = "");
Reply renew(TestServer& server, const Reply& lease);

/// GET of the lease with this query over a connection of its own, by an operator.
std::future<Reply> ask_beside(TestServer& server, const Reply& lease, std::string_view query);
/// Until so many requests wait.
void until_waiting(TestServer& server, std::size_t count);

/// The path of an answered lease with what follows it.
std::string path_of(const Reply& lease, std::string_view rest = "");
/// {"fence":N} of an answered lease.
std::string fence_of(const Reply& lease);

}  // namespace baton::api
