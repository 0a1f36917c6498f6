// SPDX-License-Identifier: MIT
#include "links/allow_list.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/text.h"
#include "net/text.h"

namespace baton::links {
namespace {

// What a request line takes; longer ones are nobody's callback.
constexpr std::size_t kUrlMax = 4'000;
constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_unreserved(char c) {
  return net::is_digit(c) || net::is_alpha(c) ||
         std::string_view{"-._~"}.find(c) != std::string_view::npos;
}

// The byte of the escape at text[at], or nothing when there is none that is whole.
std::optional<char> escape_at(std::string_view text, std::size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return {};
  const int high = net::hex_value(text[at + 1]);
  const int low = net::hex_value(text[at + 2]);
  if (high < 0 || low < 0) return {};
  return static_cast<char>(high * 16 + low);
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = escape_at(text, i);
    out += byte.value_or(text[i]);
    if (byte) i += 2;
  }
  return out;
}

// Also "..;x", which some servers cut at the semicolon, and slashes that hide in escapes.
bool has_dot_segment(std::string_view path) {
  for (std::string_view segment : split(path, '/')) {
    segment = segment.substr(0, segment.find(';'));
    if (segment == "." || segment == "..") return true;
  }
  return false;
}

bool is_doubtful(std::string_view path) {
  std::string text{path};
  // Twice, for servers behind a proxy that decodes as well.
  for (int round = 0; round < 3; ++round) {
    if (has_dot_segment(text) || has_control_bytes(text) || text.find('\\') != std::string::npos)
      return true;
    text = decoded(text);
  }
  return false;
}

std::optional<std::string> normal_path(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out += path[i];
      continue;
    }
    const auto byte = escape_at(path, i);
    if (!byte) return {};
    if (is_unreserved(*byte)) {
      out += *byte;
    } else {
      const auto value = static_cast<unsigned char>(*byte);
      out += {'%', kHex[value >> 4], kHex[value & 15]};
    }
    i += 2;
  }
  return out;
}

// "host", "host:8080", "[::1]:8080" as host and ":8080"; an IPv6 address in its shortest form.
bool read_authority(std::string_view authority, std::string_view scheme, CallbackUrl& url) {
  std::string_view port;
  std::string shown;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    in6_addr address{};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const std::string inner{authority.substr(1, end - 1)};
    if (::inet_pton(AF_INET6, inner.c_str(), &address) != 1) return false;
    ::inet_ntop(AF_INET6, &address, text.data(), text.size());
    url.host = text.data();
    shown = "[" + url.host + "]";
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = to_lower(authority.substr(0, colon));
    shown = url.host;
    port = authority.substr(colon);
    for (const char c : url.host)
      if (!net::is_digit(c) && !net::is_alpha(c) && c != '-' && c != '.' && c != '_') return false;
    if (url.host.empty()) return false;
  }
  std::uint16_t number = 0;
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port[0] != ':' || error != std::errc{} || end != port.data() + port.size() || number == 0)
      return false;
  }
  url.origin = fmt::format("{}://{}", scheme, shown);
  if (number != 0 && number != (scheme == "https" ? 443 : 80))
    url.origin += fmt::format(":{}", number);
  return true;
}

tl::unexpected<Error> malformed(std::string_view url, std::string_view why) {
  return fail_with_fix(Code::invalid, "write it as https://HOST/PATH",
                       "\"{}\" cannot be called back: {}", to_valid_utf8(url.substr(0, 200)), why);
}

// Well formed, and written by nobody who means what it seems to say.
tl::unexpected<Error> refused(std::string_view url, std::string_view why) {
  return fail_with_fix(Code::forbidden, "write it as https://HOST/PATH",
                       "\"{}\" is not called back: {}", to_valid_utf8(url.substr(0, 200)), why);
}

}  // namespace

Result<CallbackUrl> parse_callback_url(std::string_view text) {
  if (text.size() > kUrlMax) return malformed(text, "it is too long");
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      return malformed(text, "it has a blank, a control byte or a byte beyond ASCII");
  if (text.find('\\') != std::string_view::npos) return malformed(text, "it has a backslash");
  if (text.find('#') != std::string_view::npos) return malformed(text, "it has a fragment");
  const std::size_t scheme_end = std::min(text.find("://"), text.size());
  const std::string scheme = to_lower(text.substr(0, scheme_end));
  if (scheme_end == text.size() || (scheme != "http" && scheme != "https"))
    return malformed(text, "it is no http or https address");
  const std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t path_at = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, path_at);
  if (authority.find('@') != std::string_view::npos)
    return refused("", "it has a user before its host");  // and maybe a password: not shown
  CallbackUrl url;
  if (!read_authority(authority, scheme, url)) return malformed(text, "its host or port is none");
  const std::size_t query_at = std::min(rest.find('?'), rest.size());
  url.query = rest.substr(query_at);
  const std::string_view path = rest.substr(path_at, query_at - path_at);
  auto normal = normal_path(path.empty() ? "/" : path);
  if (!normal) return malformed(text, "a percent sign is not followed by two digits");
  if (is_doubtful(*normal)) return refused(text, "its path has a dot segment or control byte");
  url.path = std::move(*normal);
  return url;
}

Result<CallbackUrl> parse_allow_entry(std::string_view entry) {
  BATON_TRY(url, parse_callback_url(entry));
  if (!url.query.empty())
    return fail_with_fix(Code::invalid, "end it before the question mark",
                         "\"{}\" is a prefix of addresses and cannot have a query", entry);
  return url;
}

Result<CallbackUrl> allowed_by(std::string_view text, std::span<const std::string> allow) {
  BATON_TRY(url, parse_callback_url(text));
  for (const std::string& each : allow) {
    auto entry = parse_allow_entry(each);
    if (!entry || entry->origin != url.origin) continue;
    std::string_view prefix = entry->path;
    while (prefix.ends_with('/')) prefix.remove_suffix(1);
    if (!url.path.starts_with(prefix)) continue;
    const std::string_view below = std::string_view{url.path}.substr(prefix.size());
    if (below.empty() || below.starts_with('/')) return *entry;
  }
  return fail_with_fix(Code::forbidden, "add it, or what it begins with, to the link's `allow`",
                       "{}{} is not an address that may be called back", url.origin, url.path);
}

}  // namespace baton::links
