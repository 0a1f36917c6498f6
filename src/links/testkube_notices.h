// SPDX-License-Identifier: MIT
#pragma once
// The notifications of a Testkube execution, read from a stream of server-sent events, or, as old
// agents send it, of bare lines of JSON. Pure; takes pieces of any size. What a connection loses in
// the middle of a notice is not seen at all: it comes again when the stream is resumed.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "net/sse.h"

namespace baton::links {

struct TestkubeNotice {
  enum class Kind {
    log,
    result,
    ready,               // all that had happened before was told
    resume_unavailable,  // everything comes again from the start
    other                // heartbeats, outputs
  };
  Kind kind = Kind::other;
  std::int64_t seq = 0;     // its place in the stream; 0 = it has none
  bool is_bare = false;     // of a stream without numbers
  bool is_passing = false;  // says so itself, or has no number where others have: not repeated
  bool is_end = false;      // of a result: the execution has finished
  std::string text;         // of a log
};

class TestkubeNotices {
 public:
  explicit TestkubeNotices(std::function<void(const TestkubeNotice&)> on_notice);
  TestkubeNotices(const TestkubeNotices&) = delete;
  TestkubeNotices& operator=(const TestkubeNotices&) = delete;
  /// False when a notice is too long to be one.
  bool feed(std::string_view bytes);

 private:
  void read(const net::SseEvent& event);

  std::function<void(const TestkubeNotice&)> on_notice_;
  net::SseParser parser_;
  std::string last_id_;
  bool at_line_start_ = true;
};

}  // namespace baton::links
