// SPDX-License-Identifier: MIT
#include "cli/simple.h"

#include <boost/json.hpp>
#include <charconv>

#include "cli/connection.h"

namespace baton::cli {
namespace {

Result<boost::json::value> send(const Invocation& invocation, const std::string& method,
                                const std::string& path, boost::json::value body) {
  BATON_TRY(api, connect(invocation));
  client::Call call;
  call.method = method;
  call.path = path;
  call.body = std::move(body);
  BATON_TRY(reply, api.call(call));
  return std::move(reply.body);
}

}  // namespace

int get_and_print(const Invocation& invocation, std::string_view what, const std::string& path,
                  const std::vector<Column>& columns) {
  const auto document = send(invocation, "GET", path, nullptr);
  if (!document) return report(what, document.error());
  print(invocation.output, *document, columns);
  if (const std::string cursor = text_at(*document, "next_cursor");
      !cursor.empty() && invocation.output == Output::table)
    say("more: --cursor " + cursor);
  return kOk;
}

int get_and_print_object(const Invocation& invocation, std::string_view what,
                         const std::string& path, const std::vector<Column>& columns) {
  return send_and_print(invocation, what, "GET", path, nullptr, columns);
}

int send_and_print(const Invocation& invocation, std::string_view what, const std::string& method,
                   const std::string& path, boost::json::value body,
                   const std::vector<Column>& columns) {
  const auto document = send(invocation, method, path, std::move(body));
  if (!document) return report(what, document.error());
  if (!document->is_null()) print_object(invocation.output, *document, columns);
  return kOk;
}

Result<std::int64_t> run_argument(const Invocation& invocation) {
  const std::string& text = invocation.arguments.at(0);
  std::int64_t id = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (bad != std::errc{} || end != text.data() + text.size() || id <= 0)
    return fail_with_fix(Code::invalid, "baton runs ls", "\"{}\" is no run id", text);
  return id;
}

Result<std::optional<std::int64_t>> number_of(const Invocation& invocation, std::string_view flag) {
  const std::string text = invocation.value(flag);
  if (text.empty()) return std::optional<std::int64_t>{};
  std::int64_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (bad != std::errc{} || end != text.data() + text.size() || value < 1)
    return fail_with_fix(Code::invalid, fmt::format("{} 100", flag),
                         "{} \"{}\" is not a number from 1", flag, text);
  return std::optional{value};
}

Result<boost::json::object> pairs_of(const Invocation& invocation, std::string_view flag) {
  boost::json::object object;
  for (const std::string& pair : invocation.all(flag)) {
    const std::size_t at = pair.find('=');
    if (at == std::string::npos || at == 0)
      return fail_with_fix(Code::invalid, fmt::format("{} key=value", flag),
                           "{} \"{}\" has no key and value", flag, pair);
    object[pair.substr(0, at)] = pair.substr(at + 1);
  }
  return object;
}

int delete_path(const Invocation& invocation, std::string_view what, const std::string& path) {
  const auto document = send(invocation, "DELETE", path, nullptr);
  return document ? kOk : report(what, document.error());
}

}  // namespace baton::cli
