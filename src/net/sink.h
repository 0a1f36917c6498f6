// SPDX-License-Identifier: MIT
#pragma once
// The connection's side of Sink. Implemented by Session.
#include <string>

#include "net/http.h"

namespace baton::net {

class Sink::Port {
 public:
  virtual ~Port() = default;
  virtual boost::asio::awaitable<bool> write(std::string bytes) = 0;
  virtual boost::asio::awaitable<void> wait_gone() = 0;
  virtual void cut() = 0;
  virtual Caller caller() = 0;
};

}  // namespace baton::net
