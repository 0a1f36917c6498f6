// SPDX-License-Identifier: MIT
#pragma once
// The API described from its own route table: OpenAPI 3.1 for programs, Markdown for people
// (docs/reference/http-api.md, which a test compares with this).
#include <string>
#include <string_view>

namespace baton::api {

std::string openapi_json(std::string_view version);
std::string reference_markdown();

}  // namespace baton::api
