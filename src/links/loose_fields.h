// SPDX-License-Identifier: MIT
#pragma once
// The fields of POST /gates from callers that have nothing but texts: the parameters of a query,
// the metadata of a Flagger webhook. Pure.
#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace baton::links {

/// `subject` and `labels` become objects when they are JSON texts; the rest stays as it is.
/// Errors: invalid (a text that begins like JSON and is none).
Result<boost::json::object> loosen(boost::json::object fields);

/// Without what is no field but said to the route: wait, access_token.
/// Errors: invalid (a name twice, as loosen).
Result<boost::json::object> fields_of_query(const std::vector<net::Parameter>& query);

/// The body of a request, "" for an empty object.  Errors: invalid (no JSON object).
Result<boost::json::object> object_of_body(std::string_view body);

}  // namespace baton::links
