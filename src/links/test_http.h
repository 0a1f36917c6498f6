// SPDX-License-Identifier: MIT
#pragma once
// For the tests of this room: a network that records what is sent and answers from a script.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "links/http.h"

namespace baton::links {

using Answer = Result<net::HttpResponse>;

inline Answer answer(int status, std::string body = {}, net::Headers headers = {}) {
  return net::HttpResponse{status, std::move(headers), std::move(body)};
}
/// The connection is lost before the answer.
inline Answer no_answer() { return fail(Code::unreachable, "connection reset"); }

/// Answers by `on_send`, if it is set, else with `answers` one after the other; when they are over,
/// with 599, so that a call too many fails the test by its count.
class TestHttp final : public Http {
 public:
  TestHttp() = default;
  explicit TestHttp(std::vector<Answer> script) : answers(std::move(script)) {}

  Answer send(net::HttpRequest request) override {
    sent.push_back(request);
    if (on_send) return on_send(request);
    const std::size_t index = sent.size() - 1;
    return index < answers.size() ? answers[index] : answer(599, "the script is over");
  }

  /// "POST https://…" of each call.
  std::vector<std::string> calls() const {
    std::vector<std::string> lines;
    for (const net::HttpRequest& request : sent)
      lines.push_back(request.method + " " + request.url);
    return lines;
  }

  std::vector<net::HttpRequest> sent;
  std::vector<Answer> answers;
  std::function<Answer(const net::HttpRequest&)> on_send;
};

}  // namespace baton::links
