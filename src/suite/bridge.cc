// SPDX-License-Identifier: MIT
#include "suite/bridge.h"

#include <fmt/format.h>

#include <vector>

#include <baton/detail/bridge.h>

#include "suite/attempt.h"
#include "suite/printer.h"

namespace baton {
namespace {

std::vector<void (*)()>& bridges() {
  static std::vector<void (*)()> list;
  return list;
}

}  // namespace

namespace detail {

bool add_bridge(void (*prepare)()) {
  for (const auto known : bridges())
    if (known == prepare) return true;
  bridges().push_back(prepare);
  return true;
}

void report_failure(const char* framework, const char* file, int line, TextView message,
                    bool fatal) {
  Attempt* const attempt = Attempt::current();
  if (!attempt) return;
  const std::string place = file ? file : "";
  attempt->fail(place.empty()
                    ? std::string(suite::view(message))
                    : fmt::format("{}:{}: {}: {}", place, line, framework, suite::view(message)),
                place, line, fatal);
  if (fatal) attempt->end();
}

void report_skip(TextView reason) {
  if (Attempt* const attempt = Attempt::current()) attempt->skip(suite::view(reason));
}

}  // namespace detail

void suite::run_bridges() {
  for (const auto prepare : bridges()) prepare();
}

}  // namespace baton
