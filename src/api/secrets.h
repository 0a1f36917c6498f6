// SPDX-License-Identifier: MIT
#pragma once
// Secrets of tokens that were made lately, in memory only: the answer to POST /tokens is stored for
// its Idempotency-Key without the secret, and gets it back from here when it is repeated. After a
// restart a repeated answer comes without it. Any thread.
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace baton::api {

class RecentSecrets {
 public:
  void remember(const std::string& token_id, std::string secret);
  /// "" when it is not known (any more).
  std::string find(const std::string& token_id) const;
  void forget(const std::string& token_id);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> secrets_;
  std::deque<std::string> order_;
};

}  // namespace baton::api
