// SPDX-License-Identifier: MIT
#pragma once
// The small vocabulary types of the test library: TextView (any string as an argument), Text (a
// string that the library keeps) and Timespan (a duration). They stand in for <string_view>,
// <string> and <chrono>, which are too heavy for a header that every test includes; they convert
// from and to the standard types without including them.
#include <cstddef>
#include <cstdint>
#include <utility>

namespace baton {

template <class S>
concept CString = std::is_same_v < std::decay_t<S>,
const char* > || std::is_same_v<std::decay_t<S>, char*>;
/// std::string, std::string_view, Text and their like.
template <class S>
concept StringLike = requires(const S& s, const char*& p, std::size_t& n) {
  p = s.data();
  n = s.size();
};

/// A borrowed string, as an argument only. Made from string literals and every StringLike.
struct TextView {
  constexpr TextView() = default;
  constexpr TextView(const char* text)  // NOLINT: implicit, as std::string_view
      : pointer(text ? text : "(null)"), length(__builtin_strlen(pointer)) {}
  constexpr TextView(const char* text, std::size_t size) : pointer(text), length(size) {}
  template <StringLike S>
  constexpr TextView(const S& s) : pointer(s.data()), length(s.size()) {}  // NOLINT: implicit

  constexpr const char* data() const { return pointer; }
  constexpr std::size_t size() const { return length; }
  constexpr bool empty() const { return length == 0; }

  const char* pointer = "";
  std::size_t length = 0;
};

namespace detail {
constexpr int compare_text(TextView a, TextView b) {
  const std::size_t shorter = a.length < b.length ? a.length : b.length;
  const int order = shorter == 0 ? 0 : __builtin_memcmp(a.pointer, b.pointer, shorter);
  if (order != 0) return order;
  return a.length == b.length ? 0 : (a.length < b.length ? -1 : 1);
}
}  // namespace detail

/// A NUL-terminated string owned by the library; it lives as long as the process, so copies and
/// views never dangle. Converts to std::string and std::string_view, prints, compares and adds up.
class Text : public TextView {
 public:
  constexpr Text() = default;
  /// text: NUL-terminated at text[size], and never freed.
  constexpr Text(const char* text, std::size_t size) : TextView(text, size) {}

  constexpr const char* c_str() const { return pointer; }
  constexpr const char* begin() const { return pointer; }
  constexpr const char* end() const { return pointer + length; }

  template <class S>
  requires requires(const char* p, std::size_t n) { S(p, n).data(); }
  constexpr operator S() const {  // NOLINT: implicit
    return S(pointer, length);
  }
  template <class S>
  requires(StringLike<S> || CString<S>) friend constexpr bool operator==(const Text& a,
                                                                         const S& b) {
    return detail::compare_text(a, TextView(b)) == 0;
  }
  template <class Stream>
  requires requires(Stream& out, const char* p, long n) { out.write(p, n).flush(); }
  friend Stream& operator<<(Stream& out, const Text& text) {
    out.write(text.pointer, static_cast<long>(text.length));
    return out;
  }
  /// `t.temp_dir() + "/report.txt"`
  friend Text operator+(const Text& a, TextView b) { return join(a, b); }
  /// std::string + Text
  template <class S>
    requires requires(S& s, const char* p, std::size_t n) { s.append(p, n); }
  friend S operator+(S a, const Text& b) {
    a.append(b.pointer, b.length);
    return a;
  }

 private:
  static Text join(TextView a, TextView b);
};

/// A duration. Made from any std::chrono duration (`5s`), or with baton::seconds(5).
class Timespan {
 public:
  constexpr Timespan() = default;
  template <class Duration>
  requires requires(const Duration& d) {
    d.count();
    Duration::period::num;
  }
  constexpr Timespan(const Duration& d)  // NOLINT: implicit, so that `5s` can be passed
      : ns_(static_cast<std::int64_t>(
            static_cast<long double>(d.count()) *
            (1'000'000'000.0L * Duration::period::num / Duration::period::den))) {}

  static constexpr Timespan from_ns(std::int64_t ns) {
    Timespan span;
    span.ns_ = ns;
    return span;
  }
  constexpr std::int64_t ns() const { return ns_; }
  constexpr std::int64_t ms() const { return ns_ / 1'000'000; }

 private:
  std::int64_t ns_ = 0;
};

constexpr Timespan milliseconds(std::int64_t n) { return Timespan::from_ns(n * 1'000'000); }
constexpr Timespan seconds(std::int64_t n) { return milliseconds(n * 1'000); }
constexpr Timespan minutes(std::int64_t n) { return seconds(n * 60); }

}  // namespace baton
