// SPDX-License-Identifier: MIT
#include "links/address_guard.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace baton::links {
namespace {

struct Address {
  bool v4 = false;
  std::array<unsigned char, 16> bytes{};  // the first four of an IPv4 address
  int bits() const { return v4 ? 32 : 128; }
};

Address v4_of(const Address& address, std::size_t from) {
  Address v4{.v4 = true};
  std::copy_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(from), 4, v4.bytes.begin());
  return v4;
}

bool same_bits(const Address& a, const Address& b, int bits) {
  if (a.v4 != b.v4) return false;
  for (int i = 0; i < bits; ++i) {
    const auto byte = static_cast<std::size_t>(i / 8);
    if (((a.bytes[byte] ^ b.bytes[byte]) >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

std::optional<Address> parse_address(std::string_view text) {
  const std::string copy{text};
  Address address{.v4 = true};
  if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
  address.v4 = false;
  if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) != 1) return {};
  constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) return v4_of(address, 12);
  return address;
}

struct Network {
  Address base;
  int bits = 0;
};

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto base = parse_address(text.substr(0, slash));
  if (!base) return {};
  if (slash == text.size()) return Network{*base, base->bits()};
  const std::string_view digits = text.substr(slash + 1);
  int bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits < 0 ||
      bits > base->bits())
    return {};
  return Network{*base, bits};
}

struct Special {
  std::string_view network;
  std::string_view kind;
  bool suggested = false;  // people put whole networks of this kind on their list
};

// The registries of special addresses of IANA (RFC 6890) that reach no stranger, and the address at
// which Azure's machines find their host.
constexpr std::array<Special, 26> kSpecial{{{"0.0.0.0/8", "unspecified"},
                                            {"10.0.0.0/8", "private", true},
                                            {"100.64.0.0/10", "carrier-grade NAT", true},
                                            {"127.0.0.0/8", "loopback"},
                                            {"168.63.129.16/32", "of the cloud's host"},
                                            {"169.254.0.0/16", "link-local"},
                                            {"172.16.0.0/12", "private", true},
                                            {"192.0.0.0/24", "reserved"},
                                            {"192.0.2.0/24", "for documentation"},
                                            {"192.88.99.0/24", "reserved"},
                                            {"192.168.0.0/16", "private", true},
                                            {"198.18.0.0/15", "for benchmarks"},
                                            {"198.51.100.0/24", "for documentation"},
                                            {"203.0.113.0/24", "for documentation"},
                                            {"224.0.0.0/4", "multicast"},
                                            {"240.0.0.0/4", "reserved"},
                                            {"::/128", "unspecified"},
                                            {"::1/128", "loopback"},
                                            {"64:ff9b:1::/48", "private"},
                                            {"100::/64", "reserved"},
                                            {"2001::/32", "a tunnel"},
                                            {"2001:db8::/32", "for documentation"},
                                            {"fc00::/7", "unique-local", true},
                                            {"fe80::/10", "link-local"},
                                            {"fec0::/10", "private"},
                                            {"ff00::/8", "multicast"}}};

const Special* special_of(const Address& address) {
  for (const Special& each : kSpecial) {
    const auto network = parse_network(each.network);
    if (network && same_bits(address, network->base, network->bits)) return &each;
  }
  if (address.v4) return nullptr;
  const auto starts_with = [&](std::string_view text) {
    const auto network = parse_network(text);
    return network && same_bits(address, network->base, network->bits);
  };
  if (starts_with("64:ff9b::/96") || starts_with("::/96")) return special_of(v4_of(address, 12));
  if (starts_with("2002::/16")) return special_of(v4_of(address, 2));
  return nullptr;
}

bool is_in(const Address& address, std::string_view text) {
  const auto network = parse_network(text);
  return network && same_bits(address, network->base, network->bits);
}

}  // namespace

Result<void> check_network(std::string_view network) {
  if (parse_network(network)) return {};
  return fail_with_fix(Code::invalid, "write it as 10.0.0.0/8 or fd00::/8",
                       "\"{}\" is not a network", network);
}

bool lies_in(std::string_view address, std::string_view network) {
  const auto parsed = parse_address(address);
  return parsed && is_in(*parsed, network);
}

std::string_view local_kind(std::string_view address) {
  const auto parsed = parse_address(address);
  if (!parsed) return "none that can be read";
  const Special* special = special_of(*parsed);
  return special == nullptr ? "" : special->kind;
}

Result<void> check_address(const model::LinkProfile& profile, std::string_view entry_host,
                           const std::string& address) {
  const auto parsed = parse_address(address);
  if (!parsed) return fail(Code::forbidden, "\"{}\" is no address that can be judged", address);
  const Special* special = special_of(*parsed);
  if (special == nullptr) return {};
  const auto meant = parse_address(entry_host);
  if (meant && same_bits(*parsed, *meant, parsed->bits())) return {};
  if (entry_host == "localhost" && special->kind == "loopback") return {};
  for (const std::string& network : profile.networks)
    if (is_in(*parsed, network)) return {};
  const std::string_view suggestion = special->suggested ? special->network : address;
  return fail_with_fix(Code::forbidden,
                       fmt::format("if this is meant, add {} to networks of links.{}.{}",
                                   suggestion, name_of(profile.kind), profile.name),
                       "the address {} of {} is {}, and not to be called", address, entry_host,
                       special->kind);
}

}  // namespace baton::links
