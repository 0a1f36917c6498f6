// SPDX-License-Identifier: MIT
#include "model/token.h"

namespace baton::model {

bool covers(Scope has, Scope needs) {
  if (has == Scope::runner || needs == Scope::runner) return has == needs;
  return static_cast<int>(has) >= static_cast<int>(needs);
}

}  // namespace baton::model
