// SPDX-License-Identifier: MIT
#pragma once
// For tests: checks a JSON value against a schema of /openapi.json (the keywords that it uses).
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace baton::api {

/// The first violation as "pointer: what", "" when the value fits. schema_name: a component.
std::string violation(const boost::json::value& description, std::string_view schema_name,
                      const boost::json::value& value);

}  // namespace baton::api
