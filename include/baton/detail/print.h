// SPDX-License-Identifier: MIT
#pragma once
// How values become text in failure messages, logs, span contexts and test names.
// Knows numbers, strings, enums, pointers, durations, optionals, pairs, ranges, error codes, paths,
// and any type with a `to_string(value)` found by argument-dependent lookup. Printing happens only
// when something is shown; nothing here allocates in the caller.
#include <cstdint>
#include <utility>

#include <baton/detail/text.h>

namespace baton::detail {

/// Collects text; lives in the library.
class Printer;
void put(Printer& out, TextView text);
void put_quoted(Printer& out, TextView text);
void put_integer(Printer& out, long long value);
void put_natural(Printer& out, unsigned long long value);
void put_real(Printer& out, double value);
void put_character(Printer& out, char value);
void put_pointer(Printer& out, const void* value);
/// Writes ", " between elements; false when enough of them were printed.
bool put_separator(Printer& out, std::size_t index);

template <class V>
concept HasToString = requires(const V& v) {
  TextView(to_string(v));
};
template <class V>
concept Pathlike = requires(const V& v) {
  TextView(v.native());
};
template <class V>
concept Durational = requires(const V& v) {
  v.count();
  V::period::num;
};
template <class V>
concept Optional = requires(const V& v) {
  v.has_value();
  *v;
};
template <class V>
concept Explained = requires(const V& v) {
  TextView(v.message());
};
template <class V>
concept Paired = requires(const V& v) {
  v.first;
  v.second;
};
template <class V>
concept Iterable = requires(const V& v) {
  *v.begin();
  v.begin() != v.end();
};
template <class V>
concept Owning = requires(const V& v) {
  v.get();
  *v;
};

template <class V>
void print(Printer& out, const V& v);

template <class Period>
constexpr const char* unit_of() {
  constexpr auto ns = 1'000'000'000LL * Period::num / Period::den;
  if constexpr (ns == 1)
    return "ns";
  else if constexpr (ns == 1'000)
    return "us";
  else if constexpr (ns == 1'000'000)
    return "ms";
  else if constexpr (ns == 1'000'000'000)
    return "s";
  else if constexpr (ns == 60'000'000'000)
    return "min";
  else if constexpr (ns == 3'600'000'000'000)
    return "h";
  else
    return " ticks";
}

template <class V>
void print_range(Printer& out, const V& v) {
  put(out, "[");
  std::size_t index = 0;
  for (const auto& element : v) {
    if (!put_separator(out, index++)) break;
    print(out, element);
  }
  put(out, "]");
}

template <class V>
void print_object(Printer& out, const V& v) {
  if constexpr (HasToString<V>)
    put(out, TextView(to_string(v)));
  else if constexpr (Pathlike<V>)
    put_quoted(out, TextView(v.native()));
  else if constexpr (Durational<V>)
    print(out, v.count()), put(out, unit_of<typename V::period>());
  else if constexpr (Optional<V>)
    v.has_value() ? print(out, *v) : put(out, "nullopt");
  else if constexpr (Explained<V>)
    put(out, TextView(v.message()));
  else if constexpr (Paired<V>) {
    put(out, "("), print(out, v.first), put(out, ", "), print(out, v.second), put(out, ")");
  } else if constexpr (Iterable<V>)
    print_range(out, v);
  else if constexpr (requires { v.load(); })
    print(out, v.load());
  else if constexpr (Owning<V>)
    put_pointer(out, static_cast<const void*>(v.get()));
  else
    put(out, "(a value without to_string)");
}

template <class V>
void print(Printer& out, const V& v) {
  using D = std::decay_t<V>;
  if constexpr (std::is_same_v<D, bool>)
    put(out, v ? "true" : "false");
  else if constexpr (std::is_same_v<D, char>)
    put_character(out, v);
  else if constexpr (std::is_floating_point_v<D>)
    put_real(out, static_cast<double>(v));
  else if constexpr (std::is_integral_v<D> && std::is_signed_v<D>)
    put_integer(out, v);
  else if constexpr (std::is_integral_v<D>)
    put_natural(out, v);
  else if constexpr (CString<V>)
    put_quoted(out, TextView(v));
  else if constexpr (StringLike<V>)
    put_quoted(out, TextView(v));
  else if constexpr (std::is_null_pointer_v<D>)
    put_pointer(out, nullptr);
  else if constexpr (std::is_pointer_v<D> && std::is_function_v<std::remove_pointer_t<D>>)
    put(out, "(function)");
  else if constexpr (std::is_pointer_v<D>)
    put_pointer(out, static_cast<const void*>(v));
  else if constexpr (std::is_enum_v<D> && !HasToString<D>)
    print(out, static_cast<std::underlying_type_t<D>>(v));
  else
    print_object(out, v);
}

/// One value, its type erased. Refers to the value: use it before the full expression ends.
struct Arg {
  enum class Kind : std::uint8_t { boolean, integer, natural, real, character, text, object };
  template <class V>
  Arg(const V& v) {  // NOLINT: implicit, as an argument of log()
    using D = std::decay_t<V>;
    if constexpr (std::is_same_v<D, bool>)
      kind = Kind::boolean, integer = v ? 1 : 0;
    else if constexpr (std::is_same_v<D, char>)
      kind = Kind::character, integer = v;
    else if constexpr (std::is_floating_point_v<D>)
      kind = Kind::real, real = static_cast<double>(v);
    else if constexpr (std::is_integral_v<D> && std::is_signed_v<D>)
      kind = Kind::integer, integer = v;
    else if constexpr (std::is_integral_v<D>)
      kind = Kind::natural, integer = static_cast<std::int64_t>(static_cast<std::uint64_t>(v));
    else if constexpr (CString<V>)
      text = TextView(v), kind = Kind::text;
    else if constexpr (StringLike<V>)
      text = TextView(v), kind = Kind::text;
    else {
      object = &v;
      print = [](Printer& out, const void* p) { detail::print(out, *static_cast<const V*>(p)); };
    }
  }

  Kind kind = Kind::object;
  std::int64_t integer = 0;  // naturals keep their bits
  double real = 0;
  TextView text;
  const void* object = nullptr;
  void (*print)(Printer&, const void*) = nullptr;
};

}  // namespace baton::detail
