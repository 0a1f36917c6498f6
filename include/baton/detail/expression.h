// SPDX-License-Identifier: MIT
#pragma once
// Takes an expression such as `a + b == c` apart, so that a failed check can show both operands.
// `Decompose{} <= a + b == c` becomes a Comparison of two references. `&&` and `||` fall back to a
// plain bool. Integers of different signedness compare by value (-1 < 1u), strings of all kinds by
// content.
#include <cstdint>
#include <utility>

#include <baton/detail/print.h>

namespace baton::detail {

template <class V>
inline constexpr bool kPlainInteger =
    std::is_integral_v<V> && !std::is_same_v<V, bool> && !std::is_same_v<V, char> &&
    !std::is_same_v<V, wchar_t> && !std::is_same_v<V, char8_t> && !std::is_same_v<V, char16_t> &&
    !std::is_same_v<V, char32_t>;

// The operands are no longer constants here, so warnings that are right about constants are not.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wfloat-equal"
#pragma GCC diagnostic ignored "-Wextra"
#define BATON_DETAIL_COMPARE(name, op, integer_compare)                              \
  template <class L, class R>                                                        \
  constexpr bool name(const L& left, const R& right) {                               \
    if constexpr (kPlainInteger<L> && kPlainInteger<R>)                              \
      return std::integer_compare(left, right);                                      \
    else if constexpr ((CString<L> || StringLike<L>)&&(CString<R> || StringLike<R>)) \
      return compare_text(TextView(left), TextView(right)) op 0;                     \
    else                                                                             \
      return static_cast<bool>(left op right);                                       \
  }
BATON_DETAIL_COMPARE(is_equal, ==, cmp_equal)
BATON_DETAIL_COMPARE(is_different, !=, cmp_not_equal)
BATON_DETAIL_COMPARE(is_less, <, cmp_less)
BATON_DETAIL_COMPARE(is_at_most, <=, cmp_less_equal)
BATON_DETAIL_COMPARE(is_greater, >, cmp_greater)
BATON_DETAIL_COMPARE(is_at_least, >=, cmp_greater_equal)
#undef BATON_DETAIL_COMPARE
#pragma GCC diagnostic pop

template <class L, class R>
struct Comparison {
  const L& left;
  const R& right;
  const char* op;
  bool holds;
  explicit constexpr operator bool() const { return holds; }
};

template <class L>
struct Operand {
  const L& value;

  explicit constexpr operator bool() const { return static_cast<bool>(value); }
  template <class R>
  constexpr Comparison<L, R> operator==(const R& r) const {
    return {value, r, "==", is_equal(value, r)};
  }
  template <class R>
  constexpr Comparison<L, R> operator!=(const R& r) const {
    return {value, r, "!=", is_different(value, r)};
  }
  template <class R>
  constexpr Comparison<L, R> operator<(const R& r) const {
    return {value, r, "<", is_less(value, r)};
  }
  template <class R>
  constexpr Comparison<L, R> operator<=(const R& r) const {
    return {value, r, "<=", is_at_most(value, r)};
  }
  template <class R>
  constexpr Comparison<L, R> operator>(const R& r) const {
    return {value, r, ">", is_greater(value, r)};
  }
  template <class R>
  constexpr Comparison<L, R> operator>=(const R& r) const {
    return {value, r, ">=", is_at_least(value, r)};
  }
};

struct Decompose {
  template <class L>
  constexpr Operand<L> operator<=(const L& value) const {
    return {value};
  }
};

/// Where a check stands and what it says.
struct Site {
  const char* macro;
  const char* expression;
  const char* file;
  int line;
  bool fatal;
};

/// left, and right with the operator between them; `op` is null for a single operand.
struct Operands {
  Arg left;
  const char* op;
  Arg right;
};
inline Operands operands_of(bool value) { return {Arg(value), nullptr, Arg(0)}; }
template <class L>
Operands operands_of(const Operand<L>& e) {
  return {Arg(e.value), nullptr, Arg(0)};
}
template <class L, class R>
Operands operands_of(const Comparison<L, R>& e) {
  return {Arg(e.left), e.op, Arg(e.right)};
}

/// Records the failure; throws to end the attempt when the site is fatal.
void check_failed(const Site& site, const Operands& operands, const Arg* message,
                  std::size_t count);

template <class Expression, class... Message>
void check(const Site& site, const Expression& expression, const Message&... message) {
  if (static_cast<bool>(expression)) [[likely]]
    return;
  const Arg text[] = {Arg(message)..., Arg(0)};
  check_failed(site, operands_of(expression), text, sizeof...(Message));
}

}  // namespace baton::detail
