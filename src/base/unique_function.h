// SPDX-License-Identifier: MIT
#pragma once
// A move-only std::function: commands and completion handlers own what they capture.
// (std::move_only_function arrives with C++23.) Calling an empty one is a programming error.
#include <memory>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace baton {

template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  template <class F>
    requires(!std::is_same_v<std::decay_t<F>, UniqueFunction>)
  UniqueFunction(F&& f)  // NOLINT: implicit, as std::function
      : callee_(std::make_unique<Callee<std::decay_t<F>>>(std::forward<F>(f))) {}

  R operator()(Args... args) {
    BATON_ASSERT(callee_, "the function is set");
    return callee_->call(std::forward<Args>(args)...);
  }
  explicit operator bool() const { return callee_ != nullptr; }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct Callee final : Base {
    explicit Callee(F f) : function(std::move(f)) {}
    R call(Args... args) override { return function(std::forward<Args>(args)...); }
    F function;
  };
  std::unique_ptr<Base> callee_;
};

}  // namespace baton
