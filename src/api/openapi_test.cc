// SPDX-License-Identifier: MIT
#include "api/openapi.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <set>

#include "api/route.h"
#include "api/schema_check.h"
#include "api/schemas.h"
#include "base/file.h"
#include "base/text.h"

namespace baton::api {
namespace {

namespace json = boost::json;

json::value description() { return json::parse(openapi_json("1.2.3")); }

std::string path_of(const Route& route) {
  std::string path{route.pattern};
  if (const std::size_t at = path.find("...}"); at != std::string::npos) path.erase(at, 3);
  return path;
}

TEST(OpenApi, describes_every_route_and_nothing_else) {
  const json::value document = description();
  EXPECT_EQ(document.at("openapi").as_string(), "3.1.0");
  std::size_t operations = 0;
  std::set<std::string> ids;
  for (const auto& path : document.at("paths").as_object()) {
    operations += path.value().as_object().size();
    for (const auto& operation : path.value().as_object())
      ids.emplace(operation.value().at("operationId").as_string());
  }
  EXPECT_EQ(operations, routes().size());
  EXPECT_EQ(ids.size(), routes().size()) << "operation ids are unique";
  for (const Route& route : routes()) {
    const json::value& operation =
        document.at("paths").at(path_of(route)).at(to_lower(route.method));
    EXPECT_EQ(operation.at("summary").as_string(), route.summary);
    EXPECT_TRUE(operation.at("responses").as_object().contains(std::to_string(route.status)));
    EXPECT_EQ(operation.at("security").as_array().empty(), route.access == Access::open);
  }
}

TEST(OpenApi, every_name_in_the_table_is_described) {
  std::set<std::string_view> shapes;
  for (const Schema& schema : schemas()) shapes.insert(schema.name);
  std::set<std::string_view> parameters;
  for (const QueryParameter& parameter : query_parameters()) parameters.insert(parameter.name);
  std::set<std::string_view> used;
  for (const Route& route : routes()) {
    for (const std::string_view shape : {route.request, route.response})
      EXPECT_TRUE(shape.empty() || shape.find('/') != std::string_view::npos ||
                  shapes.contains(shape))
          << shape;
    if (route.query.empty()) continue;
    for (const std::string_view name : split(route.query, ' ')) {
      EXPECT_TRUE(parameters.contains(name)) << name;
      used.insert(name);
    }
  }
  EXPECT_EQ(used, parameters) << "no parameter is described in vain";
}

TEST(OpenApi, every_example_fits_its_schema) {
  const json::value document = description();
  for (const Schema& schema : schemas()) {
    const json::value& component = document.at("components").at("schemas").at(schema.name);
    const json::value* examples = component.as_object().if_contains("examples");
    ASSERT_NE(examples, nullptr) << schema.name;
    for (const json::value& example : examples->as_array())
      EXPECT_EQ(violation(document, schema.name, example), "") << schema.name;
  }
}

TEST(OpenApi, the_checker_finds_violations) {
  const json::value document = description();
  EXPECT_NE(violation(document, "RunRequest", json::parse(R"({"suite":"a","x":1})")), "");
  EXPECT_NE(violation(document, "RunRequest", json::parse(R"({"filter":"a"})")), "");
  EXPECT_NE(violation(document, "RunRequest", json::parse(R"({"suite":7})")), "");
  EXPECT_NE(violation(document, "RunList", json::parse(R"({"items":[{}]})")), "");
}

TEST(OpenApi, the_reference_page_is_up_to_date) {
  const auto page = read_file(BATON_SOURCE_DIR "/docs/reference/http-api.md");
  ASSERT_TRUE(page) << page.error().message;
  // BATON_WRITE_DOCS=1 api_test --gtest_filter=OpenApi.* writes it anew.
  if (getenv("BATON_WRITE_DOCS") != nullptr) {
    ASSERT_TRUE(replace_file(BATON_SOURCE_DIR "/docs/reference/http-api.md",
                             reference_markdown()));
    return;
  }
  EXPECT_EQ(*page, reference_markdown()) << "the route table changed; write the page anew";
}

}  // namespace
}  // namespace baton::api
