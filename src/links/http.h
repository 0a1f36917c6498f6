// SPDX-License-Identifier: MIT
#pragma once
// The way of adapters to the network. Tests script it; the real one is a net::Client that follows
// no redirects, has time-outs, and connects only to addresses that the profile permits.
#include <stop_token>

#include "base/result.h"
#include "model/link.h"
#include "net/client.h"

namespace baton::links {

class Http {
 public:
  virtual ~Http() = default;
  /// Errors: those of net::Client; forbidden when the address or the peer's certificate is not
  /// permitted.
  virtual Result<net::HttpResponse> send(net::HttpRequest request) = 0;
};

/// One thread's connections to one profile's peer.
class PeerHttp final : public Http {
 public:
  PeerHttp(const model::LinkProfile& profile, std::stop_token stop);
  Result<net::HttpResponse> send(net::HttpRequest request) override;

 private:
  const model::LinkProfile& profile_;
  std::stop_token stop_;
  net::Client client_;
};

}  // namespace baton::links
