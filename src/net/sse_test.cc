// SPDX-License-Identifier: MIT
#include "net/sse.h"

#include <gtest/gtest.h>

#include <vector>

namespace baton::net {
namespace {

std::vector<SseEvent> read_all(std::string_view stream, std::size_t step) {
  std::vector<SseEvent> events;
  SseParser parser([&](const SseEvent& event) { events.push_back(event); });
  for (std::size_t i = 0; i < stream.size(); i += step) {
    EXPECT_TRUE(parser.feed(stream.substr(i, step)));
  }
  return events;
}

TEST(Sse, an_event_reads_back_in_pieces_of_every_size) {
  const std::string stream = sse_format({"log", "one\ntwo\r\nthree\r\rfive", "7.1"}) +
                             sse_comment("still here") + sse_format({"", "", "8"});
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    const auto events = read_all(stream, step);
    ASSERT_EQ(2U, events.size()) << step;
    EXPECT_EQ("log", events[0].event);
    EXPECT_EQ("one\ntwo\nthree\n\nfive", events[0].data);
    EXPECT_EQ("7.1", events[0].id);
    EXPECT_EQ("", events[1].data);
    EXPECT_EQ("8", events[1].id);
  }
}

TEST(Sse, no_field_can_begin_another) {
  const auto events =
      read_all(sse_format({"a\nid: evil", "x\n\nevent: evil", "1\r\ndata: evil"}), 9);
  ASSERT_EQ(1U, events.size());
  EXPECT_EQ("aid: evil", events[0].event);
  EXPECT_EQ("x\n\nevent: evil", events[0].data);
  EXPECT_EQ("1data: evil", events[0].id);
}

TEST(Sse, every_line_end_counts_and_the_byte_order_mark_does_not) {
  const std::string stream =
      "\xef\xbb\xbf"
      "data:a\rdata: b\r\ndata:  c\n\r\ndata\n\n";
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    const auto events = read_all(stream, step);
    ASSERT_EQ(2U, events.size()) << step;
    EXPECT_EQ("a\nb\n c", events[0].data);
    EXPECT_EQ("", events[1].data);
  }
}

TEST(Sse, an_event_without_data_is_none_but_its_id_stays) {
  SseParser parser([](const SseEvent&) { ADD_FAILURE(); });
  EXPECT_TRUE(parser.feed("event: x\nid: 4\n\nretry: 1500\nretry: 2s\nunknown: y\n\ndata: cut"));
  EXPECT_EQ("4", parser.last_id());
  EXPECT_EQ(1500U, parser.retry_ms());
}

TEST(Sse, an_endless_event_ends_the_parser) {
  SseParser parser([](const SseEvent&) { ADD_FAILURE(); }, 1000);
  EXPECT_FALSE(parser.feed("data: " + std::string(2000, 'x')));
  EXPECT_FALSE(parser.feed("\n\n"));
}

TEST(Sse, many_lines_of_one_event_have_a_limit_together) {
  SseParser parser([](const SseEvent&) { ADD_FAILURE(); }, 1000);
  bool alive = true;
  for (int i = 0; i < 100 && alive; ++i) alive = parser.feed("data: 0123456789012345\n");
  EXPECT_FALSE(alive);
}

}  // namespace
}  // namespace baton::net
