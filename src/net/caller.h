// SPDX-License-Identifier: MIT
#pragma once
// The connection's side of Caller: what a wait hangs itself on. Implemented by Session; for the
// connection's thread only, except gone() and draining().
#include <cstdint>
#include <functional>

#include "net/await.h"

namespace baton::net {

class Caller::State {
 public:
  using OnWake = std::function<void(Wake)>;
  virtual ~State() = default;
  virtual bool gone() const = 0;
  virtual bool draining() const = 0;
  /// `on_wake` is called (never from within watch) when the client goes or the server drains, until
  /// unwatch. Watching is what makes the connection notice: it costs a wait on the socket.
  virtual std::uint64_t watch(OnWake on_wake) = 0;
  virtual void unwatch(std::uint64_t id) = 0;
};

}  // namespace baton::net
