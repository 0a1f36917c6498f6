// SPDX-License-Identifier: MIT
// Output as it was written: of an attempt, of the suite itself, or of the whole run.
#include "api/handlers.h"
#include "api/lookup.h"
#include "api/pieces.h"
#include "api/reply.h"
#include "api/submit.h"
#include "net/url.h"
#include "store/case_table.h"

namespace baton::api {
namespace {

// Beyond this a log is streamed in pieces instead of being held.
constexpr std::int64_t kPiece = 1 << 20;
constexpr const char* kType = "text/plain; charset=utf-8";

// Which part of which log is asked for.
struct LogQuery {
  RunId run{};
  store::LogSelection selection;
  std::optional<std::int64_t> from_line;
  std::optional<std::int64_t> lines;
};

// Without `attempt`: the test's newest one.
Result<int> attempt_of(store::Session& session, const Call& call, RunId run,
                       std::string_view test) {
  BATON_TRY(number, integer_query(call, "attempt", 0, INT32_MAX));
  if (test.empty()) {
    if (number.value_or(0) != 0)
      return fail(Code::invalid, "attempt={} needs a test", *number);
    return 0;
  }
  BATON_TRY(item, store::read_case(session, run, test));
  if (!item) return fail(Code::not_found, "run {} has no test \"{}\"", raw(run), test);
  if (!number) return item->attempts.empty() ? 1 : item->attempts.back().number;
  for (const model::Attempt& attempt : item->attempts)
    if (attempt.number == *number) return attempt.number;
  return fail(Code::not_found, "test \"{}\" has no attempt {}", test, *number);
}

Result<LogQuery> log_query(Context& context, const Call& call) {
  return read(context, [&](store::Session& session) -> Result<LogQuery> {
    LogQuery query;
    BATON_TRY(row, find_run(session, call.args[0]));
    query.run = row.run.id;
    const std::string* test = call.request.parameter("test");
    query.selection.whole_run = test == nullptr;
    query.selection.test = test != nullptr ? *test : "";
    BATON_TRY(attempt, attempt_of(session, call, query.run, query.selection.test));
    query.selection.attempt = attempt;
    BATON_TRY(from_line, integer_query(call, "from_line", 1, INT64_MAX));
    BATON_TRY(lines, integer_query(call, "lines", 0, INT64_MAX));
    query.from_line = from_line;
    query.lines = lines;
    return query;
  });
}

// The bytes of the range, a piece per call.
NextPiece pieces_of(Context& context, LogQuery query, net::ByteRange range) {
  const auto first = static_cast<std::int64_t>(range.first);
  return [&context, query = std::move(query), at = first,
          end = first + static_cast<std::int64_t>(range.length)]() mutable -> Result<std::string> {
    if (at == end) return std::string{};
    BATON_TRY(piece, context.streams.log_bytes(query.run, query.selection, at,
                                               std::min(kPiece, end - at)));
    if (piece.empty())
      return fail(Code::unavailable, "the log of run {} ends before its size", raw(query.run));
    at += static_cast<std::int64_t>(piece.size());
    return std::move(piece);
  };
}

// The bytes of the range: at once when they are few, else bit by bit.
boost::asio::awaitable<Answer> send_range(Context& context, LogQuery query,
                                          net::ByteRange range) {
  net::Response response;
  response.headers.set("Content-Type", kType);
  if (range.length > static_cast<std::uint64_t>(kPiece)) {
    response.body = pieces_body(context, pieces_of(context, std::move(query), range));
    co_return response;
  }
  auto bytes = co_await context.disk.run<Result<std::string>>([&context, &query, &range] {
    return context.streams.log_bytes(query.run, query.selection,
                                     static_cast<std::int64_t>(range.first),
                                     static_cast<std::int64_t>(range.length));
  });
  if (!bytes) co_return tl::unexpected(bytes.error());
  response.body = *std::move(bytes);
  co_return response;
}

boost::asio::awaitable<Answer> send_lines(Context& context, LogQuery query) {
  auto found = co_await context.disk.run<Result<store::LogLines>>([&context, &query] {
    return context.streams.log_lines(query.run, query.selection, query.from_line.value_or(1),
                                     *query.lines);
  });
  if (!found) co_return tl::unexpected(found.error());
  net::Response response = net::reply(200, kType, std::move(found->text));
  response.headers.set("Baton-First-Line", std::to_string(found->first_line));
  response.headers.set("Baton-Next-Line", std::to_string(found->next_line));
  co_return response;
}

}  // namespace

Async get_log(Context& context, Call& call) {
  auto query = log_query(context, call);
  if (!query) co_return tl::unexpected(query.error());
  if (query->lines) {
    auto lines = co_await send_lines(context, *query);
    co_return lines;
  }
  // What is there now; a live log goes on growing.
  struct Extent {
    std::int64_t size;
    std::int64_t first;
  };
  auto extent = co_await context.disk.run<Result<Extent>>([&]() -> Result<Extent> {
    BATON_TRY(size, context.streams.log_size(query->run, query->selection));
    if (!query->from_line) return Extent{size.bytes, 0};
    BATON_TRY(first,
              context.streams.line_offset(query->run, query->selection, *query->from_line));
    return Extent{size.bytes, first};
  });
  if (!extent) co_return tl::unexpected(extent.error());
  const auto size = static_cast<std::uint64_t>(extent->size);
  net::ByteRange range{static_cast<std::uint64_t>(extent->first),
                       size - static_cast<std::uint64_t>(extent->first)};
  const std::string_view header = call.request.headers.get("Range");
  std::optional<net::ByteRange> wanted;
  if (!header.empty() && !query->from_line) {
    auto parsed = net::parse_range(header, size);
    if (!parsed) {
      net::Response refused = problem(call.request, parsed.error(), 416);
      refused.headers.set("Content-Range", fmt::format("bytes */{}", size));
      co_return refused;
    }
    wanted = *parsed;
    if (wanted) range = *wanted;
  }
  auto answer = co_await send_range(context, *query, range);
  if (answer && wanted) {
    answer->status = 206;
    answer->headers.set("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                     range.first + range.length - 1, size));
  }
  if (answer) answer->headers.set("Accept-Ranges", "bytes");
  co_return answer;
}

}  // namespace baton::api
