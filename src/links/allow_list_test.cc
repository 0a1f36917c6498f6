// SPDX-License-Identifier: MIT
#include "links/allow_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace baton::links {
namespace {

std::string normal(std::string_view url) {
  const auto parsed = parse_callback_url(url);
  return parsed ? parsed->text() : "refused";
}

Code code_of(std::string_view url, const std::vector<std::string>& allow) {
  const auto entry = allowed_by(url, allow);
  return entry ? Code{} : entry.error().code;
}

bool is_allowed(std::string_view url, const std::vector<std::string>& allow) {
  return allowed_by(url, allow).has_value();
}

TEST(AllowList, addresses_are_written_in_one_form) {
  EXPECT_EQ(normal("HTTPS://Dev.Azure.COM:443/Corp/"), "https://dev.azure.com/Corp/");
  EXPECT_EQ(normal("http://h:0080"), "http://h/");
  EXPECT_EQ(normal("http://h:8080?x=%zz"), "http://h:8080/?x=%zz");
  EXPECT_EQ(normal("https://h/%63%6frp/%c3%bc%2f"), "https://h/corp/%C3%BC%2F");
  EXPECT_EQ(normal("https://[2001:DB8:0::1]:444/a"), "https://[2001:db8::1]:444/a");
}

TEST(AllowList, what_servers_read_differently_is_refused) {
  for (const char* bad : {"",
                          "dev.azure.com/corp",
                          "ftp://h/",
                          "file:///etc/passwd",
                          "https:/h/",
                          "https://",
                          "https://user@h/",
                          "https://user:pw@h/corp",
                          "https://h@evil/",
                          "https://h\\@evil/",
                          "https://h/a#b",
                          "https://h/a b",
                          "https://h/a\tb",
                          "https://h/\xc3\xbc",
                          "https://h:0/",
                          "https://h:65536/",
                          "https://h:/",
                          "https://h:8x/",
                          "https://[::1/",
                          "https://[zz]/",
                          "https://h%2eevil/",
                          "https://h/%",
                          "https://h/%4",
                          "https://h/%00",
                          "https://h/a/../b",
                          "https://h/.",
                          "https://h/a/..",
                          "https://h/%2e%2E/b",
                          "https://h/.%2e/b",
                          "https://h/a/..;x/b",
                          "https://h/a%2f..%2fb",
                          "https://h/%252e%252e/b",
                          "https://h/a%5cb",
                          "https://h/a%0d%0ab"})
    EXPECT_EQ(normal(bad), "refused") << bad;
}

TEST(AllowList, an_entry_ends_at_a_path_boundary) {
  for (const char* entry : {"https://dev.azure.com/corp/", "https://dev.azure.com/corp"}) {
    const std::vector<std::string> allow{"https://other/", entry};
    EXPECT_TRUE(is_allowed("https://dev.azure.com/corp", allow));
    EXPECT_TRUE(is_allowed("https://dev.azure.com/corp/", allow));
    EXPECT_TRUE(is_allowed("https://DEV.azure.com:443/%63orp/a/b?c", allow));
    for (const char* bad : {"https://dev.azure.com/corporation/", "https://dev.azure.com/",
                            "http://dev.azure.com/corp/", "https://dev.azure.com:8443/corp/",
                            "https://dev.azure.com.evil/corp/", "https://dev.azure.com./corp/",
                            "https://dev.azure.com/CORP/"})
      EXPECT_EQ(code_of(bad, allow), Code::forbidden) << bad;
    EXPECT_EQ(code_of("https://dev.azure.com/corp/../x", allow), Code::forbidden);
    EXPECT_EQ(code_of("https://corp@dev.azure.com/corp/", allow), Code::forbidden);
    EXPECT_EQ(code_of("https://dev.azure.com/corp/%4", allow), Code::invalid);
  }
  EXPECT_TRUE(is_allowed("http://127.0.0.1:8080/x", {"http://127.0.0.1:8080"}));
  EXPECT_FALSE(is_allowed("http://127.0.0.1:8080/x", {}));
}

TEST(AllowList, entries_are_prefixes_without_a_query) {
  EXPECT_TRUE(parse_allow_entry("https://h/a/"));
  EXPECT_FALSE(parse_allow_entry("https://h/a?b"));
  EXPECT_FALSE(is_allowed("https://h/a?b", {"https://h/a?b"}));
}

TEST(AllowList, a_refusal_shows_no_password) {
  EXPECT_EQ(parse_callback_url("https://me:hunter2@h/").error().message.find("hunter2"),
            std::string::npos);
}

}  // namespace
}  // namespace baton::links
