// SPDX-License-Identifier: MIT
#include "base/result.h"

namespace baton {

std::string_view name_of(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::unauthenticated: return "unauthenticated";
    case Code::forbidden: return "forbidden";
    case Code::not_found: return "not_found";
    case Code::conflict: return "conflict";
    case Code::stale_fence: return "stale_fence";
    case Code::deadlock: return "deadlock";
    case Code::busy: return "busy";
    case Code::gone: return "gone";
    case Code::too_large: return "too_large";
    case Code::unprocessable: return "unprocessable";
    case Code::unsatisfiable: return "unsatisfiable";
    case Code::limit: return "limit";
    case Code::unavailable: return "unavailable";
    case Code::timeout: return "timeout";
    case Code::unreachable: return "unreachable";
    case Code::internal: return "internal";
  }
  return "internal";
}

}  // namespace baton
