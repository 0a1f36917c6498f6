// SPDX-License-Identifier: MIT
#pragma once
// The C++ test library of Baton: suites, tests and checks (docs/guide/cpp-suites.md).
//
//   BATON_SUITE(checkout, {.namespace_ = "pay", .environment = "staging", .max_attempts = 3});
//   BATON_SETUP(checkout) { … }     BATON_TEARDOWN(checkout) { … }
//   BATON_TEST(checkout, places_an_order) { BATON_REQUIRE(post().status == 201); }
//   int main(int argc, char** argv) { return baton::main(argc, argv); }
//
// Tests find their suite by its name, so they may stand in other files and libraries than it.
// Light on purpose: it includes no heavy standard header (tools/check-header-cost).
#include <cstdint>
#include <initializer_list>
#include <utility>

#include <baton/detail/expression.h>
#include <baton/detail/text.h>
#include <baton/t.h>

namespace baton {

/// `{"team", "pay"}`, or a plain tag: `"smoke"`.
struct Label {
  constexpr Label(const char* k, const char* v = "") : key(k), value(v) {}
  TextView key;
  TextView value;
};

/// What BATON_SUITE takes, in this order, each of it optional.
struct SuiteOptions {
  TextView namespace_ = "default";
  TextView description = "";  // Markdown
  TextView owner = "";
  std::initializer_list<Label> labels = {};
  TextView environment = "";      // the environment it needs
  int max_attempts = 1;           // 1 to 100
  Timespan back_off = {};         // before attempt 2; doubles per attempt, a minute at most
  Timespan timeout = {};          // of the whole run; 0 = none
  Timespan attempt_timeout = {};  // of one attempt; 0 = none
  int workers = 1;                // attempts in flight, 1 to 64
};

/// What BATON_TEST takes, in this order, each of it optional.
struct TestOptions {
  TextView description = "";
  std::initializer_list<Label> labels = {};
  int max_attempts = 0;   // 0 = the suite's
  Timespan timeout = {};  // of one attempt; 0 = the suite's
};

/// Runs the suites of this binary: `run` (default), `list`, `exec`, and `serve` when it is linked
/// with baton::server. Result: the exit code of docs/guide/cpp-suites.md.
int main(int argc, char** argv);

namespace detail {

struct Here {
  const char* file;
  int line;
};
using Body = void (*)(T&);
using ParameterBody = void (*)(T&, const void*);

bool add_suite(const char* name, Here here, const SuiteOptions& options, void (*anchor)());
bool add_setup(const char* suite, Here here, Body body);
bool add_teardown(const char* suite, Here here, Body body);
bool add_test(const char* suite, const char* name, Here here, Body body,
              const TestOptions& options);
/// `print` writes the text that tells this parameter from the others.
bool add_parameter_test(const char* suite, const char* name, Here here, ParameterBody body,
                        const void* parameter, std::size_t index, const Arg& text);

// The options of a test: none, a description, or `{.description = …, .timeout = …}`.
constexpr TestOptions test_options() { return {}; }
constexpr TestOptions test_options(const char* description) { return {.description = description}; }
constexpr TestOptions test_options(const TestOptions& options) { return options; }
constexpr SuiteOptions suite_options() { return {}; }
constexpr SuiteOptions suite_options(const SuiteOptions& options) { return options; }

/// Instantiated where BATON_SUITE stands; BATON_USE_SUITE refers to it, which makes the linker take
/// that file out of a static library.
template <class Tag>
void suite_anchor() {}

template <class P, std::size_t N>
struct Parameters {
  using Type = P;
  P values[N];
};
template <class P, std::size_t... I>
constexpr Parameters<P, sizeof...(I)> copy_parameters(const P* from, std::index_sequence<I...>) {
  return {{from[I]...}};
}
template <class P, std::size_t N>
constexpr Parameters<P, N> parameters(const P (&values)[N]) {
  return copy_parameters(&values[0], std::make_index_sequence<N>());
}
template <class P>
Arg parameter_text(const P& value) {
  if constexpr (requires { TextView(value.name); })
    return Arg(TextView(value.name));
  else
    return Arg(value);
}
template <class P, std::size_t N, class Invoke>
bool add_parameter_tests(const char* suite, const char* name, Here here,
                         const Parameters<P, N>& list, Invoke) {
  for (std::size_t i = 0; i < N; ++i)
    add_parameter_test(
        suite, name, here, [](T& t, const void* p) { Invoke{}(t, *static_cast<const P*>(p)); },
        &list.values[i], i, parameter_text(list.values[i]));
  return true;
}

}  // namespace detail
}  // namespace baton

#define BATON_DETAIL_CAT2(a, b) a##b
#define BATON_DETAIL_CAT(a, b) BATON_DETAIL_CAT2(a, b)
#define BATON_DETAIL_HERE \
  ::baton::detail::Here { __FILE__, __LINE__ }

/// Defines a suite: BATON_SUITE(name) or BATON_SUITE(name, {.owner = "pay", …});
#define BATON_SUITE(suite, ...)                                                         \
  struct baton_suite_##suite;                                                           \
  [[maybe_unused]] static const bool BATON_DETAIL_CAT(baton_registered_, __COUNTER__) = \
      ::baton::detail::add_suite(#suite, BATON_DETAIL_HERE,                             \
                                 ::baton::detail::suite_options(__VA_ARGS__),           \
                                 &::baton::detail::suite_anchor<baton_suite_##suite>)

/// In the file with main(): links the file that defines the suite out of a static library.
/// Tests in other files of that library need baton_link_suites() of the CMake package.
#define BATON_USE_SUITE(suite)                                                                  \
  struct baton_suite_##suite;                                                                   \
  extern template void ::baton::detail::suite_anchor<baton_suite_##suite>();                    \
  [[maybe_unused]] static void (*volatile const BATON_DETAIL_CAT(baton_used_, __COUNTER__))() = \
      &::baton::detail::suite_anchor<baton_suite_##suite>

#define BATON_DETAIL_BODY(add, function, ...)                                  \
  static void function(::baton::T&);                                           \
  [[maybe_unused]] static const bool BATON_DETAIL_CAT(function, _registered) = \
      ::baton::detail::add(__VA_ARGS__);                                       \
  static void function([[maybe_unused]] ::baton::T& t)

/// Runs once before the tests, in the process from which every attempt is forked: what it computes
/// is there in every test. A failure or exception in it stops the run.
#define BATON_SETUP(suite) \
  BATON_DETAIL_SETUP(add_setup, #suite, BATON_DETAIL_CAT(baton_setup_##suite##_, __COUNTER__))
/// Runs once after the tests, also when they failed or the run is cancelled.
#define BATON_TEARDOWN(suite) \
  BATON_DETAIL_SETUP(add_teardown, #suite, BATON_DETAIL_CAT(baton_teardown_##suite##_, __COUNTER__))
#define BATON_DETAIL_SETUP(add, suite, function) \
  BATON_DETAIL_BODY(add, function, suite, BATON_DETAIL_HERE, &function)

/// BATON_TEST(suite, name) { … }, with a description or options as third argument.
#define BATON_TEST(suite, name, ...)                                                              \
  BATON_DETAIL_TEST(#suite, #name, BATON_DETAIL_CAT(baton_test_##suite##_##name##_, __COUNTER__), \
                    __VA_ARGS__)
#define BATON_DETAIL_TEST(suite, name, function, ...)                              \
  BATON_DETAIL_BODY(add_test, function, suite, name, BATON_DETAIL_HERE, &function, \
                    ::baton::detail::test_options(__VA_ARGS__))

/// One test per value, named `name/value`: BATON_TEST_P(suite, name, {"tea", "mate"}) { param… }.
/// The values are a braced list of one type or an array; a struct is named by its member `name`.
#define BATON_TEST_P(suite, name, ...) \
  BATON_DETAIL_TEST_P(#suite, #name,   \
                      BATON_DETAIL_CAT(baton_test_##suite##_##name##_, __COUNTER__), __VA_ARGS__)
#define BATON_DETAIL_TEST_P(suite, name, function, ...)                                           \
  static const auto BATON_DETAIL_CAT(function, _values) =                                         \
      ::baton::detail::parameters(__VA_ARGS__);                                                   \
  static void function(::baton::T&, const decltype(BATON_DETAIL_CAT(function, _values))::Type&);  \
  [[maybe_unused]] static const bool BATON_DETAIL_CAT(function, _registered) =                    \
      ::baton::detail::add_parameter_tests(suite, name, BATON_DETAIL_HERE,                        \
                                           BATON_DETAIL_CAT(function, _values),                   \
                                           [](::baton::T& t, const auto& p) { function(t, p); }); \
  static void function(                                                                           \
      [[maybe_unused]] ::baton::T& t,                                                             \
      [[maybe_unused]] const decltype(BATON_DETAIL_CAT(function, _values))::Type& param)

// _Pragma: `a <= b == c` inside the macro is meant, and only there.
#define BATON_DETAIL_CHECK(macro, fatal, ...)                                      \
  do {                                                                             \
    _Pragma("GCC diagnostic push")                                                 \
        _Pragma("GCC diagnostic ignored \"-Wparentheses\"")::baton::detail::check( \
            {macro, #__VA_ARGS__, __FILE__, __LINE__, fatal},                      \
            ::baton::detail::Decompose{} <= __VA_ARGS__);                          \
    _Pragma("GCC diagnostic pop")                                                  \
  } while (false)

/// BATON_CHECK(a == b) records a failure and goes on; BATON_REQUIRE ends the attempt. A message may
/// follow: BATON_CHECK(a == b, "order {}", id). Both work in functions that have no T.
#define BATON_CHECK(...) BATON_DETAIL_CHECK("BATON_CHECK", false, __VA_ARGS__)
#define BATON_REQUIRE(...) BATON_DETAIL_CHECK("BATON_REQUIRE", true, __VA_ARGS__)
