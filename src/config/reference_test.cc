// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>

#include "config/config.h"

namespace baton::config {
namespace {

TEST(ConfigDocuments, schema_and_page_name_every_key) {
  const std::string schema = json_schema();
  const std::string page = reference_page();
  for (const char* key :
       {"listen", "retention", "attempt_timeout", "catch_up", "publish_results"}) {
    EXPECT_NE(schema.find(fmt::format("\"{}\": {{", key)), std::string::npos) << key;
    EXPECT_NE(page.find(key), std::string::npos) << key;
  }
  EXPECT_EQ(std::count(schema.begin(), schema.end(), '{'),
            std::count(schema.begin(), schema.end(), '}'));
}

}  // namespace
}  // namespace baton::config
