// SPDX-License-Identifier: MIT
// Reading the body of a request, into memory or a file, within its policy and at a minimum rate.
#include <unistd.h>

#include <algorithm>

#include "base/nameless_file.h"
#include "net/chunk_decoder.h"
#include "net/session.h"

namespace baton::net {

namespace asio = boost::asio;

namespace {

/// Memory reserved on the word of a client alone.
constexpr std::uint64_t kReserveMax = 256 * 1024;

Result<void> store(Request& request, std::string_view bytes) {
  if (!request.spilled) {
    request.body += bytes;
    return {};
  }
  request.spilled->size += bytes.size();
  return write_all(request.spilled->file.get(), bytes);
}

Error too_large(std::uint64_t max) {
  return {Code::too_large, fmt::format("the body is longer than {} bytes", max)};
}

}  // namespace

/// `received` more bytes have come: they earn time by the minimum rate, at most a grace beyond the
/// first.
void Session::expect_body(Clock::time_point& paid_until, std::uint64_t received) {
  constexpr std::uint64_t kMicroseconds = 1'000'000;
  const auto rate = std::max<std::uint64_t>(limits_.body_bytes_per_second, 1);
  const auto earned = std::min(received, 3'600 * rate) * kMicroseconds / rate;
  paid_until = std::min(paid_until + std::chrono::microseconds(earned),
                        Clock::now() + 2 * limits_.body_grace);
  expire_at(paid_until);
}

asio::awaitable<Session::Refused> Session::read_body(Request& request, const ParsedHead& parsed,
                                                     const BodyPolicy& policy) {
  const std::uint64_t size = request.content_length.value_or(0);
  if (size > policy.max_bytes) co_return Refused{413, too_large(policy.max_bytes)};
  if (policy.spill) {
    auto file = make_nameless_file(policy.spill_folder);
    if (!file) co_return Refused{503, std::move(file).error()};
    request.spilled = SpilledBody{std::move(*file), 0};
  } else {
    request.body.reserve(std::min(size, kReserveMax));
  }
  if (parsed.expects_continue && in_.empty()) {
    const bool sent = co_await write_all("HTTP/1.1 100 Continue\r\n\r\n");
    if (!sent) co_return Refused{};
  }
  Refused refused;
  if (parsed.chunked) {
    refused = co_await read_chunked(request, policy);
  } else {
    refused = co_await read_sized(request, size, policy);
  }
  if (request.spilled) ::lseek(request.spilled->file.get(), 0, SEEK_SET);
  if (timed_out_) {
    ++shared_.counters.timeouts;
    co_return Refused{408, {Code::timeout, "the body did not arrive in time"}};
  }
  co_return refused;
}

asio::awaitable<Session::Refused> Session::read_sized(Request& request, std::uint64_t size,
                                                      const BodyPolicy&) {
  auto paid_until = Clock::now() + limits_.body_grace;
  auto take = static_cast<std::size_t>(std::min<std::uint64_t>(size, in_.size()));
  auto stored = store(request, std::string_view{in_}.substr(0, take));
  in_.erase(0, take);
  std::uint64_t received = take;
  while (stored && received < size) {
    expect_body(paid_until, take);
    const std::size_t count = co_await read_scratch();
    if (count == 0) co_return Refused{};
    take = static_cast<std::size_t>(std::min<std::uint64_t>(size - received, count));
    stored = store(request, {worker_.scratch.data(), take});
    in_.append(worker_.scratch.data() + take, count - take);
    received += take;
  }
  if (!stored) co_return Refused{503, std::move(stored).error()};
  co_return Refused{};
}

asio::awaitable<Session::Refused> Session::read_chunked(Request& request,
                                                        const BodyPolicy& policy) {
  auto paid_until = Clock::now() + limits_.body_grace;
  ChunkDecoder decoder(policy.max_bytes);
  std::string piece;
  while (true) {
    piece.clear();
    const auto used = decoder.decode(in_, piece);
    if (!used && used.error().code == Code::too_large) {
      co_return Refused{413, too_large(policy.max_bytes)};
    }
    if (!used) {
      ++shared_.counters.malformed;
      co_return Refused{400, used.error()};
    }
    in_.erase(0, *used);
    auto stored = store(request, piece);
    if (!stored) co_return Refused{503, std::move(stored).error()};
    if (decoder.done()) co_return Refused{};
    expect_body(paid_until, *used);
    const bool more = co_await read_more();
    if (!more) co_return Refused{};
  }
}

}  // namespace baton::net
