// SPDX-License-Identifier: MIT
#include "model/delivery.h"

#include <algorithm>
#include <cmath>

namespace baton::model {

Duration retry_wait(const RetryRule& rule, int failures, double share) {
  const auto longest = static_cast<double>(rule.max.count());
  const double whole = std::min(
      longest, static_cast<double>(rule.first.count()) * std::pow(rule.factor, failures - 1));
  return Duration{static_cast<std::int64_t>(std::max(1.0, whole * (0.5 + share / 2)))};
}

}  // namespace baton::model
