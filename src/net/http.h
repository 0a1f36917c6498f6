// SPDX-License-Identifier: MIT
#pragma once
// Requests and responses of HTTP/1.1 as plain values; what a handler sees and returns.
// Owned by whoever holds them. A request arrives complete (its body is read), on the thread of its
// connection; the handler's response leaves on the same thread. Nothing here does I/O.
#include <any>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/file.h"
#include "net/await.h"

namespace baton::net {

struct Header {
  std::string name;
  std::string value;
};

/// Header fields in the order of arrival; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  void add(std::string name, std::string value);
  /// Replaces every field of that name.
  void set(std::string name, std::string value);
  void erase(std::string_view name);
  /// The first value, or null.
  const std::string* find(std::string_view name) const;
  /// The first value, or "".
  std::string_view get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;

  bool empty() const { return fields_.empty(); }
  std::size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Header> fields_;
};

/// One `name=value` of a query, decoded (`+` is a space).
struct Parameter {
  std::string name;
  std::string value;
};

/// All of a request but its body.
struct RequestHead {
  std::string method;                 // "GET"; any token may arrive
  std::string target;                 // as sent: "/runs/7/log?test=a%20b"
  std::string path;                   // the raw path of the target: "/runs/7/log"
  std::vector<std::string> segments;  // the path's parts, percent-decoded each: {"runs","7","log"}
  std::vector<Parameter> query;       // decoded, in order, repeats kept
  Headers headers;
  std::string peer;  // "127.0.0.1:40422", "unix"
  bool tls = false;
  std::string request_id;                       // X-Request-Id when it is sane, else made
  std::optional<std::uint64_t> content_length;  // empty for chunked bodies and for none

  /// The first value of that query parameter, or null.
  const std::string* parameter(std::string_view name) const;
};

/// A body that went to a file (BodyPolicy::spill); the file has no name and vanishes with the Fd.
struct SpilledBody {
  Fd file;  // readable from offset 0
  std::uint64_t size = 0;
};

struct Request : RequestHead {
  std::string body;  // empty when spilled
  std::optional<SpilledBody> spilled;
  Caller caller;     // gone()? draining()? for Gate::wait
  std::any context;  // what Admission::context carried, for example who asks
};

class Sink;

/// `length` bytes of an open file from `offset`.
struct FileBody {
  Fd file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// Writes the body bit by bit; the response ends when it returns. Kept alive while it runs.
using StreamBody = std::function<boost::asio::awaitable<void>(Sink)>;

struct Response {
  int status = 200;
  Headers headers;  // Date, Content-Length, Connection, X-Request-Id are added by the server
  std::variant<std::string, FileBody, StreamBody> body;
  bool close = false;  // end the connection after this response
};

/// A response with `content_type` and a body.
Response reply(int status, std::string content_type, std::string body);
/// A body-less response: 204, 304, redirects.
Response reply(int status);

/// The writing end of a streamed response. A copyable handle, for the connection's thread only.
/// g++ 12: never build a struct with braces inside of a co_await expression (its members would be
/// destroyed twice); make it a local first.
class Sink {
 public:
  /// Sends `bytes`, waiting while the client's window is full, at most Limits::write_stall without
  /// progress. False when the client is gone (or too slow: then it was disconnected); stop writing.
  /// Nothing is buffered beyond this call.
  boost::asio::awaitable<bool> write(std::string bytes);
  /// Resumes when the client is gone or the server drains.
  boost::asio::awaitable<void> wait_gone();
  bool gone() const;
  /// Gives the body up: the connection is cut, so that the client sees that it is not whole.
  void cut();
  /// For Gate::wait(…, sink.caller()).
  Caller caller() const;

  class Port;  // the connection's side, net/sink.h
  explicit Sink(std::shared_ptr<Port> port) : port_(std::move(port)) {}

 private:
  std::shared_ptr<Port> port_;
};

/// Beyond this an ordinary JSON request is a mistake; uploads state their own limit.
inline constexpr std::uint64_t kBodyMaxDefault = 1 << 20;

struct BodyPolicy {
  std::uint64_t max_bytes = kBodyMaxDefault;  // beyond: 413, before or while the body is read
  bool spill = false;                         // to a nameless file in `spill_folder`
  std::string spill_folder = "/tmp";
};

/// The answer of the hook that sees a request before its body is read.
struct Admission {
  BodyPolicy body = {};
  std::optional<Response> refusal = {};  // sent at once, and the body is not read (401, 404, …)
  std::any context = {};                 // handed on as Request::context
};

using Handler = std::function<boost::asio::awaitable<Response>(Request)>;
/// Called on the connection's thread for every request; must not block for long.
using Admit = std::function<Admission(const RequestHead&)>;

}  // namespace baton::net
