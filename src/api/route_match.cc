// SPDX-License-Identifier: MIT
#include "api/route.h"
#include "base/text.h"

namespace baton::api {
namespace {

bool is_argument(std::string_view part) { return part.starts_with('{'); }
bool is_rest(std::string_view part) { return part.ends_with("...}"); }

// Whether the segments fit the pattern; `args` gets what its {…} stand for.
bool fits(std::string_view pattern, std::span<const std::string> segments,
          std::vector<std::string>& args) {
  args.clear();
  pattern.remove_prefix(1);
  std::size_t i = 0;
  for (;;) {
    const std::size_t slash = pattern.find('/');
    const std::string_view part = pattern.substr(0, slash);
    if (i >= segments.size()) return false;
    if (is_rest(part)) {
      std::string rest;
      for (; i < segments.size(); ++i) rest += (rest.empty() ? "" : "/") + segments[i];
      args.push_back(std::move(rest));
      return true;
    }
    if (is_argument(part)) {
      if (segments[i].empty()) return false;
      args.push_back(segments[i]);
    } else if (part != segments[i]) {
      return false;
    }
    ++i;
    if (slash == std::string_view::npos) return i == segments.size();
    pattern.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string_view name_of(Access access) {
  switch (access) {
    case Access::open: return "none";
    case Access::viewer: return "viewer";
    case Access::operator_: return "operator";
    case Access::admin: return "admin";
    case Access::runner: return "runner";
  }
  return "admin";
}

Match match(std::string_view method, std::span<const std::string> segments) {
  if (method == "HEAD") method = "GET";
  Match found;
  std::vector<std::string> args;
  for (const Route& route : routes()) {
    if (!fits(route.pattern, segments, args)) continue;
    // A literal path wins over a pattern because the table lists it first.
    if (route.method == method && found.route == nullptr) {
      found.route = &route;
      found.args = args;
    }
    found.allowed.push_back(route.method);
    if (route.method == "GET") found.allowed.push_back("HEAD");
  }
  return found;
}

}  // namespace baton::api
