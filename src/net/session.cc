// SPDX-License-Identifier: MIT
// The sequence of a session: head, admission, body, handler, response, and again.
#include "net/session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "net/response_head.h"
#include "net/text.h"

namespace baton::net {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kRequestIdMax = 128;
// What a request counts against its connection's turn, in bytes: 64 pipelined ones are a turn.
constexpr std::size_t kRequestBurst = 64 * 1024;

bool is_sane_id(std::string_view id) {
  constexpr std::string_view kAllowed = "-_.:/+=@";
  if (id.empty() || id.size() > kRequestIdMax) return false;
  for (const char c : id) {
    if (!is_alpha(c) && !is_digit(c) && kAllowed.find(c) == std::string_view::npos) return false;
  }
  return true;
}

void log_uncaught(std::string_view where, std::string_view request_id, std::string_view what) {
  log::error("bug.uncaught", {{"where", where}, {"req", request_id}, {"what", what}});
}

}  // namespace

Session::Session(Worker& worker, int socket, std::string peer)
    : worker_(worker),
      shared_(worker.shared),
      limits_(worker.shared.options.limits),
      socket_(worker.context, socket),
      transport_(shared_.tls ? shared_.tls->make_transport(socket) : make_plain_transport(socket)),
      peer_(std::move(peer)),
      timer_(worker.context) {
  worker_.sessions.insert(this);
  if (draining()) become_late();
}

Session::~Session() {
  worker_.sessions.erase(this);
  transport_.reset();
  boost::system::error_code ignored;
  socket_.close(ignored);  // before it is counted as closed, so that its descriptor is free then
  const std::lock_guard lock(shared_.mutex);
  --shared_.open;
  if (late_) --shared_.late;
  if (shared_.open == shared_.late) shared_.closed.notify_all();
}

asio::awaitable<void> Session::run(std::shared_ptr<Session> self) {
  try {
    bool go_on = co_await self->shake_hands();
    while (go_on) go_on = co_await self->serve_one();
  } catch (const std::exception& e) {
    log_uncaught("connection", "", e.what());
  }
  self->close();
}

asio::awaitable<bool> Session::serve_one() {
  std::size_t size = 0;
  Exchange exchange;
  Refused refused = co_await read_head(size);
  idle_ = fresh_ = false;
  exchange.started = Clock::now();
  if (refused.status == 0 && size == 0) co_return false;  // closed, idle too long, or draining
  if (burst_ += kRequestBurst; !in_.empty()) co_await take_turns(0);

  Request request;
  Response response;
  auto parsed = Result<ParsedHead>(ParsedHead{});
  if (refused.status == 0) {
    parsed = parse_head(std::string_view{in_}.substr(0, size), limits_.header_fields);
    if (!parsed) {
      const int status = parsed.error().code == Code::too_large ? 431 : 400;
      refused = {status, std::move(parsed).error()};
    }
  }
  if (refused.status != 0) {
    ++shared_.counters.malformed;
    exchange.request_id = worker_.ids.make("req_");
    exchange.close = exchange.linger = true;
    response = problem(refused.status, refused.error, exchange);
  } else {
    in_.erase(0, size);
    complete(request, *parsed);
    exchange.method = request.method;
    exchange.target = request.target;
    exchange.request_id = request.request_id;
    exchange.http_1_0 = parsed->http_1_0;
    exchange.close = parsed->close;
    response = co_await answer(std::move(request), std::move(*parsed), exchange);
    if (response.status == 0) co_return false;  // the client went while it sent its body
  }
  if (timed_out_) exchange.linger = false;  // it was given its time already
  expire_at(Clock::time_point::max());
  const bool sent = co_await send(std::move(response), exchange);
  if (sent && (exchange.linger || (exchange.close && !in_.empty()))) co_await linger();
  if (sent && exchange.close) transport_->finish_writing();
  co_return sent && !exchange.close;
}

/// Fills `in_` up to the end of a head and states its size.
asio::awaitable<Session::Refused> Session::read_head(std::size_t& size) {
  HeadScanner scanner;
  idle_ = in_.empty();
  if (idle_ && draining() && !late_) co_return Refused{};
  const auto begin = Clock::now();
  expire_at(begin + (idle_ ? limits_.idle_timeout : limits_.header_timeout));
  while (true) {
    const auto found = scanner.scan(in_);
    if (!found) co_return Refused{400, found.error()};
    size = *found;
    if (size > limits_.header_bytes || (size == 0 && in_.size() >= limits_.header_bytes)) {
      co_return Refused{431, {Code::too_large, "the request's header is too long"}};
    }
    if (size > 0) break;
    const bool more = co_await read_more();
    if (!more) {
      if (!timed_out_ || in_.empty()) co_return Refused{};
      ++shared_.counters.timeouts;
      co_return Refused{408, {Code::timeout, "the request's header did not arrive in time"}};
    }
    if (std::exchange(idle_, false)) expire_at(Clock::now() + limits_.header_timeout);
  }
  deadline_ = Clock::time_point::max();
  co_return Refused{};
}

/// Adds to the parsed head what only the connection knows.
void Session::complete(Request& request, ParsedHead& parsed) {
  static_cast<RequestHead&>(request) = std::move(parsed.head);
  request.peer = peer_;
  request.tls = shared_.tls != nullptr;
  const std::string* id = request.headers.find("X-Request-Id");
  request.request_id = id != nullptr && is_sane_id(*id) ? *id : worker_.ids.make("req_");
  request.caller = caller();
}

/// The response of the hook, the server or the handler; status 0 when there is nobody to answer.
asio::awaitable<Response> Session::answer(Request request, ParsedHead parsed, Exchange& exchange) {
  ++shared_.counters.requests;
  Admission admission = admit(request);
  const bool has_body = parsed.chunked || request.content_length.value_or(0) > 0;
  if (admission.refusal) {
    exchange.linger = has_body;
    exchange.close = exchange.close || has_body;
    co_return std::move(*admission.refusal);
  }
  request.context = std::move(admission.context);
  if (has_body) {
    const Refused refused = co_await read_body(request, parsed, admission.body);
    deadline_ = Clock::time_point::max();
    if (refused.status != 0) {
      exchange.close = exchange.linger = true;
      co_return problem(refused.status, refused.error, exchange);
    }
    if (gone_) {
      Response nobody;
      nobody.status = 0;
      co_return nobody;
    }
  }
  Response response = co_await call_handler(std::move(request), exchange);
  co_return response;
}

Admission Session::admit(const RequestHead& head) {
  if (!shared_.admit) return {};
  Admission refused;
  try {
    return shared_.admit(head);
  } catch (const std::exception& e) {
    log_uncaught("admission", head.request_id, e.what());
  } catch (...) {
    log_uncaught("admission", head.request_id, "not a std::exception");
  }
  refused.refusal = shared_.problem(500, {Code::internal, "an internal error"}, head);
  return refused;
}

asio::awaitable<Response> Session::call_handler(Request request, const Exchange& exchange) {
  Response response;
  try {
    response = co_await shared_.handler(std::move(request));
    co_return response;
  } catch (const std::exception& e) {
    log_uncaught("handler", exchange.request_id, e.what());
  } catch (...) {
    log_uncaught("handler", exchange.request_id, "not a std::exception");
  }
  co_return problem(500, {Code::internal, "an internal error"}, exchange);
}

Response Session::problem(int status, const Error& error, const Exchange& exchange) {
  RequestHead head;
  head.method = exchange.method;
  head.target = exchange.target;
  head.path = exchange.target.substr(0, exchange.target.find('?'));
  head.request_id = exchange.request_id;
  return shared_.problem(status, error, head);
}

}  // namespace baton::net
