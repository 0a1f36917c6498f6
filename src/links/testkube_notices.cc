// SPDX-License-Identifier: MIT
#include "links/testkube_notices.h"

#include <boost/json.hpp>
#include <charconv>

#include "links/peer.h"
#include "links/testkube_api.h"

namespace baton::links {
namespace {

using Kind = TestkubeNotice::Kind;

std::int64_t number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0 ? number : 0;
}

// The events have names; the lines of old agents are known by what they hold.
Kind kind_of(std::string_view event, const Json& data) {
  if (event == "ready") return Kind::ready;
  if (event == "resume_unavailable") return Kind::resume_unavailable;
  if (event == "log" || (event.empty() && !data.text("log").empty())) return Kind::log;
  if (event == "result" || (event.empty() && data.has("result"))) return Kind::result;
  return Kind::other;
}

bool is_end(const Json& data) {
  const Json& result = data.has("result") ? data.object("result") : data;
  const auto execution =
      parse_testkube_execution(fmt::format(R"({{"id":"-","result":{}}})", result.to_text()));
  return execution && execution->finished;
}

}  // namespace

TestkubeNotices::TestkubeNotices(std::function<void(const TestkubeNotice&)> on_notice)
    : on_notice_(std::move(on_notice)),
      parser_([this](const net::SseEvent& event) { read(event); }) {}

bool TestkubeNotices::feed(std::string_view bytes) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    // A line of bare JSON becomes the data of an event.
    if (at_line_start_ && bytes[i] == '{') {
      if (!parser_.feed(bytes.substr(from, i - from)) || !parser_.feed("data: ")) return false;
      from = i;
    }
    at_line_start_ = bytes[i] == '\n';
  }
  return parser_.feed(bytes.substr(from));
}

void TestkubeNotices::read(const net::SseEvent& event) {
  const Json data(event.data);
  TestkubeNotice notice;
  notice.kind = kind_of(event.event, data);
  // The number of an event stays that of later ones which have none of their own.
  if (event.id != last_id_) notice.seq = number_of(event.id);
  last_id_ = event.id;
  notice.is_bare = event.event.empty() && event.id.empty();
  notice.is_passing = data.is_true("temporary") || (notice.seq == 0 && !notice.is_bare);
  if (notice.kind == Kind::log) notice.text = data.text("log");
  if (notice.kind == Kind::result) notice.is_end = is_end(data);
  on_notice_(notice);
}

}  // namespace baton::links
