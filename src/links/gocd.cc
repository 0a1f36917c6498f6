// SPDX-License-Identifier: MIT
#include "links/gocd.h"

#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "links/peer.h"
#include "links/signature.h"
#include "net/url.h"

namespace baton::links::gocd {

using model::ErrorClass;

// What of a file is in memory while it is hashed: fewer calls would not be quicker.
constexpr std::size_t kHashPiece = 256 << 10;

Deliver find(std::string_view op) {
  if (op == "run_stage") return run_stage;
  if (op == "schedule") return schedule;
  if (op == "artifact") return upload;
  if (op == "relay_files") return relay_files;
  return nullptr;
}

Result<void> check(const model::Target& target) {
  if (target.op == "run_stage") return without_value(read_stage_run(target.fields));
  if (target.op == "schedule") return without_value(read_schedule(target.fields));
  if (target.op == "artifact") return without_value(read_upload(target.fields));
  return without_value(read_relay(target.fields));
}

net::HttpRequest call(const model::LinkProfile& profile, std::string method, std::string_view path,
                      int accept) {
  std::string base = profile.url;
  if (base.ends_with("/go")) base.resize(base.size() - 3);
  net::HttpRequest request = links::call(std::move(method), base, path);
  if (accept > 0)
    request.headers.set("Accept", fmt::format("application/vnd.go.cd.v{}+json", accept));
  if (!profile.token.empty()) {
    request.headers.set("Authorization", "Bearer " + profile.token.value);
  } else if (!profile.user.empty()) {
    request.headers.set("Authorization", basic_credentials(profile.user, profile.password.value));
  }
  if (request.method != "GET") request.headers.set("X-GoCD-Confirm", "true");
  return request;
}

net::HttpRequest read_call(const model::LinkProfile& profile, std::string_view path) {
  net::HttpRequest request = call(profile, "GET", path, 0);
  request.total_timeout = net::kForever;
  return request;
}

Outcome refused(const Result<net::HttpResponse>& answer, TimePoint now) {
  Outcome outcome = outcome_of(answer, now);
  if (!answer) return outcome;
  switch (answer->status) {
    case 401:
    case 403:
      return as_dead(std::move(outcome), ErrorClass::auth,
                     "give the link's user the permission to operate the pipeline in GoCD");
    case 404:
      return as_dead(std::move(outcome), ErrorClass::rejected,
                     "GoCD does not have it, or does not show it to the link's user");
    case 400:
    case 415:
      if (says(*answer, "X-GoCD-Confirm") || answer->status == 415)
        return as_dead(std::move(outcome), ErrorClass::misconfigured,
                       "a proxy before GoCD must hand on X-GoCD-Confirm and Content-Type");
      break;
    case 406:
      return as_dead(std::move(outcome), ErrorClass::misconfigured,
                     "this version of GoCD does not have the API that Baton speaks");
    default: break;
  }
  return outcome;
}

tl::expected<History, Outcome> look_at_history(const model::LinkProfile& profile, Http& http,
                                               const std::string& pipeline, TimePoint now) {
  const auto answer = http.send(
      call(profile, "GET",
           fmt::format("/go/api/pipelines/{}/history", net::percent_encode(pipeline)), 1));
  if (answer && answer->status == 404) return History{};
  if (!is_good(answer)) return tl::unexpected(refused(answer, now));
  History history;
  history.is_known = true;
  for (const Json& run : Json(answer->body).objects("pipelines")) {
    const Json cause = run.object("build_cause");
    history.runs.push_back(
        {run.number("counter"), cause.text("approver"), cause.is_true("trigger_forced")});
  }
  return history;
}

tl::expected<Kept, Outcome> look_at_file(const model::LinkProfile& profile, Http& http,
                                         const std::string& path, std::string_view sha1,
                                         TimePoint now) {
  const std::string query = "?sha1=" + net::percent_encode(to_base64(sha1));
  net::HttpRequest request = call(profile, "GET", path + query, 0);
  int status = 0;
  // The whole of another file would be of no use.
  request.on_head = [&status](int head, const net::Headers&) {
    status = head;
    return head != 200;
  };
  const auto answer = http.send(std::move(request));
  if (answer) status = answer->status;
  if (status == 304) return Kept::same;
  if (status == 404) return Kept::nothing;
  if (status == 200) return Kept::other;
  return tl::unexpected(refused(answer, now));
}

std::string sha1_of(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
             EVP_sha1(), nullptr);
  digest.resize(size);
  return digest;
}

Result<std::string> sha1_of(const ArtifactFile& file) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(),
                                                                     &EVP_MD_CTX_free);
  EVP_DigestInit_ex(hash.get(), EVP_sha1(), nullptr);
  std::string piece(kHashPiece, '\0');
  for (off_t at = 0; at < file.size;) {
    const ssize_t got = ::pread(file.file.get(), piece.data(), piece.size(), at);
    if (got < 0) return tl::unexpected(errno_error("read an artifact", errno));
    if (got == 0) return fail(Code::unavailable, "an artifact ends early");
    EVP_DigestUpdate(hash.get(), piece.data(), static_cast<std::size_t>(got));
    at += got;
  }
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_DigestFinal_ex(hash.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  digest.resize(size);
  return digest;
}

Result<MappedFile> MappedFile::open(const ArtifactFile& file) {
  MappedFile mapped;
  mapped.size_ = static_cast<std::size_t>(file.size);
  if (mapped.size_ == 0) return mapped;
  void* start = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, file.file.get(), 0);
  if (start == MAP_FAILED) {
    mapped.size_ = 0;
    return tl::unexpected(errno_error("map an artifact", errno));
  }
  mapped.start_ = start;
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile::~MappedFile() {
  if (start_ != nullptr) ::munmap(start_, size_);
}

Outcome no_artifact(const std::string& path, const Error& error) {
  const std::string text = fmt::format("the gate's artifact {}: {}", path, error.message);
  const bool may_come = error.code != Code::not_found && error.code != Code::gone &&
                        error.code != Code::invalid && error.code != Code::unprocessable &&
                        error.code != Code::too_large;
  return may_come ? again(ErrorClass::transient, 0, text) : dead(ErrorClass::rejected, 0, text);
}

}  // namespace baton::links::gocd
