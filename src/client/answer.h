// SPDX-License-Identifier: MIT
#pragma once
// What a server's answer says, read without trust: a member that is missing or of another kind is
// empty or 0. Pure.
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace baton::client {

std::string text_of(const boost::json::value& document, std::string_view key);
std::int64_t number_of(const boost::json::value& document, std::string_view key);

}  // namespace baton::client
