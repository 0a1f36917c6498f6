// SPDX-License-Identifier: MIT
#pragma once
// Result<T>: the only way in which a room reports a refusal or a failure to another room.
// Exceptions never cross a room; user input never reaches an assertion.
//
// Code is closed: wire/error_map.cc maps each code to an HTTP status and an exit code, once.
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace baton {

enum class Code {
  invalid,          // the request or argument is malformed
  unauthenticated,  // no or an unknown token
  forbidden,        // the token's scope does not suffice
  not_found,
  conflict,  // the present state does not allow it
  stale_fence,
  deadlock,
  busy,
  gone,
  too_large,
  unprocessable,  // well-formed, but the content cannot be taken
  unsatisfiable,
  limit,        // a named limit is reached; try again later
  unavailable,  // the server cannot do it now; try again later
  timeout,
  unreachable,  // client side: no server answers
  internal,     // a defect of Baton
};

/// The code's name as the wire shows it: "not_found".
std::string_view name_of(Code code);

/// One offending place in a request: a JSON pointer ("/params/x") and what is wrong there.
struct ErrorDetail {
  std::string pointer;
  std::string detail;
};

/// What went wrong (`message`), and what the reader can do about it (`fix`, may be empty).
struct Error {
  Code code = Code::internal;
  std::string message;
  std::string fix = {};
  std::vector<ErrorDetail> details = {};
  /// Further members of the problem document, for programs: JSON without the braces, such as
  /// `"queue_length":3`.
  std::string members = {};
};

template <class T>
using Result = tl::expected<T, Error>;

/// `return fail(Code::not_found, "suite {} is unknown", name);`
template <class... Args>
tl::unexpected<Error> fail(Code code, fmt::format_string<Args...> text, Args&&... args) {
  return tl::unexpected(Error{code, fmt::format(text, std::forward<Args>(args)...)});
}

/// The same with advice: `return fail_with_fix(Code::conflict, "run `baton doctor`", "…", …);`
template <class... Args>
tl::unexpected<Error> fail_with_fix(Code code, std::string fix, fmt::format_string<Args...> text,
                                    Args&&... args) {
  return tl::unexpected(
      Error{code, fmt::format(text, std::forward<Args>(args)...), std::move(fix)});
}

}  // namespace baton

/// `BATON_TRY(suite, find_suite(tx, name));` declares `suite`, or returns the error.
#define BATON_TRY(name, ...)                                                \
  auto name##_result = (__VA_ARGS__);                                       \
  if (!name##_result) return tl::unexpected(std::move(name##_result).error()); \
  [[maybe_unused]] auto&& name = *name##_result

/// `BATON_TRY_VOID(tx.exec(…));` for results without a value.
#define BATON_TRY_VOID(...)                                                    \
  do {                                                                         \
    if (auto try_result = (__VA_ARGS__); !try_result)                          \
      return tl::unexpected(std::move(try_result).error());                    \
  } while (false)

/// The twin for coroutines that return a Result. `CO_BATON_TRY(run, co_await submit(command));`:
/// the co_await stays the whole initialiser, which is the form that g++ 12 compiles correctly.
#define CO_BATON_TRY(name, ...)                                                   \
  auto name##_result = __VA_ARGS__;                                               \
  if (!name##_result) co_return tl::unexpected(std::move(name##_result).error()); \
  [[maybe_unused]] auto&& name = *name##_result

/// `CO_BATON_TRY_VOID(step, co_await send(…));` for results without a value; `step` names a local.
#define CO_BATON_TRY_VOID(name, ...) \
  auto name##_result = __VA_ARGS__;  \
  if (!name##_result) co_return tl::unexpected(std::move(name##_result).error())
