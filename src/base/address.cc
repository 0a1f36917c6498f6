// SPDX-License-Identifier: MIT
#include "base/address.h"

#include <arpa/inet.h>

#include <cstdint>
#include <string>

namespace baton {

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "::1" || host == "[::1]") return true;
  constexpr std::uint32_t kNet = 127;
  // A text with a NUL in it would be read up to there only.
  if (host.find('\0') != std::string_view::npos) return false;
  in_addr address{};
  return inet_pton(AF_INET, std::string{host}.c_str(), &address) == 1 &&
         ntohl(address.s_addr) >> 24 == kNet;
}

}  // namespace baton
