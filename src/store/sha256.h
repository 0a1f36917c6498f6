// SPDX-License-Identifier: MIT
#pragma once
// SHA-256 in hexadecimal: what names artifacts, and what is kept of secrets and of requests that
// may be repeated. One thread at a time.
#include <memory>
#include <string>
#include <string_view>

namespace baton::store {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  void add(std::string_view bytes);
  /// 64 digits, lower case. Nothing may be added after it.
  std::string hexadecimal();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_of(std::string_view bytes);

}  // namespace baton::store
