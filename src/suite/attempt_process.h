// SPDX-License-Identifier: MIT
#pragma once
// The process of one attempt, from just after the fork to its end.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "suite/attempt.h"
#include "suite/events.h"
#include "suite/registry.h"

namespace baton::suite {

struct AttemptOrder {
  const SuiteSpec& suite;
  const CaseSpec& test;
  int number = 1;
  std::string dir;
  std::vector<std::pair<std::string, std::string>> environment;
  int out = -1;  // becomes standard output and error
  int events = -1;
  Mailbox* mailbox = nullptr;
  detail::Attempt::Values values;  // what the setup left
};

/// Runs in the child of the fork server; does not return.
[[noreturn]] void run_attempt_process(const AttemptOrder& order);

}  // namespace baton::suite
