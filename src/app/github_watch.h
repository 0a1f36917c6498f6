// SPDX-License-Identifier: MIT
#pragma once
// Opens the gates of deployments whose webhook was lost: a thread for each profile of links.github
// that names repositories asks GitHub what waits, at the start and then every `sweep`.
#include <memory>

#include "api/context.h"

namespace baton::app {

class GithubWatch {
 public:
  /// The reference outlives it; its writer was started.
  explicit GithubWatch(api::Context& api);
  ~GithubWatch();  // stops: calls under way are cancelled

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
