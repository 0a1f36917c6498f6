// SPDX-License-Identifier: MIT
#include "links/testkube_artifacts.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "links/peer.h"
#include "net/url.h"

namespace baton::links {
namespace {

// What a refusal says fits in here.
constexpr std::size_t kRefusalMax = 500;

ArtifactState state_of(std::string_view status) {
  if (status == "processing") return ArtifactState::processing;
  if (status == "failed") return ArtifactState::failed;
  if (status == "missing") return ArtifactState::missing;
  return ArtifactState::ready;  // older servers say nothing
}

// One part of the path, which the server decodes twice by the rules of queries: a plus and a
// percent sign survive that only when they are encoded twice.
std::string path_part(std::string_view path) {
  std::string once;
  for (const char c : path) {
    if (c == '%') {
      once += "%25";
    } else if (c == '+') {
      once += "%2B";
    } else {
      once += c;
    }
  }
  return net::percent_encode(once);
}

tl::unexpected<Error> lost(std::string_view path, std::string_view why) {
  return fail_with_fix(Code::unreachable,
                       "see in Testkube's storage what became of it, or run the test again",
                       "Testkube lost the artifact {}: {}", json_quote(path), why);
}

}  // namespace

std::string_view name_of(ArtifactState state) {
  switch (state) {
    case ArtifactState::ready: return "ready";
    case ArtifactState::processing: return "processing";
    case ArtifactState::failed: return "failed";
    case ArtifactState::missing: return "missing";
  }
  return "";
}

Result<std::vector<TestkubeArtifact>> parse_testkube_artifacts(std::string_view body) {
  const std::string_view text = trim(body);
  std::vector<TestkubeArtifact> artifacts;
  if (text == "null") return artifacts;
  if (!text.starts_with('['))
    return fail(Code::unavailable, "Testkube's answer is no list of artifacts: {}",
                to_valid_utf8(text.substr(0, kRefusalMax)));
  for (const Json& one : json_objects(text)) {
    TestkubeArtifact artifact{one.text("name"), std::max<std::int64_t>(one.number("size"), 0),
                              state_of(one.text("status"))};
    if (!artifact.path.empty()) artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

Result<std::vector<TestkubeArtifact>> list_testkube_artifacts(const model::LinkProfile& profile,
                                                              Http& http,
                                                              std::string_view execution) {
  BATON_TRY(answer, http.send(testkube_request(profile, "GET",
                                               testkube_execution_path(execution, "/artifacts"))));
  if (answer.status < 200 || answer.status >= 300)
    return tl::unexpected(testkube_error(answer.status, answer.body,
                                         fmt::format("list the artifacts of {}", execution)));
  return parse_testkube_artifacts(answer.body);
}

Result<void> check_testkube_artifact(const TestkubeArtifact& artifact) {
  switch (artifact.state) {
    case ArtifactState::ready: return {};
    case ArtifactState::processing:
      return fail_with_fix(Code::unavailable, "ask again after Retry-After",
                           "Testkube is still uploading the artifact {}",
                           json_quote(artifact.path));
    case ArtifactState::failed: return lost(artifact.path, "its upload failed");
    case ArtifactState::missing: break;
  }
  return lost(artifact.path, "its storage does not have it");
}

Result<void> check_testkube_bytes(std::string_view path, int status, std::string_view body) {
  if (status >= 200 && status < 300) return {};
  // A key that the storage does not have is a 500, of which the body need not say why; what may
  // come right by itself is a 502, 503 or 504.
  if (status == 404 || status == 500) {
    const std::string said = to_valid_utf8(trim(body));
    return lost(path, fmt::format("status {}{}{}", status, said.empty() ? "" : ": ", said));
  }
  return tl::unexpected(
      testkube_error(status, body, fmt::format("send the artifact {}", json_quote(path))));
}

bool ArtifactReading::on_head(int status) {
  status_ = status;
  return true;
}

bool ArtifactReading::on_data(std::string_view bytes) {
  if (status_ >= 200 && status_ < 300) return take(bytes);
  refusal_ += bytes.substr(0, kRefusalMax - std::min(kRefusalMax, refusal_.size()));
  return true;
}

bool ArtifactReading::take(std::string_view bytes) {
  const std::uint64_t begin = at_;
  at_ += bytes.size();
  if (at_ <= wanted_.offset) return true;
  if (begin < wanted_.offset) bytes.remove_prefix(wanted_.offset - begin);
  if (!wanted_.length) return on_bytes_(bytes);
  const std::uint64_t end = wanted_.offset + *wanted_.length;
  if (at_ < end) return on_bytes_(bytes);
  bytes.remove_suffix(std::min<std::uint64_t>(at_ - end, bytes.size()));
  complete_ = bytes.empty() || on_bytes_(bytes);
  return false;
}

net::HttpRequest open_testkube_artifact(const model::LinkProfile& profile,
                                        std::string_view execution, std::string_view path,
                                        ArtifactReading& reading) {
  net::HttpRequest request = testkube_request(
      profile, "GET", testkube_execution_path(execution, "/artifacts/" + path_part(path)));
  request.on_head = [&reading](int status, const net::Headers&) { return reading.on_head(status); };
  request.on_data = [&reading](std::string_view bytes) { return reading.on_data(bytes); };
  request.total_timeout = net::kForever;
  return request;
}

}  // namespace baton::links
