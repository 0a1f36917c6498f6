// SPDX-License-Identifier: MIT
#include "api/openapi.h"

#include <algorithm>
#include <set>
#include <vector>

#include "api/route.h"
#include "api/schemas.h"
#include "base/text.h"
#include "wire/json_writer.h"

namespace baton::api {
namespace {

bool is_media_type(std::string_view name) { return name.find('/') != std::string_view::npos; }

// "…/artifacts/{path...}" → "…/artifacts/{path}": OpenAPI has no form for the rest of a path.
std::string openapi_path(std::string_view pattern) {
  std::string path{pattern};
  if (const std::size_t at = path.find("...}"); at != std::string::npos) path.erase(at, 3);
  return path;
}

std::vector<std::string> path_parameters(std::string_view pattern) {
  std::vector<std::string> names;
  const std::string path = openapi_path(pattern);
  for (const std::string_view part : split(path, '/'))
    if (part.starts_with('{')) names.emplace_back(part.substr(1, part.size() - 2));
  return names;
}

std::vector<QueryParameter> query_of(const Route& route) {
  std::vector<QueryParameter> found;
  if (route.query.empty()) return found;
  for (const std::string_view name : split(route.query, ' '))
    for (const QueryParameter& parameter : query_parameters())
      if (parameter.name == name) found.push_back(parameter);
  return found;
}

// "get_api_v1_runs_id"
std::string operation_id(const Route& route) {
  std::string id = to_lower(route.method);
  for (const char c : openapi_path(route.pattern)) {
    if (c == '/' || c == '.' || c == '-') id += '_';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_') id += c;
  }
  return id;
}

void write_parameters(wire::JsonWriter& out, const Route& route) {
  out.key("parameters").begin_array();
  for (const std::string& name : path_parameters(route.pattern)) {
    out.begin_object().field("name", name).field("in", "path").field("required", true);
    out.key("schema").raw(R"({"type":"string"})").end_object();
  }
  for (const QueryParameter& parameter : query_of(route)) {
    out.begin_object().field("name", parameter.name).field("in", "query");
    out.field("description", parameter.description).key("schema").begin_object();
    out.field("type", parameter.type).end_object().end_object();
  }
  if (route.method == "POST") {
    out.begin_object().field("name", "Idempotency-Key").field("in", "header");
    out.field("description", "the same key and body get the same answer, for 24 h").key("schema");
    out.raw(R"({"type":"string","maxLength":255})").end_object();
  }
  if (route.method == "PUT" && route.body == Body::json) {
    out.begin_object().field("name", "If-Match").field("in", "header");
    out.field("description", "change only what has this ETag (412 otherwise)").key("schema");
    out.raw(R"({"type":"string"})").end_object();
    out.begin_object().field("name", "If-None-Match").field("in", "header");
    out.field("description", "*: make it only when there is none (412 otherwise)").key("schema");
    out.raw(R"({"type":"string"})").end_object();
  }
  out.end_array();
}

void write_content(wire::JsonWriter& out, std::string_view shape) {
  out.key("content").begin_object();
  if (is_media_type(shape)) {
    out.key(shape).begin_object().key("schema").raw(R"({"type":"string"})").end_object();
  } else {
    out.key("application/json").begin_object().key("schema").begin_object();
    out.field("$ref", "#/components/schemas/" + std::string{shape}).end_object().end_object();
  }
  out.end_object();
}

void write_responses(wire::JsonWriter& out, const Route& route) {
  out.key("responses").begin_object();
  const auto success = [&](int status, std::string_view description) {
    out.key(std::to_string(status)).begin_object().field("description", description);
    if (!route.response.empty()) write_content(out, route.response);
    out.end_object();
  };
  success(route.status, route.summary);
  if (route.may_make) success(201, "It was made; Location says where");
  out.key("default").begin_object().field("description", "what went wrong");
  out.key("content").begin_object().key("application/problem+json").begin_object();
  out.key("schema").raw(R"({"$ref":"#/components/schemas/Problem"})");
  out.end_object().end_object().end_object().end_object();
}

void write_operation(wire::JsonWriter& out, const Route& route) {
  out.key(to_lower(route.method)).begin_object();
  out.field("operationId", operation_id(route)).field("summary", route.summary);
  out.field("x-baton-scope", name_of(route.access));
  write_parameters(out, route);
  if (!route.request.empty()) {
    out.key("requestBody").begin_object();
    write_content(out, route.request);
    out.end_object();
  } else if (route.body == Body::report) {
    out.key("requestBody").begin_object().field("required", true);
    write_content(out, "application/octet-stream");
    out.end_object();
  }
  write_responses(out, route);
  if (route.access == Access::open) {
    out.key("security").raw("[]");
  } else {
    out.key("security").raw(R"([{"bearer":[]},{"key":[]},{"basic":[]}])");
  }
  out.end_object();
}

std::string_view body_words(const Route& route) {
  switch (route.body) {
    case Body::none: return "";
    case Body::json: return "JSON, at most 1 MiB";
    case Body::records: return "records, at most 32 MiB";
    case Body::webhook: return "JSON, at most 25 MiB";
    case Body::report: return "the file, or several as multipart/form-data; at most 256 MiB";
    case Body::artifact: return "the file, at most 1 GiB";
  }
  return "";
}

}  // namespace

std::string openapi_json(std::string_view version) {
  wire::JsonWriter out;
  out.begin_object().field("openapi", "3.1.0");
  out.key("info").begin_object().field("title", "Baton").field("version", version);
  out.field("description", "Runs end-to-end suites and remembers their results.");
  out.key("license").raw(R"({"name":"MIT","identifier":"MIT"})").end_object();
  out.key("paths").begin_object();
  std::set<std::string> written;
  for (const Route& route : routes()) {
    const std::string path = openapi_path(route.pattern);
    if (!written.insert(path).second) continue;
    out.key(path).begin_object();
    for (const Route& other : routes())
      if (openapi_path(other.pattern) == path) write_operation(out, other);
    out.end_object();
  }
  out.end_object().key("components").begin_object();
  out.key("securitySchemes").begin_object();
  out.key("bearer").raw(R"({"type":"http","scheme":"bearer"})");
  out.key("basic").raw(R"({"type":"http","scheme":"basic","description":"the token as password"})");
  out.key("key").raw(R"({"type":"apiKey","in":"header","name":"X-API-KEY"})").end_object();
  out.key("schemas").begin_object();
  for (const Schema& schema : schemas()) out.key(schema.name).raw(schema.json);
  return out.end_object().end_object().end_object().take();
}

std::string reference_markdown() {
  std::string out =
      "# HTTP API\n\n"
      "Written from the route table (`src/api/routes.cc`); a test compares the two. The same for\n"
      "programs is `/openapi.json`. Conventions (errors, lists, waiting, repeating) are in\n"
      "[HTTP conventions](http-conventions.md).\n";
  for (const Route& route : routes()) {
    out += fmt::format("\n## {} {}\n\n{}.\n\n", route.method, openapi_path(route.pattern),
                       route.summary);
    out += fmt::format("- scope: {}\n", name_of(route.access));
    if (const auto words = body_words(route); !words.empty())
      out += fmt::format("- body: {}{}\n", words,
                         route.request.empty() ? "" : fmt::format(" (`{}`)", route.request));
    for (const QueryParameter& parameter : query_of(route))
      out += fmt::format("- `?{}=` {}\n", parameter.name, parameter.description);
    out += fmt::format("- answer: {}{}{}\n", route.status,
                       route.may_make ? ", 201 when it was made:" : "",
                       route.response.empty() ? "" : fmt::format(" `{}`", route.response));
  }
  out += "\n## Shapes\n\nOne example of each; `/openapi.json` has the schemas.\n";
  for (const Schema& schema : schemas()) {
    const std::string_view json = schema.json;
    const std::size_t at = json.find("\"examples\":[");
    if (at == std::string_view::npos) continue;
    // The example ends where its array does: the array is the last field of the schema.
    std::string_view example = json.substr(at + 12);
    example = example.substr(0, example.rfind("]}"));
    std::string flat;
    for (const std::string_view line : split(example, '\n')) flat += trim(line);
    out += fmt::format("\n### {}\n\n```json\n{}\n```\n", schema.name, flat);
  }
  return out;
}

}  // namespace baton::api
