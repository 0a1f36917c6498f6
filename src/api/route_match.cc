// SPDX-License-Identifier: MIT
#include "api/route.h"
#include "base/text.h"

namespace baton::api {
namespace {

bool is_argument(std::string_view part) { return part.starts_with('{'); }
bool is_rest(std::string_view part) { return part.ends_with("...}"); }

// A route's pattern, cut once.
struct Shape {
  const Route* route;
  std::vector<std::string_view> parts;
};

std::vector<Shape> shapes_of_routes() {
  std::vector<Shape> shapes;
  for (const Route& route : routes()) {
    Shape shape{&route, {}};
    std::string_view pattern = route.pattern;
    for (std::size_t slash = 0; slash != std::string_view::npos; slash = pattern.find('/')) {
      pattern.remove_prefix(slash + 1);
      shape.parts.push_back(pattern.substr(0, pattern.find('/')));
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

bool fits(const Shape& shape, std::span<const std::string> segments) {
  const auto& parts = shape.parts;
  const bool rest = is_rest(parts.back());
  if (rest ? segments.size() < parts.size() : segments.size() != parts.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (is_argument(parts[i]) ? !is_rest(parts[i]) && segments[i].empty() : parts[i] != segments[i])
      return false;
  return true;
}

// What the {…} of the pattern stand for.
std::vector<std::string> arguments(const Shape& shape, std::span<const std::string> segments) {
  std::vector<std::string> args;
  for (std::size_t i = 0; i < shape.parts.size(); ++i) {
    if (!is_argument(shape.parts[i])) continue;
    args.push_back(segments[i]);
    if (!is_rest(shape.parts[i])) continue;
    std::string& rest = args.back();
    for (++i; i < segments.size(); ++i) rest += (rest.empty() ? "" : "/") + segments[i];
  }
  return args;
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
  static const std::vector<Shape> kShapes = shapes_of_routes();
  for (const Shape& shape : kShapes) {
    if (!fits(shape, segments)) continue;
    const Route& route = *shape.route;
    // A literal path wins over a pattern because the table lists it first.
    if (route.method == method && found.route == nullptr) {
      found.route = &route;
      found.args = arguments(shape, segments);
    }
    found.allowed.push_back(route.method);
    if (route.method == "GET") found.allowed.push_back("HEAD");
  }
  return found;
}

}  // namespace baton::api
