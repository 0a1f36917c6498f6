// SPDX-License-Identifier: MIT
#include "links/testkube_artifacts.h"

#include <gtest/gtest.h>

#include "links/testkube_for_test.h"

namespace baton::links {
namespace {

std::string url_of(std::string_view path) {
  ArtifactReading reading({}, {});
  return open_testkube_artifact(testkube_profile(), "e1", path, reading).url;
}

// What is given when these pieces arrive.
std::string read(ArtifactReading& reading, std::string& got,
                 const std::vector<std::string>& pieces) {
  const auto request = open_testkube_artifact(testkube_profile(), "e1", "a", reading);
  request.on_head(200, {});
  for (const std::string& piece : pieces)
    if (!request.on_data(piece)) break;
  return got;
}

TEST(TestkubeArtifacts, a_list_tells_their_states) {
  TestHttp http({answer(200, R"([{"name":"a/b.xml","size":7,"status":"ready"},)"
                             R"({"name":"c","size":-1,"status":"processing"},)"
                             R"({"name":"d","status":"failed"},{"name":"e"},{"size":3},null])")});
  const auto found = list_testkube_artifacts(testkube_profile(), http, "e1").value();
  EXPECT_EQ(http.calls()[0], "GET http://tk:8088/v1/test-workflow-executions/e1/artifacts");
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].path, "a/b.xml");
  EXPECT_EQ(found[0].size, 7);
  EXPECT_EQ(found[0].state, ArtifactState::ready);
  EXPECT_EQ(found[1].state, ArtifactState::processing);
  EXPECT_EQ(found[1].size, 0);
  EXPECT_EQ(found[2].state, ArtifactState::failed);
  EXPECT_EQ(found[3].state, ArtifactState::ready);
  EXPECT_TRUE(parse_testkube_artifacts("null").value().empty());
  EXPECT_TRUE(parse_testkube_artifacts("[]").value().empty());
  EXPECT_EQ(parse_testkube_artifacts("<html>").error().code, Code::unavailable);
}

TEST(TestkubeArtifacts, a_name_is_one_part_of_the_path_and_survives_two_decodings) {
  const std::string base = "http://tk:8088/v1/test-workflow-executions/e1/artifacts/";
  EXPECT_EQ(url_of("a/b.xml"), base + "a%2Fb.xml");
  EXPECT_EQ(url_of("a b+c%d"), base + "a%20b%252Bc%2525d");
  EXPECT_EQ(url_of("ü%2F"), base + "%C3%BC%25252F");
}

TEST(TestkubeArtifacts, a_range_drops_what_it_does_not_want) {
  const std::vector<std::string> pieces{"0123", "4567", "89"};
  const auto give = [&](ArtifactBytes wanted) {
    std::string got;
    ArtifactReading reading(wanted, [&](std::string_view bytes) {
      got += bytes;
      return true;
    });
    return read(reading, got, pieces);
  };
  EXPECT_EQ(give({}), "0123456789");
  EXPECT_EQ(give({.offset = 4}), "456789");
  EXPECT_EQ(give({.offset = 5}), "56789");
  EXPECT_EQ(give({.offset = 2, .length = 4}), "2345");
  EXPECT_EQ(give({.offset = 2, .length = 2}), "23");
  EXPECT_EQ(give({.offset = 9, .length = 9}), "9");
  EXPECT_EQ(give({.offset = 10}), "");
}

TEST(TestkubeArtifacts, it_is_complete_once_the_range_is_there) {
  std::string got;
  ArtifactReading reading({.offset = 1, .length = 2}, [&](std::string_view bytes) {
    got += bytes;
    return true;
  });
  read(reading, got, {"0123", "never"});
  EXPECT_EQ(got, "12");
  EXPECT_TRUE(reading.complete());
}

TEST(TestkubeArtifacts, a_refusal_is_not_taken_for_its_bytes) {
  std::string got;
  ArtifactReading reading({}, [&](std::string_view bytes) {
    got += bytes;
    return true;
  });
  const auto request = open_testkube_artifact(testkube_profile(), "e1", "a", reading);
  request.on_head(500, {});
  request.on_data("The specified key ");
  request.on_data("does not exist.");
  EXPECT_EQ(got, "");
  EXPECT_EQ(check_testkube_bytes("a", reading.status(), reading.refusal()).error().code,
            Code::unreachable);
}

TEST(TestkubeArtifacts, what_is_not_ready_comes_later_and_what_is_lost_never) {
  EXPECT_TRUE(check_testkube_artifact({"a", 1, ArtifactState::ready}));
  const auto later = check_testkube_artifact({"a", 1, ArtifactState::processing});
  EXPECT_EQ(later.error().code, Code::unavailable);
  for (const auto state : {ArtifactState::failed, ArtifactState::missing})
    EXPECT_EQ(check_testkube_artifact({"a", 1, state}).error().code, Code::unreachable);
  EXPECT_TRUE(check_testkube_bytes("a", 200, ""));
  EXPECT_EQ(check_testkube_bytes("a", 404, "").error().code, Code::unreachable);
  EXPECT_EQ(check_testkube_bytes("a", 500, "").error().code, Code::unreachable);
  EXPECT_EQ(check_testkube_bytes("a", 500, "server error").error().code, Code::unreachable);
  for (const int status : {502, 503, 504})
    EXPECT_EQ(check_testkube_bytes("a", status, "").error().code, Code::unavailable);
  EXPECT_EQ(check_testkube_bytes("a", 401, "").error().code, Code::unauthenticated);
}

}  // namespace
}  // namespace baton::links
