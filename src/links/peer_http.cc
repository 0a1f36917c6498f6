// SPDX-License-Identifier: MIT
#include "links/http.h"

namespace baton::links {
namespace {

// A peer that takes longer than this to answer a small request is down for our purposes.
constexpr Duration kTimeout = std::chrono::seconds{30};
// A large upload over a slow line goes on as long as bytes flow.
constexpr Duration kUploadTimeout = std::chrono::hours{1};

}  // namespace

PeerHttp::PeerHttp(const model::LinkProfile& profile, std::stop_token stop)
    : profile_(profile), stop_(std::move(stop)) {}

Result<net::HttpResponse> PeerHttp::send(net::HttpRequest request) {
  request.redirects_max = 0;
  request.stop = stop_;
  request.ca_file = profile_.ca_file;
  // What changes something there is sent once; whether to repeat it is the adapter's to decide.
  request.only_once = request.method != "GET" && request.method != "HEAD";
  if (!request.body_file.empty() || request.body_reader) {
    request.idle_timeout = std::min(request.idle_timeout, kTimeout);
    request.total_timeout = kUploadTimeout;
  } else {
    request.total_timeout = std::min(request.total_timeout, kTimeout);
  }
  return client_.request(request);
}

}  // namespace baton::links
