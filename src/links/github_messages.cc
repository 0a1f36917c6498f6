// SPDX-License-Identifier: MIT
// Comments and dispatches.
#include "links/github.h"
#include "net/url.h"
#include "wire/json_writer.h"

namespace baton::links::github {
namespace {

// GitHub takes 65,536 characters; bytes are never fewer.
constexpr std::size_t kCommentMax = 65'000;
constexpr int kPerPage = 100;
// A discussion of more than a thousand comments gets a new one from us.
constexpr int kPagesMax = 10;
constexpr std::size_t kReasonMax = 1'000;

// Hidden in the comment; what it names is written so that it cannot end it.
std::string marker_of(const model::Gate& gate) {
  return gate.request.key.empty()
             ? "<!-- baton gate=" + gate.id + " -->"
             : "<!-- baton key=" + net::percent_encode(gate.request.key) + " -->";
}

class Comment {
 public:
  explicit Comment(Peer& peer) : peer_(peer), marker_(marker_of(peer.message.gate)) {}

  Outcome run() {
    std::vector<CaseLine> cases;
    if (peer_.message.read_cases) {
      auto read = peer_.message.read_cases();
      if (read) cases = std::move(*read);
    }
    wire::JsonWriter out;
    const std::string text = marker_ + "\n" + report(peer_.message, cases, kCommentMax);
    out.begin_object().field("body", text).end_object();
    const std::string body = out.take();
    if (!find()) return std::move(failure_);
    if (id_ != 0) {
      const auto changed =
          peer_.send("PATCH", peer_.repo_path(fmt::format("/issues/comments/{}", id_)), body);
      if (is_good(changed)) return done(*changed);
      // Deleted meanwhile, or somebody copied ours: a new one then.
      if (!changed || (changed->status != 404 && changed->status != 403))
        return peer_.failure(changed);
    }
    const auto made = peer_.send("POST", comments_path(), body);
    if (!is_good(made)) return peer_.failure(made);
    id_ = Json(made->body).number("id");
    return done(*made);
  }

 private:
  std::string comments_path() const {
    return peer_.repo_path("/issues/" + peer_.place.pr + "/comments");
  }

  // The comment of an earlier gate of the key, or of an attempt whose answer was lost.
  bool find() {
    id_ = peer_.memo.number("id");
    for (int page = 1; id_ == 0 && page <= kPagesMax; ++page) {
      const auto found =
          peer_.send("GET", comments_path() + fmt::format("?per_page={}&page={}", kPerPage, page));
      if (!is_good(found)) {
        failure_ = peer_.failure(found);
        return false;
      }
      const std::vector<Json> comments = json_objects(found->body);
      for (const Json& each : comments)
        if (each.text("body").starts_with(marker_)) id_ = each.number("id");
      if (comments.size() < kPerPage) break;
    }
    return true;
  }

  Outcome done(const net::HttpResponse& answer) {
    peer_.memo.set("id", id_);
    return peer_.with_memo(delivered(answer.status));
  }

  Peer& peer_;
  std::string marker_;
  std::int64_t id_ = 0;
  Outcome failure_;
};

}  // namespace

Outcome deliver_comment(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto place = parse_place("comment", message.delivery.target.fields);
  if (!place) return unreadable(place.error());
  Peer peer(message, profile, http, *place);
  return Comment(peer).run();
}

// Nothing at GitHub tells whether a dispatch came through: after a lost answer it may run twice.
// The payload has the delivery's id, by which a workflow finds out.
Outcome deliver_dispatch(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto place = parse_place("dispatch", message.delivery.target.fields);
  if (!place) return unreadable(place.error());
  Peer peer(message, profile, http, *place);
  wire::JsonWriter own;
  own.begin_object()
      .field("gate", message.gate.id)
      .field("delivery", message.delivery.id)
      .field("verdict", name_of(message.gate.verdict))
      .field_if("reason", cut_text(message.gate.reason, kReasonMax))
      .field_if("url", details_url(message))
      .end_object();
  std::string payload = place->client_payload.empty() ? "{}" : place->client_payload;
  payload.pop_back();  // the brace
  payload += (payload == "{" ? "\"baton\":" : ",\"baton\":") + own.take() + "}";
  wire::JsonWriter out;
  out.begin_object().field("event_type", place->event_type);
  out.key("client_payload").raw(payload).end_object();
  const auto answer = peer.send("POST", peer.repo_path("/dispatches"), out.take());
  if (!is_good(answer)) return peer.failure(answer);
  return peer.with_memo(delivered(answer->status));
}

}  // namespace baton::links::github
