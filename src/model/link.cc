// SPDX-License-Identifier: MIT
#include "model/link.h"

#include <fmt/core.h>

namespace baton::model {

std::string LinkProfile::id() const { return fmt::format("{}/{}", name_of(kind), name); }

}  // namespace baton::model
