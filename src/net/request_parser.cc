// SPDX-License-Identifier: MIT
#include "net/request_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <limits>
#include <optional>

#include "net/text.h"
#include "net/url.h"

namespace baton::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using beast::http::field;
using Text = beast::string_view;

// No registered method is longer than 17 characters; more is not a request.
constexpr std::size_t kMethodMax = 32;
std::string to_string(Text text) { return {text.data(), text.size()}; }

/// Collects the callbacks of Beast's parser.
class Parser final : public beast::http::basic_parser<true> {
 public:
  Parser() {
    header_limit(std::numeric_limits<std::uint32_t>::max());  // HeadScanner's caller limits it
    body_limit(boost::none);                                  // BodyPolicy limits it
  }

  std::string method;
  std::string target;
  int version = 11;
  Headers headers;

 private:
  using Ec = beast::error_code&;
  void on_request_impl(beast::http::verb, Text name, Text path, int v, Ec) override {
    method = to_string(name);
    target = to_string(path);
    version = v;
  }
  void on_response_impl(int, Text, int, Ec) override {}
  void on_field_impl(field, Text name, Text value, Ec) override {
    headers.add(to_string(name), to_string(value));
  }
  void on_header_impl(Ec) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Ec) override {}
  std::size_t on_body_impl(Text, Ec) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, Text, Ec) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text, Ec) override { return 0; }
  void on_finish_impl(Ec) override {}
};

Result<void> check_no_folding(std::string_view raw) {
  for (std::size_t i = raw.find('\n'); i + 1 < raw.size(); i = raw.find('\n', i + 1)) {
    if (raw[i + 1] == ' ' || raw[i + 1] == '\t') {
      return fail(Code::invalid, "a header line begins with a blank (line folding)");
    }
  }
  return {};
}

bool is_host_char(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view{"-._~:[]%!$&'()*+;="}.find(c) != std::string_view::npos;
}

Result<void> check_host(const Parser& parser) {
  const auto hosts = parser.headers.all("Host");
  if (hosts.size() > 1) return fail(Code::invalid, "there are {} Host headers", hosts.size());
  if (hosts.empty()) {
    if (parser.version < 11) return {};
    return fail(Code::invalid, "the Host header is missing");
  }
  if (!std::all_of(hosts[0].begin(), hosts[0].end(), is_host_char)) {
    return fail(Code::invalid, "the Host header is not a host name");
  }
  return {};
}

/// Content-Length and Transfer-Encoding: how long the body is must have one reading only.
Result<void> read_framing(const Parser& parser, ParsedHead& parsed) {
  const auto lengths = parser.headers.all("Content-Length");
  const auto encodings = parser.headers.all("Transfer-Encoding");
  if (lengths.size() > 1 || encodings.size() > 1 || (!lengths.empty() && !encodings.empty())) {
    return fail(Code::invalid, "the length of the body is stated more than once");
  }
  if (!encodings.empty()) {
    if (parsed.http_1_0) return fail(Code::invalid, "Transfer-Encoding is not part of HTTP/1.0");
    if (!equal_no_case(encodings[0], "chunked")) {
      return fail(Code::invalid, "the only Transfer-Encoding understood is chunked");
    }
    parsed.chunked = true;
  }
  if (!lengths.empty()) {
    const std::string_view text = lengths[0];
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const bool digits = std::all_of(text.begin(), text.end(), is_digit);
    if (text.empty() || !digits || error != std::errc{} || end != text.data() + text.size()) {
      return fail(Code::invalid, "Content-Length is not a number");
    }
    parsed.head.content_length = length;
  }
  return {};
}

Result<void> read_expectation(const Parser& parser, ParsedHead& parsed) {
  const std::string* expect = parser.headers.find("Expect");
  if (expect == nullptr || parsed.http_1_0) return {};
  if (!equal_no_case(*expect, "100-continue")) {
    return fail(Code::invalid, "the only expectation understood is 100-continue");
  }
  parsed.expects_continue = true;
  return {};
}

Error malformed(const beast::error_code& ec) {
  return {Code::invalid, "the request is malformed: " + ec.message()};
}

}  // namespace

Result<std::size_t> HeadScanner::scan(std::string_view buffer) {
  for (; position_ < buffer.size(); ++position_) {
    const char c = buffer[position_];
    if (!is_control(c) || c == '\t') continue;
    if (c == '\r') {
      if (position_ == 0) return fail(Code::invalid, "the request begins with an empty line");
      if (position_ + 1 == buffer.size()) return 0;  // look again when the LF is there
      if (buffer[position_ + 1] != '\n') return fail(Code::invalid, "CR without LF");
      ++position_;
      const bool empty_line = position_ >= 3 && buffer.substr(position_ - 3, 2) == "\r\n";
      if (empty_line) return position_ + 1;
    } else {
      return fail(Code::invalid, "{}",
                  c == '\n' ? "LF without CR" : "a control byte in the header");
    }
  }
  return 0;
}

Result<ParsedHead> parse_head(std::string_view raw, std::size_t fields_max) {
  BATON_TRY_VOID(check_no_folding(raw));
  const auto lines = static_cast<std::size_t>(std::count(raw.begin(), raw.end(), '\n'));
  if (lines > fields_max + 2) {
    return fail(Code::too_large, "the request has more than {} header fields", fields_max);
  }
  Parser parser;
  beast::error_code ec;
  parser.eager(false);
  const std::size_t used = parser.put(asio::buffer(raw.data(), raw.size()), ec);
  if (ec) return tl::unexpected(malformed(ec));
  if (!parser.is_header_done() || used != raw.size()) {
    return fail(Code::invalid, "the request is malformed");
  }
  if (parser.method.size() > kMethodMax) return fail(Code::invalid, "the method is too long");
  BATON_TRY(target, parse_target(parser.target));
  ParsedHead parsed;
  parsed.http_1_0 = parser.version < 11;
  parsed.close = parsed.http_1_0 || !parser.keep_alive();
  BATON_TRY_VOID(check_host(parser));
  BATON_TRY_VOID(read_framing(parser, parsed));
  BATON_TRY_VOID(read_expectation(parser, parsed));
  parsed.head.method = std::move(parser.method);
  parsed.head.target = std::move(parser.target);
  parsed.head.path = std::move(target.path);
  parsed.head.segments = std::move(target.segments);
  parsed.head.query = std::move(target.query);
  parsed.head.headers = std::move(parser.headers);
  return parsed;
}

}  // namespace baton::net
