// SPDX-License-Identifier: MIT
#pragma once
// The way of adapters to the network. Tests script it; the real one is a net::Client that follows
// no redirects, has time-outs, and connects only to addresses that the profile permits.
#include <stop_token>
#include <string>
#include <vector>

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
  /// What a peer says against a request (a status other than 2xx) is without the secrets of the
  /// profile, of the request's headers, and of hide(); where it is streamed, it comes in one piece
  /// and ends after 64 KiB.
  Result<net::HttpResponse> send(net::HttpRequest request) override;
  /// Secrets of what is sent from now on, beside those of the profile.
  void hide(std::vector<std::string> secrets) { hidden_ = std::move(secrets); }

 private:
  Result<net::HttpResponse> send_redacted(net::HttpRequest request);

  const model::LinkProfile& profile_;
  std::vector<std::string> hidden_;
  std::stop_token stop_;
  net::Client client_;
};

}  // namespace baton::links
