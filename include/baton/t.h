// SPDX-License-Identifier: MIT
#pragma once
// T: what a test (or a setup or teardown) holds while it runs. One T per attempt, each attempt in a
// process of its own. Every function may be called from any thread; those that end the attempt
// (skip, a failed BATON_REQUIRE) only from the test's own.
#include <cstdint>
#include <initializer_list>
#include <utility>

#include <baton/detail/print.h>
#include <baton/detail/text.h>

namespace baton {
class T;

namespace detail {
class Attempt;

/// An owned `void()`; a light std::function. The library destroys it.
struct Callback {
  void* object;
  void (*call)(void*);
  void (*destroy)(void*);
};
/// A borrowed `bool()`.
struct Predicate {
  void* object;
  bool (*call)(void*);
};
/// Specialised by <baton/std.h>: makes a Target from a StopToken.
template <class Target>
struct StopBridge;
}  // namespace detail

/// A key and a printable value: `{"items", 3}`. Refers to its value until the full expression ends.
struct Attribute {
  template <class V>
  Attribute(TextView k, const V& v) : key(k), value(v) {}
  TextView key;
  detail::Arg value;
};
using Attributes = std::initializer_list<Attribute>;

/// A measured part of a test. Ends when it is destroyed, or with end().
class [[nodiscard]] Span {
 public:
  Span(Span&& other) noexcept
      : attempt_(std::exchange(other.attempt_, nullptr)), index_(other.index_) {}
  Span& operator=(Span&&) = delete;
  ~Span() { end(); }

  /// Adds to the context.
  template <class V>
  void set(TextView key, const V& value) {
    set_erased(key, detail::Arg(value));
  }
  void end();

 private:
  friend class T;
  Span(detail::Attempt* attempt, std::size_t index) : attempt_(attempt), index_(index) {}
  void set_erased(TextView key, const detail::Arg& value);
  detail::Attempt* attempt_;
  std::size_t index_;
};

/// Says whether the attempt shall stop: its time is over, or the run is cancelled. With
/// <baton/std.h> it converts to std::stop_token.
class StopToken {
 public:
  bool stop_requested() const;

  template <class Target>
  requires requires(const StopToken& token) { detail::StopBridge<Target>::make(token); }
  operator Target() const { return detail::StopBridge<Target>::make(*this); }
};

class T {
 public:
  explicit T(detail::Attempt* attempt) : attempt_(attempt) {}
  T(const T&) = delete;
  T& operator=(const T&) = delete;

  // --- who and where -------------------------------------------------------------------------
  Text name() const;    // of the test; "setup", "teardown"
  Text suite() const;   // "namespace/name"
  int attempt() const;  // 1 for the first try
  /// The environment's name, and one of its properties; "" when there is none.
  Text environment() const;
  Text property(TextView key) const;
  /// A parameter of the run (`--param k=v`), or `otherwise`.
  Text param(TextView key, TextView otherwise = "") const;
  /// The parameter of a BATON_TEST_P as text; "" in other tests.
  Text parameter() const;
  /// A folder of this attempt's own, removed afterwards.
  Text temp_dir() const;

  // --- what is recorded ----------------------------------------------------------------------
  /// One line on standard output. With arguments `format` is a {fmt} format string
  /// ("{}", "{:.2f}", "{0}"); without, it is written as it is.
  template <class... Values>
  void log(TextView format, const Values&... values) {
    const detail::Arg args[] = {detail::Arg(values)..., detail::Arg(0)};
    log_erased(format, args, sizeof...(Values));
  }
  Span span(TextView name, Attributes context = {});
  /// Kept with the attempt's result; a key set again is replaced. Values set in BATON_SETUP can be
  /// read in every test of the suite.
  template <class V>
  void set_value(TextView key, const V& value) {
    set_value_erased(key, detail::Arg(value));
  }
  Text value(TextView key) const;  // "" when not set
  /// Keeps a copy of the file as it is now, under `name` (a relative path; the file's own name when
  /// empty). A file that cannot be read is a failure.
  void artifact(TextView path, TextView name = "");

  // --- how the attempt ends ------------------------------------------------------------------
  /// Records a failure and goes on.
  void fail(TextView message, const char* file = __builtin_FILE(), int line = __builtin_LINE());
  /// Ends the attempt as skipped; after a failure it stays failed.
  [[noreturn]] void skip(TextView reason = "");
  /// From now on a failure of this attempt does not fail the run.
  void soft_failure();
  bool failed() const;
  /// Runs when the test has ended, however it ends but by a crash: last in, first out, all of them.
  template <class F>
  void cleanup(F&& function) {
    using D = std::decay_t<F>;
    add_cleanup({new D(std::forward<F>(function)), [](void* p) { (*static_cast<D*>(p))(); },
                 [](void* p) { delete static_cast<D*>(p); }});
  }

  // --- its surroundings ----------------------------------------------------------------------
  /// For this process and what it starts. In BATON_SETUP: for every test of the suite.
  void set_env(TextView key, TextView value);
  /// The attempt may take this long from now on.
  void set_timeout(Timespan timeout);
  StopToken stop_token() const { return {}; }

  /// Calls `predicate` every `interval` until it is true. False when `timeout` is over or the
  /// attempt shall stop. Recorded as a span with the number of tries.
  template <class P>
  bool poll(Timespan timeout, Timespan interval, P&& predicate) {
    return poll_erased(timeout, interval, erase(predicate));
  }
  template <class P>
  bool poll(Timespan timeout, P&& predicate) {
    return poll_erased(timeout, milliseconds(50), erase(predicate));
  }
  /// poll() that also records a failure when it did not become true.
  template <class P>
  bool eventually(Timespan timeout, Timespan interval, P&& predicate,
                  const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return eventually_erased(timeout, interval, erase(predicate), file, line);
  }
  template <class P>
  bool eventually(Timespan timeout, P&& predicate, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
    return eventually_erased(timeout, milliseconds(50), erase(predicate), file, line);
  }

 private:
  template <class P>
  static detail::Predicate erase(P& predicate) {
    // The const of a const predicate is put back by the cast inside.
    return {const_cast<void*>(static_cast<const void*>(&predicate)),
            [](void* p) { return static_cast<bool>((*static_cast<P*>(p))()); }};
  }
  void log_erased(TextView format, const detail::Arg* args, std::size_t count);
  void set_value_erased(TextView key, const detail::Arg& value);
  void add_cleanup(detail::Callback callback);
  bool poll_erased(Timespan timeout, Timespan interval, detail::Predicate predicate);
  bool eventually_erased(Timespan timeout, Timespan interval, detail::Predicate predicate,
                         const char* file, int line);
  detail::Attempt* attempt_;
};

}  // namespace baton
