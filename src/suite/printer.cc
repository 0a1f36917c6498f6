// SPDX-License-Identifier: MIT
#include "suite/printer.h"

#include <fmt/args.h>
#include <fmt/format.h>

#include <cmath>

namespace baton::detail {
namespace {

// A value in a message is for a person's eye; a whole response body belongs in an artifact.
constexpr std::size_t kShownMax = 4096;
constexpr std::size_t kElementsMax = 64;

}  // namespace

void put(Printer& out, TextView text) { out.text.append(text.data(), text.size()); }

void put_quoted(Printer& out, TextView text) {
  out.text += '"';
  const std::size_t shown = text.size() < kShownMax ? text.size() : kShownMax;
  for (std::size_t i = 0; i < shown; ++i) {
    const char c = text.data()[i];
    if (c == '\n')
      out.text += "\\n";
    else if (c == '\r')
      out.text += "\\r";
    else if (c == '\t')
      out.text += "\\t";
    else if (c == '"' || c == '\\')
      (out.text += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out.text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out.text += c;
  }
  out.text += '"';
  if (text.size() > shown) out.text += fmt::format(" ({} bytes)", text.size());
}

void put_integer(Printer& out, long long value) { out.text += fmt::format("{}", value); }
void put_natural(Printer& out, unsigned long long value) { out.text += fmt::format("{}", value); }
void put_real(Printer& out, double value) { out.text += fmt::format("{}", value); }

void put_character(Printer& out, char value) {
  if (value >= 0x20 && value < 0x7f)
    out.text += fmt::format("'{}'", value);
  else
    out.text += fmt::format("'\\x{:02x}'", static_cast<unsigned char>(value));
}

void put_pointer(Printer& out, const void* value) {
  out.text += value ? fmt::format("{}", value) : "nullptr";
}

bool put_separator(Printer& out, std::size_t index) {
  if (index > 0) out.text += ", ";
  if (index < kElementsMax && out.text.size() < kShownMax) return true;
  out.text += "…";
  return false;
}

}  // namespace baton::detail

namespace baton::suite {

std::string shown(const detail::Arg& arg) {
  detail::Printer out;
  if (arg.kind == detail::Arg::Kind::text)
    detail::put_quoted(out, arg.text);
  else if (arg.kind == detail::Arg::Kind::character)
    detail::put_character(out, static_cast<char>(arg.integer));
  else
    return plain(arg);
  return std::move(out.text);
}

std::string plain(const detail::Arg& arg) {
  using Kind = detail::Arg::Kind;
  switch (arg.kind) {
    case Kind::boolean: return arg.integer != 0 ? "true" : "false";
    case Kind::integer: return fmt::format("{}", arg.integer);
    case Kind::natural: return fmt::format("{}", static_cast<std::uint64_t>(arg.integer));
    case Kind::real: return fmt::format("{}", arg.real);
    case Kind::character: return std::string(1, static_cast<char>(arg.integer));
    case Kind::text: return std::string(view(arg.text));
    case Kind::object: break;
  }
  detail::Printer out;
  arg.print(out, arg.object);
  return std::move(out.text);
}

std::string format_args(std::string_view format, const detail::Arg* args, std::size_t count) {
  if (count == 0) return std::string(format);
  using Kind = detail::Arg::Kind;
  fmt::dynamic_format_arg_store<fmt::format_context> store;
  for (std::size_t i = 0; i < count; ++i) {
    const detail::Arg& arg = args[i];
    switch (arg.kind) {
      case Kind::boolean: store.push_back(arg.integer != 0); break;
      case Kind::integer: store.push_back(arg.integer); break;
      case Kind::natural: store.push_back(static_cast<std::uint64_t>(arg.integer)); break;
      case Kind::real: store.push_back(arg.real); break;
      case Kind::character: store.push_back(static_cast<char>(arg.integer)); break;
      case Kind::text: store.push_back(std::string(view(arg.text))); break;
      case Kind::object: store.push_back(plain(arg)); break;
    }
  }
  try {
    return fmt::vformat(fmt::string_view(format.data(), format.size()), store);
  } catch (const fmt::format_error& error) {
    std::string out = fmt::format("{} (bad format: {};", format, error.what());
    for (std::size_t i = 0; i < count; ++i) out += " " + plain(args[i]);
    return out + ")";
  }
}

}  // namespace baton::suite
