// SPDX-License-Identifier: MIT
// Files into a GoCD job: a gate's artifact, or what a legacy route took in GoCD's place.
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "links/gocd.h"
#include "links/peer.h"
#include "links/signature.h"
#include "net/multipart.h"
#include "net/url.h"

namespace baton::links::gocd {
namespace {

using model::ErrorClass;

// What an append is looked for in. Logs of jobs are smaller; beyond it nothing is certain.
constexpr std::size_t kTailMax = 64 << 20;

void needed_path(wire::JsonFields& f, std::string_view name, std::string& out) {
  needed_line(f, name, out);
  if (out.empty()) return;
  if (const auto checked = model::check_artifact_path(out); !checked)
    f.fault(name, checked.error().message);
}

std::string encoded(std::string_view path) {
  std::string out;
  for (const std::string_view part : split(path, '/')) out += "/" + net::percent_encode(part);
  return out;
}

/// A form with one file, of which only the frame is in memory.
class Form {
 public:
  Form(const ArtifactFile& file, std::string_view name, std::string_view boundary)
      : fd_(file.file.get()), size_(static_cast<std::uint64_t>(file.size)) {
    std::string quoted;
    for (const char c : name) quoted += c == '"' ? std::string("%22") : std::string(1, c);
    head_ = fmt::format(
        "--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n",
        boundary, quoted);
    tail_ = fmt::format("\r\n--{}--\r\n", boundary);
  }

  std::uint64_t size() const { return head_.size() + size_ + tail_.size(); }

  std::size_t read(char* buffer, std::size_t max) {
    std::size_t count = 0;
    if (at_ < head_.size()) {
      count = copy(head_, at_, buffer, max);
    } else if (at_ < head_.size() + size_) {
      const std::uint64_t offset = at_ - head_.size();
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(max, size_ - offset));
      const ssize_t got = ::pread(fd_, buffer, want, static_cast<off_t>(offset));
      count = got > 0 ? static_cast<std::size_t>(got) : 0;  // short: the call fails by its length
    } else {
      count = copy(tail_, at_ - head_.size() - size_, buffer, max);
    }
    at_ += count;
    return count;
  }

 private:
  static std::size_t copy(const std::string& from, std::uint64_t at, char* buffer,
                          std::size_t max) {
    const auto offset = static_cast<std::size_t>(at);
    const std::size_t count = std::min(max, from.size() - offset);
    std::memcpy(buffer, from.data() + offset, count);
    return count;
  }

  int fd_;
  std::uint64_t size_;
  std::uint64_t at_ = 0;
  std::string head_;
  std::string tail_;
};

Result<net::HttpResponse> post_form(const Message& message, const model::LinkProfile& profile,
                                    Http& http, const Upload& target, const ArtifactFile& file) {
  // No file can know the id of its delivery beforehand, so none can hold the boundary.
  const std::string boundary =
      "baton-" + to_hex(hmac_sha256(message.delivery.id, target.path)).substr(0, 40);
  Form form(file, target.path.substr(target.path.rfind('/') + 1), boundary);
  net::HttpRequest request = call(profile, "POST", target.path, 0);
  request.headers.set("Content-Type", "multipart/form-data; boundary=" + boundary);
  request.headers.set("X-Go-Artifact-Size", std::to_string(file.size));
  request.body_reader_size = form.size();
  request.body_reader = [&form](char* buffer, std::size_t max) { return form.read(buffer, max); };
  return http.send(std::move(request));
}

Outcome exists_already(int status) {
  return dead(ErrorClass::rejected, status,
              "GoCD has another file at this path, or half of this one, and replaces none; upload "
              "to another path");
}

Outcome refused_file(const Result<net::HttpResponse>& answer, TimePoint now) {
  Outcome outcome = refused(answer, now);
  if (!answer) return outcome;
  if (answer->status == 413)
    return as_dead(std::move(outcome), ErrorClass::rejected, "GoCD's disk has no room for it");
  return outcome;
}

}  // namespace

Result<Upload> read_upload(std::string_view fields) {
  Upload target;
  std::string pipeline, counter, stage, stage_counter, job, path;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_part(f, "pipeline", pipeline);
    needed_number_or_line(f, "counter", counter);
    needed_part(f, "stage", stage);
    needed_number_or_line(f, "stage_counter", stage_counter);
    needed_part(f, "job", job);
    needed_path(f, "path", path);
    needed_path(f, "source", target.source);
  }));
  target.path = "/go/files";
  for (const std::string& part : {pipeline, counter, stage, stage_counter, job})
    target.path += "/" + net::percent_encode(part);
  target.path += encoded(path);
  return target;
}

Outcome upload(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto target = read_upload(message.delivery.target.fields);
  if (!target) return unreadable(target.error());
  const auto file = message.open_artifact(target->source);
  if (!file) return no_artifact(target->source, file.error());
  const auto sha1 = sha1_of(*file);
  if (!sha1) return no_artifact(target->source, sha1.error());

  const auto look = [&] { return look_at_file(profile, http, target->path, *sha1, message.now); };
  const auto before = look();
  if (!before) return before.error();
  if (*before == Kept::same) return delivered(304);
  Json memo(message.delivery.memo);
  if (*before == Kept::other) {
    // What a lost call sent may still be on its way to the disk: one more look.
    if (!memo.has("lost")) return exists_already(200);
    Outcome outcome = again(ErrorClass::transient, 200, "GoCD has a part of the file so far");
    outcome.memo = "{}";
    return outcome;
  }
  const auto answer = post_form(message, profile, http, *target, *file);
  if (is_good(answer)) return delivered(answer->status);
  if (answer && !(answer->status == 403 && says(*answer, "already exists")))
    return refused_file(answer, message.now);
  const auto after = look();
  if (after && *after == Kept::same) return delivered(304);
  if (answer) return exists_already(answer->status);
  Outcome outcome = outcome_of(answer, message.now);
  outcome.memo = memo.set("lost", 1).to_text();
  return outcome;
}

// What came in GoCD's place

namespace {

/// What the head of an answer says of the length of the file behind it.
std::optional<std::int64_t> told_size(int status, const net::Headers& headers) {
  const std::string_view told = headers.get("Content-Length");
  if (status != 200 || told.empty() || headers.find("Content-Encoding") != nullptr) return {};
  return std::strtoll(std::string(told).c_str(), nullptr, 10);
}

/// How long the file at the target is now; 0 when there is none.
tl::expected<std::int64_t, Outcome> size_there(const model::LinkProfile& profile, Http& http,
                                               const std::string& path, TimePoint now) {
  net::HttpRequest request = read_call(profile, path);
  int status = 0;
  std::int64_t size = 0;
  std::optional<std::int64_t> told;
  request.on_head = [&](int head, const net::Headers& headers) {
    status = head;
    told = told_size(head, headers);
    return !told;
  };
  request.on_data = [&](std::string_view piece) {
    if (status == 200) size += static_cast<std::int64_t>(piece.size());
    return true;
  };
  const auto answer = http.send(std::move(request));
  if (answer) status = answer->status;
  if (status == 404) return 0;
  if (told) return *told;
  if (answer && status == 200) return size;
  return tl::unexpected(refused(answer, now));
}

/// Whether `bytes` are in the file somewhere behind its first `before` bytes. GoCD knows no ranges:
/// its head tells first whether there is anything, so that each append does not cost the whole.
tl::expected<bool, Outcome> was_appended(const model::LinkProfile& profile, Http& http,
                                         const std::string& path, std::int64_t before,
                                         std::string_view bytes, TimePoint now) {
  net::HttpRequest request = read_call(profile, path);
  int status = 0;
  bool is_too_short = false;
  std::string tail;
  auto skip = static_cast<std::uint64_t>(before);
  request.on_head = [&](int head, const net::Headers& headers) {
    status = head;
    const auto told = told_size(head, headers);
    is_too_short = told && *told < before + static_cast<std::int64_t>(bytes.size());
    return head == 200 && !is_too_short;
  };
  request.on_data = [&](std::string_view piece) {
    const auto unseen = static_cast<std::size_t>(std::min<std::uint64_t>(skip, piece.size()));
    skip -= unseen;
    tail += piece.substr(unseen);
    return tail.size() <= kTailMax;
  };
  const auto answer = http.send(std::move(request));
  if (answer) status = answer->status;
  if (status == 404 || is_too_short) return false;
  if (tail.find(bytes) != std::string::npos) return true;
  if (tail.size() > kTailMax)
    return tl::unexpected(dead(ErrorClass::rejected, 200,
                               "too much was appended meanwhile to see whether this was, too"));
  if (!is_good(answer)) return tl::unexpected(refused(answer, now));
  return false;
}

Outcome append(const Message& message, const model::LinkProfile& profile, Http& http,
               const Relay& relay) {
  const std::string path = relay.target.substr(0, relay.target.find('?'));
  const Json memo(message.delivery.memo);
  if (!memo.has("size")) {
    const auto size = size_there(profile, http, path, message.now);
    if (!size) return size.error();
    return later(Duration{0}, Json(memo).set("size", *size).to_text());
  }
  const auto body = message.open_artifact("body");
  if (!body) return no_artifact("body", body.error());
  const auto mapped = MappedFile::open(*body);
  if (!mapped) return no_artifact("body", mapped.error());
  if (!mapped->bytes().empty()) {  // an append of nothing may be repeated
    const auto done =
        was_appended(profile, http, path, memo.number("size"), mapped->bytes(), message.now);
    if (!done) return done.error();
    if (*done) return delivered(200);
  }
  net::HttpRequest request = call(profile, "PUT", relay.target, 0);
  if (!relay.content_type.empty()) request.headers.set("Content-Type", relay.content_type);
  request.body_file = body->path();
  const auto answer = http.send(std::move(request));
  return is_good(answer) ? delivered(answer->status) : refused_file(answer, message.now);
}

// Dot segments would lead to GoCD's other routes, with the link's credentials.
bool is_below_files(const std::string& path) {
  const auto parsed = net::parse_target(path);
  if (!parsed || !path.starts_with("/go/files/") || path.find('?') != std::string::npos)
    return false;
  return std::none_of(
      parsed->segments.begin(), parsed->segments.end(), [](const std::string& part) {
        return part == "." || part == ".." || part.find_first_of("/\\") != std::string::npos;
      });
}

/// The file within a form: its SHA-1, or "" when the form holds none that can be compared.
std::string sha1_within(const Relay& relay, std::string_view form) {
  const auto parts = net::parse_multipart(relay.content_type, form);
  if (!parts) return {};
  for (const net::Part& part : *parts)
    if (part.name == "file") return sha1_of(part.content);
  return {};
}

Outcome post(const Message& message, const model::LinkProfile& profile, Http& http,
             const Relay& relay) {
  const auto body = message.open_artifact("body");
  if (!body) return no_artifact("body", body.error());
  net::HttpRequest request = call(profile, "POST", relay.target, 0);
  if (!relay.content_type.empty()) request.headers.set("Content-Type", relay.content_type);
  request.body_file = body->path();
  const auto answer = http.send(std::move(request));
  if (is_good(answer)) return delivered(answer->status);
  if (!answer || answer->status != 403 || !says(*answer, "already exists"))
    return refused_file(answer, message.now);
  const auto mapped = MappedFile::open(*body);
  if (!mapped) return no_artifact("body", mapped.error());
  const std::string sha1 = sha1_within(relay, mapped->bytes());
  if (sha1.empty()) return exists_already(answer->status);
  const std::string path = relay.target.substr(0, relay.target.find('?'));
  const auto kept = look_at_file(profile, http, path, sha1, message.now);
  if (!kept) return kept.error();
  return *kept == Kept::same ? delivered(304) : exists_already(answer->status);
}

}  // namespace

Result<Relay> read_relay(std::string_view fields) {
  Relay relay;
  std::string query;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_line(f, "method", relay.method);
    if (relay.method != "PUT" && relay.method != "POST") f.fault("method", "must be PUT or POST");
    needed_line(f, "path", relay.target);
    if (!is_below_files(relay.target)) f.fault("path", "must be below /go/files/");
    f.text("query", query);
    if (has_control_bytes(query)) f.fault("query", "must be one line of text");
    optional_line(f, "content_type", relay.content_type);
  }));
  if (!query.empty()) relay.target += "?" + query;
  return relay;
}

Outcome relay_files(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto relay = read_relay(message.delivery.target.fields);
  if (!relay) return unreadable(relay.error());
  return relay->method == "PUT" ? append(message, profile, http, *relay)
                                : post(message, profile, http, *relay);
}

}  // namespace baton::links::gocd
