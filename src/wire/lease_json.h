// SPDX-License-Identifier: MIT
#pragma once
// Bodies of the requests about leases. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/lease.h"

namespace baton::wire {

/// {wants:[{environment|labels,mode?,slots?}] | environment, holder:{name,url?,reason?,run?}, ttl?,
/// wait?, priority?, supersede_key?, notify?:{url}}.
/// Errors: invalid with a pointer per field; unprocessable (a TTL that is out of range).
Result<model::LeaseRequest> parse_lease_request(std::string_view body);

/// {fence}.  Errors: invalid.
Result<std::int64_t> parse_renewal(std::string_view body);

struct ReleaseRequest {
  std::optional<std::int64_t> fence;
  std::optional<model::LeaseOutcome> outcome;
  std::string note;
};
/// {fence?,outcome?,note?}; an empty body is {}.  Errors: invalid.
Result<ReleaseRequest> parse_release(std::string_view body);

/// Who gets the slots of a lease: one that waits, or a new one of this holder.
struct HeirRequest {
  std::string lease;
  std::optional<model::Holder> holder;
};
struct TransferRequest {
  std::int64_t fence = 0;
  HeirRequest to;
};
/// {fence,to:{lease}|{holder}}.  Errors: invalid.
Result<TransferRequest> parse_transfer(std::string_view body);

struct RevokeRequest {
  std::string reason;
  std::optional<HeirRequest> to;
};
/// {reason,to?:{lease}|{holder}}.  Errors: invalid.
Result<RevokeRequest> parse_revocation(std::string_view body);

}  // namespace baton::wire
