// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "links/gocd.h"
#include "links/peer.h"
#include "links/peer_for_test.h"
#include "net/multipart.h"

namespace baton::links {
namespace {

using model::ErrorClass;
using Kind = Outcome::Kind;

constexpr const char* kUpload = R"({"pipeline":"shop","counter":"latest","stage":"test",
    "stage_counter":1,"job":"e2e","path":"out/junit \"x\".xml","source":"junit.xml"})";
constexpr const char* kUrl = "https://gocd/go/files/shop/latest/test/1/e2e/out/junit%20%22x%22.xml";
// Of "junit.xml", the bytes of the artifact.
constexpr const char* kSha1 = "?sha1=%2B03OKX9MDNPKwL9aU4r%2F9%2FbVHlw%3D";
constexpr const char* kAppend = R"({"method":"PUT",
    "path":"/go/files/shop/1/test/1/e2e/cruise-output/console.log"})";

model::LinkProfile profile() { return profile_of(model::LinkKind::gocd, "https://gocd"); }

Outcome deliver(std::string_view op, const char* fields, TestHttp& http, std::string memo = "{}") {
  Message message = message_of(op, fields);
  message.delivery.memo = std::move(memo);
  return find_adapter(model::LinkKind::gocd, op)(message, profile(), http);
}
Outcome upload(TestHttp& http, std::string memo = "{}") {
  return deliver("artifact", kUpload, http, std::move(memo));
}

std::string read_all(const net::HttpRequest& request) {
  std::string all;
  char buffer[7];
  while (const std::size_t count = request.body_reader(buffer, sizeof buffer))
    all.append(buffer, count);
  return all;
}

TEST(GocdUpload, sends_a_form_when_the_file_is_not_there) {
  TestHttp http;
  std::string body;
  http.on_send = [&](const net::HttpRequest& request) {
    if (request.method == "GET") return answer(404);
    body = read_all(request);
    EXPECT_EQ(request.body_reader_size, body.size());
    return answer(201);
  };
  EXPECT_EQ(upload(http).kind, Kind::delivered);
  ASSERT_EQ(http.calls(), (std::vector<std::string>{std::string("GET ") + kUrl + kSha1,
                                                    std::string("POST ") + kUrl}));
  const net::Headers& headers = http.sent[1].headers;
  EXPECT_EQ(headers.get("X-GoCD-Confirm"), "true");
  EXPECT_EQ(headers.get("X-Go-Artifact-Size"), "9");
  const auto parts = net::parse_multipart(headers.get("Content-Type"), body);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 1U);
  EXPECT_EQ(parts->front().name, "file");
  EXPECT_EQ(parts->front().content, "junit.xml");
}

TEST(GocdUpload, of_a_file_that_is_there_is_done) {
  TestHttp http({answer(304)});
  EXPECT_EQ(upload(http).kind, Kind::delivered);
  TestHttp other({answer(200, "something else")});
  EXPECT_EQ(upload(other).error_class, ErrorClass::rejected);
  EXPECT_EQ(other.sent.size(), 1U);
}

TEST(GocdUpload, whose_answer_was_lost_is_compared_before_it_is_repeated) {
  TestHttp taken({answer(404), no_answer(), answer(304)});
  EXPECT_EQ(upload(taken).kind, Kind::delivered);
  TestHttp half({answer(404), no_answer(), no_answer()});
  Outcome outcome = upload(half);
  EXPECT_EQ(outcome.kind, Kind::again);
  TestHttp writing({answer(200)});
  outcome = upload(writing, outcome.memo);
  EXPECT_EQ(outcome.kind, Kind::again);
  TestHttp broken({answer(200)});
  EXPECT_EQ(upload(broken, outcome.memo).kind, Kind::dead);
}

TEST(GocdUpload, that_is_refused_because_the_file_exists_is_compared) {
  const Answer exists = answer(403, "File out/junit.xml already exists.");
  TestHttp same({answer(404), exists, answer(304)});
  EXPECT_EQ(upload(same).kind, Kind::delivered);
  TestHttp other({answer(404), exists, answer(200)});
  EXPECT_EQ(upload(other).error_class, ErrorClass::rejected);
}

TEST(GocdUpload, that_is_refused_says_why) {
  TestHttp large({answer(404), answer(413)});
  EXPECT_EQ(upload(large).error_class, ErrorClass::rejected);
  TestHttp job({answer(404), answer(404, "Job shop/1/test/1/e2e not found.")});
  EXPECT_EQ(upload(job).error_class, ErrorClass::rejected);
  TestHttp failing({answer(404), answer(500)});
  EXPECT_EQ(upload(failing).kind, Kind::again);
  TestHttp forbidden({answer(404), answer(403, "no permission")});
  EXPECT_EQ(upload(forbidden).error_class, ErrorClass::auth);

  Message message = message_of("artifact", kUpload);
  message.open_artifact = [](const std::string&) -> Result<ArtifactFile> {
    return fail(Code::not_found, "there is none");
  };
  TestHttp none;
  EXPECT_EQ(gocd::upload(message, profile(), none).error_class, ErrorClass::rejected);
  message.open_artifact = [](const std::string&) -> Result<ArtifactFile> {
    return fail(Code::unavailable, "not ready yet");
  };
  EXPECT_EQ(gocd::upload(message, profile(), none).kind, Kind::again);
  for (const Code code : {Code::unprocessable, Code::too_large}) {
    message.open_artifact = [code](const std::string&) -> Result<ArtifactFile> {
      return fail(code, "no attempt would help");
    };
    EXPECT_EQ(gocd::upload(message, profile(), none).kind, Kind::dead);
  }
}

TEST(GocdUpload, takes_paths_that_stay_below_the_job) {
  EXPECT_FALSE(gocd::read_upload(R"({"pipeline":"p","counter":1,"stage":"s","stage_counter":1,
      "job":"j","path":"../x","source":"y"})"));
  EXPECT_FALSE(gocd::read_upload(R"({"pipeline":"p","counter":1,"stage":"s","stage_counter":1,
      "job":"..","path":"x","source":"y"})"));
}

/// A file of GoCD that appends as GoCD does.
struct AppendedFile {
  std::string content;
  bool loses_answers = false;
  int appends = 0;
  std::size_t read = 0;  // bytes that were asked for, all answers together

  Answer operator()(const net::HttpRequest& request) {
    if (request.method == "PUT") {
      ++appends;
      content += "body";
      return loses_answers ? no_answer() : answer(200);
    }
    const net::Headers headers{{"Content-Length", std::to_string(content.size())}};
    EXPECT_EQ(request.total_timeout, net::kForever);  // a long log takes as long as it takes
    if (!request.on_head(200, headers)) return fail(Code::gone, "cancelled");
    read += content.size();
    request.on_data(content);
    return answer(200);
  }
};

TEST(GocdRelay, an_append_is_made_once_although_its_answer_is_lost) {
  AppendedFile file{"before", true};
  TestHttp http;
  http.on_send = [&](const net::HttpRequest& request) { return file(request); };
  const Outcome noted = deliver("relay_files", kAppend, http);
  EXPECT_EQ(noted.memo, R"({"size":6})");
  EXPECT_TRUE(noted.is_progress);
  EXPECT_EQ(deliver("relay_files", kAppend, http, noted.memo).kind, Kind::again);
  EXPECT_EQ(deliver("relay_files", kAppend, http, noted.memo).kind, Kind::delivered);
  EXPECT_EQ(file.appends, 1);
}

TEST(GocdRelay, an_append_does_not_cost_the_whole_file) {
  AppendedFile file{std::string(1'000, 'x')};
  TestHttp http;
  http.on_send = [&](const net::HttpRequest& request) { return file(request); };
  for (int i = 0; i < 3; ++i) {
    const Outcome noted = deliver("relay_files", kAppend, http);
    EXPECT_EQ(deliver("relay_files", kAppend, http, noted.memo).kind, Kind::delivered);
  }
  EXPECT_EQ(file.appends, 3);
  EXPECT_EQ(file.read, 0U);
}

TEST(GocdRelay, what_others_append_meanwhile_does_not_hide_that_ours_is_missing) {
  AppendedFile file{"before and more"};
  TestHttp http;
  http.on_send = [&](const net::HttpRequest& request) { return file(request); };
  EXPECT_EQ(deliver("relay_files", kAppend, http, R"({"size":6})").kind, Kind::delivered);
  EXPECT_EQ(file.appends, 1);
  EXPECT_EQ(http.sent.back().headers.get("X-GoCD-Confirm"), "true");
  EXPECT_TRUE(http.sent.back().body_file.starts_with("/proc/self/fd/"));
}

TEST(GocdRelay, a_file_that_is_not_there_has_no_size) {
  TestHttp http({answer(404)});
  EXPECT_EQ(deliver("relay_files", kAppend, http).memo, R"({"size":0})");
}

TEST(GocdRelay, a_form_that_was_taken_before_is_compared) {
  constexpr const char* kPost = R"({"method":"POST","path":"/go/files/p/1/s/1/j/a.txt",
      "query":"attempt=1","content_type":"multipart/form-data; boundary=b"})";
  Message message = message_of("relay_files", kPost);
  message.open_artifact = [](const std::string& path) -> Result<ArtifactFile> {
    EXPECT_EQ(path, "body");
    return artifact_of(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
        "junit.xml\r\n--b--\r\n");
  };
  TestHttp http({answer(403, "File a.txt already exists."), answer(304)});
  EXPECT_EQ(gocd::relay_files(message, profile(), http).kind, Kind::delivered);
  EXPECT_EQ(http.sent[0].url, "https://gocd/go/files/p/1/s/1/j/a.txt?attempt=1");
  EXPECT_EQ(http.sent[0].headers.get("Content-Type"), "multipart/form-data; boundary=b");
  EXPECT_EQ(http.sent[1].url, std::string("https://gocd/go/files/p/1/s/1/j/a.txt") + kSha1);
  TestHttp other({answer(403, "File a.txt already exists."), answer(200)});
  EXPECT_EQ(gocd::relay_files(message, profile(), other).kind, Kind::dead);
}

TEST(GocdRelay, reaches_nothing_but_files) {
  for (const char* path : {"/go/api/x", "/go/files/../api/x", "/go/files/a/%2e%2e/b",
                           "/go/files/a?x=1", "/go/files/a%2Fb"})
    EXPECT_FALSE(gocd::read_relay(fmt::format(R"({{"method":"PUT","path":"{}"}})", path))) << path;
  EXPECT_FALSE(gocd::read_relay(R"({"method":"DELETE","path":"/go/files/a"})"));
}

}  // namespace
}  // namespace baton::links
