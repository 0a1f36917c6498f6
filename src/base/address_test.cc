// SPDX-License-Identifier: MIT
#include "base/address.h"

#include <gtest/gtest.h>

namespace baton {
namespace {

using namespace std::string_view_literals;

TEST(Address, loopback_is_what_no_name_server_is_asked_for) {
  for (const auto host : {"localhost", "127.0.0.1", "127.255.255.254", "127.1.2.3", "::1", "[::1]"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
}

TEST(Address, what_only_looks_like_loopback_is_not) {
  for (const auto host :
       {""sv, "127."sv, "127.1"sv, "127.evil.example"sv, "127.0.0.1.example"sv, "127.0.0.256"sv,
        "127.0.0.1:80"sv, "0.0.0.0"sv, "128.0.0.1"sv, "10.127.0.1"sv, "[::1]evil"sv, "[::1"sv,
        "::2"sv, "localhost.example"sv, "x.localhost"sv, "LOCALHOST"sv, " 127.0.0.1"sv,
        "127.0.0.1\0.example"sv})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

}  // namespace
}  // namespace baton
