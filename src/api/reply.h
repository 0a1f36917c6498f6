// SPDX-License-Identifier: MIT
#pragma once
// Building answers: JSON, problems, lists with their cursor and Link header, entity tags; and the
// query parameters that many routes share.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/route.h"
#include "base/time.h"
#include "wire/json_writer.h"
#include "wire/page.h"

namespace baton::api {

inline constexpr int kPageDefault = 50;
inline constexpr int kPageMax = 500;
/// Proxies cut idle requests at 60 s.
inline constexpr Duration kWaitMax{60'000};

net::Response json_reply(int status, std::string body);
/// The one way from an Error to a response.  status: 0 = the code's own.
net::Response problem(const net::RequestHead& head, const Error& error, int status = 0);

/// A page of a list under construction: {items:[…],next_cursor?} and the Link header.
class Page {
 public:
  Page(const Context& context, const Call& call);
  wire::JsonWriter& items() { return out_; }
  /// Ends the items early, for fields of the list itself.
  wire::JsonWriter& end_items();
  /// Ends the page; `next`: the encoded cursor of the next one.
  net::Response finish(const std::optional<std::string>& next);

 private:
  const Call& call_;
  wire::JsonWriter out_;
  bool items_ended_ = false;
};

/// Of a list of which one more than `limit` items were asked for: drops that one, and gives the
/// cursor of the next page, `key` of the last item that stays; nothing on the last page.
template <class T, class Key>
std::optional<std::string> cut_page(std::vector<T>& found, int limit, Key key) {
  if (std::cmp_less_equal(found.size(), limit)) return std::nullopt;
  found.pop_back();
  return wire::encode_cursor(std::invoke(key, found.back()));
}

/// `?limit=`: 50 when absent; beyond 500 it is 500.  Errors: invalid.
Result<int> page_limit(const Call& call);
/// `?cursor=` of a list whose key is an integer, or not set.  Errors: invalid.
Result<std::optional<std::int64_t>> integer_cursor(const Call& call);
/// The same of a list whose key is a text.
Result<std::optional<std::string>> text_cursor(const Call& call);

/// `?wait=25s`: 0 when absent, at most kWaitMax.  Errors: invalid.
Result<Duration> wait_of(const Call& call);
/// A query parameter that is a whole number.  Errors: invalid.
Result<std::optional<std::int64_t>> integer_query(const Call& call, std::string_view name,
                                                  std::int64_t min, std::int64_t max);
/// "true"/"1"/"" or "false"/"0"; `absent` when it is not there.  Errors: invalid.
Result<bool> flag_query(const Call& call, std::string_view name, bool absent = false);
/// `?label=key=value`, each of them.  Errors: invalid.
Result<std::vector<std::pair<std::string, std::string>>> label_queries(const Call& call);
/// The run id of the path.  Errors: not_found (what is no number is no run).
Result<RunId> run_id_of(std::string_view text);

/// 304 when If-None-Match names the tag; else nothing.
std::optional<net::Response> not_modified(const Call& call, const std::string& etag);
/// What a change is bound to: the headers If-Match and If-None-Match.
struct Preconditions {
  std::string if_match;
  std::string if_none_match;
};
Preconditions preconditions_of(const Call& call);
/// Against the present tag ("" when the thing does not exist).
/// Errors: conflict, to be answered with 412.
Result<void> check(const Preconditions& preconditions, const std::string& etag);

/// The `fix` of what check(Preconditions) gives; dispatch answers it with status 412.
inline constexpr std::string_view kPreconditionFix =
    "read it again and repeat the change with the new ETag";

}  // namespace baton::api
