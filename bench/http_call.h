// SPDX-License-Identifier: MIT
#pragma once
// A client of HTTP that costs next to nothing: one connection that stays open, each answer awaited.
#include <cstdint>
#include <string>
#include <string_view>

namespace baton::bench {

/// Ends the program: a benchmark has nothing to go on with.
[[noreturn]] void give_up(const std::string& what);

/// A connection to a port of 127.0.0.1.
class Line {
 public:
  explicit Line(const std::string& port);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  void send(std::string_view bytes);
  /// What has come, with more of it.
  std::string& more();
  /// Until `end`, which is taken, too.
  std::string until(std::string_view end);
  std::string bytes(std::size_t count);

 private:
  int fd_;
  std::string in_;
};

class Http {
 public:
  Http(const std::string& port, std::string token) : line_(port), token_(std::move(token)) {}

  /// The body of the answer; one of 300 and more ends the program.
  std::string call(std::string_view method, const std::string& path, const std::string& body);
  /// Reads a body however long it is, keeps nothing, and returns its length.
  std::uint64_t drain(const std::string& path);
  int status = 0;

 private:
  std::string ask(std::string_view method, const std::string& path, const std::string& body);

  Line line_;
  std::string token_;
};

/// A member of a JSON object as it is written, without the quotes of a text.
std::string member(const std::string& json, const std::string& name);

}  // namespace baton::bench
