// SPDX-License-Identifier: MIT
#include "links/http.h"

#include "links/address_guard.h"
#include "links/allow_list.h"
#include "links/redact.h"

namespace baton::links {
namespace {

// A peer that takes longer than this to answer a small request is down for our purposes.
constexpr Duration kTimeout = std::chrono::seconds{30};
// A large upload over a slow line goes on as long as bytes flow.
constexpr Duration kUploadTimeout = std::chrono::hours{1};
// An event stream tells every 20 seconds that it is alive; three missed ones end it.
constexpr Duration kStreamSilence = std::chrono::seconds{60};

// Of a refusal that is streamed; people are shown less.
constexpr std::size_t kRefusalMax = 64 << 10;

// Whoever calls such a link names the address that it is called back at.
bool is_guarded(const model::LinkProfile& profile) {
  return profile.kind == model::LinkKind::azure_devops || !profile.allow.empty();
}

bool is_refusal(int status) { return status < 200 || status >= 300; }

}  // namespace

PeerHttp::PeerHttp(const model::LinkProfile& profile, std::stop_token stop)
    : profile_(profile), stop_(std::move(stop)) {}

Result<net::HttpResponse> PeerHttp::send_redacted(net::HttpRequest request) {
  std::vector<std::string> secrets = secrets_of(request.headers);
  for (std::string& secret : secrets_of(profile_)) secrets.push_back(std::move(secret));
  secrets.insert(secrets.end(), hidden_.begin(), hidden_.end());
  if (!request.on_data) {
    auto answer = client_.request(request);
    if (answer && is_refusal(answer->status))
      answer->body = redact(std::move(answer->body), secrets);
    return answer;
  }
  // A secret may lie across two pieces: those of a refusal are handed on as one.
  int status = 0;
  std::string refusal;
  const auto on_data = request.on_data;
  request.on_head = [&status, on_head = request.on_head](int got, const net::Headers& headers) {
    status = got;
    return !on_head || on_head(got, headers);
  };
  request.on_data = [&](std::string_view piece) {
    if (!is_refusal(status)) return on_data(piece);
    refusal += piece.substr(0, kRefusalMax - std::min(kRefusalMax, refusal.size()));
    return true;
  };
  auto answer = client_.request(request);
  if (!refusal.empty()) on_data(redact(std::move(refusal), secrets));
  return answer;
}

Result<net::HttpResponse> PeerHttp::send(net::HttpRequest request) {
  request.redirects_max = 0;
  request.stop = stop_;
  request.ca_file = profile_.ca_file;
  request.untrusted = Code::unauthenticated;
  // What changes something there is sent once; whether to repeat it is the adapter's to decide.
  request.only_once = request.method != "GET" && request.method != "HEAD";
  if (!request.body_file.empty() || request.body_reader) {
    request.idle_timeout = std::min(request.idle_timeout, kTimeout);
    request.total_timeout = kUploadTimeout;
  } else if (request.on_data) {
    request.idle_timeout = std::min(request.idle_timeout, kStreamSilence);
  } else {
    request.total_timeout = std::min(request.total_timeout, kTimeout);
  }
  if (is_guarded(profile_)) {
    // Once more than when it came in: the list may have become shorter since.
    BATON_TRY(entry, allowed_by(request.url, profile_.allow));
    request.check_address = [&profile = profile_, host = entry.host](const std::string& address) {
      return check_address(profile, host, address);
    };
  }
  auto answer = send_redacted(std::move(request));
  if (!answer && answer.error().code == Code::unauthenticated) {
    // As an address that is refused: it stays so until somebody acts.
    answer.error().code = Code::forbidden;
    answer.error().fix =
        fmt::format("correct the certificate, or name its authority as ca_file of links.{}.{}",
                    name_of(profile_.kind), profile_.name);
  }
  return answer;
}

}  // namespace baton::links
