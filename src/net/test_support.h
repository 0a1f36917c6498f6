// SPDX-License-Identifier: MIT
#pragma once
// For the tests of this room: a client that sends exactly the bytes it is told, and a running
// server.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "net/server.h"

namespace baton::net {

using asio_response = boost::asio::awaitable<Response>;

/// Long for a machine, short for a person: what a test waits before it calls something stuck.
inline constexpr std::chrono::seconds kPatience{20};

/// One connection; every read has kPatience.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  explicit RawClient(const std::string& unix_path);

  void send(std::string_view bytes);
  /// One byte per write.
  void send_slowly(std::string_view bytes);
  /// Up to the end of one response by its Content-Length or last chunk. "" when closed before.
  std::string read_response(bool head_only = false);
  /// Up to and with `end`; what came when the connection closes before.
  std::string read_until(std::string_view end);
  /// All until the server closes; ADD_FAILURE when it does not.
  std::string read_to_end();
  bool is_closed_by_server();
  /// FIN; reading goes on.
  void shutdown_write();
  /// RST.
  void reset();
  void close() { socket_.reset(); }
  int fd() const { return socket_.get(); }

 private:
  bool fill();
  Fd socket_;
  std::string buffer_;
};

int status_of(std::string_view response);
/// What follows the empty line.
std::string_view body_of(std::string_view response);

/// Waits until `condition` holds; false after kPatience.
bool eventually(const std::function<bool()>& condition);

/// Options on a free port of 127.0.0.1.
ServerOptions local_options();
/// Starts or fails the test.
std::unique_ptr<Server> serve(Handler handler, ServerOptions options = local_options(),
                              Admit admit = {});
/// Answers "METHOD path body".
Handler echo();

/// A folder that is removed with its content.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  std::string operator/(std::string_view name) const { return path_ + '/' + std::string{name}; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace baton::net
