// SPDX-License-Identifier: MIT
// The routes of GoCD that scripts call, taken in its place: what is asked is recorded, answered as
// GoCD answers, and brought to the configured server with retries. (The oldest of them has left
// GoCD itself; it becomes the call that replaced it.)
#include <fcntl.h>

#include <boost/json.hpp>

#include "api/artifact_answer.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/delivery_ops.h"
#include "links/adapters.h"
#include "links/gocd.h"
#include "links/http.h"
#include "links/profiles.h"
#include "links/sealed_fields.h"
#include "net/url.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "wire/json_reader.h"

namespace baton::api {
namespace {

namespace json = boost::json;
using model::LinkKind;

// What GoCD itself allows for an artifact by default.
constexpr std::uint64_t kFetchedMax = 4ULL << 30;

// The GoCD that is meant: `?link=gocd/NAME`, else gocd/main, else the only one.
Result<const model::LinkProfile*> gocd_of(Context& context, const Call& call) {
  const links::Profiles& all = context.settings.links;
  if (const std::string_view link = call.query("link"); !link.empty())
    return links::get_profile(all, link.starts_with("gocd/") ? std::string(link)
                                                             : fmt::format("gocd/{}", link));
  if (const model::LinkProfile* main = links::find_profile(all, "gocd/main")) return main;
  const model::LinkProfile* only = nullptr;
  int found = 0;
  for (const model::LinkProfile& profile : all) {
    if (profile.kind != LinkKind::gocd) continue;
    only = &profile;
    ++found;
  }
  if (found == 1) return only;
  return fail_with_fix(Code::not_found,
                       found == 0 ? "add it to `links: gocd:` in baton.yaml"
                                  : "say which with ?link=gocd/NAME, or call one of them main",
                       "{}", found == 0 ? "no GoCD server is configured"
                                        : "several GoCD servers are configured");
}

struct Taken {
  model::Target target;
  int status = 202;
  std::string message;  // as GoCD says it
  std::string lane = {};
};

// Takes the delivery, with the body as its artifact when there is one.
Async take(Context& context, Call& call, Taken taken,
           std::optional<store::GateArtifact> body = std::nullopt) {
  if (auto checked = links::check_target(LinkKind::gocd, taken.target); !checked)
    co_return tl::unexpected(checked.error());
  taken.target.stage = links::stage_of(LinkKind::gocd, taken.target.op);
  links::seal_fields(context.secret_box, LinkKind::gocd, taken.target);
  Post post{.scope = "go:" + call.request.path};
  PostOperation operation = [taken = std::move(taken), body = std::move(body)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(delivery, engine::take_delivery(c, taken.target, taken.lane));
    if (body) BATON_TRY_VOID(store::put_gate_artifact(c.tx, delivery.id, *body));
    wire::JsonWriter out;
    out.begin_object().field("message", taken.message).field("delivery", delivery.id).end_object();
    return store::StoredAnswer{taken.status, {}, out.take()};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

std::string text_of(const json::object& object) { return json::serialize(object); }

// Dot segments would lead to GoCD's other routes, with the link's credentials.
Result<void> check_path(const Call& call) {
  model::Target target;
  target.op = "relay_files";
  target.fields = text_of({{"method", "PUT"}, {"path", call.request.path}});
  return links::check_target(LinkKind::gocd, target);
}

// GoCD's answer to a file that was fetched, held in a file without a name.
Result<net::Response> fetch(Context& context, const Call& call,
                            const model::LinkProfile& profile) {
  Fd spill(::open(context.settings.spill_folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!spill) return tl::unexpected(errno_error("hold the file of GoCD", errno));
  links::PeerHttp http(profile, {});
  net::HttpRequest request = links::gocd::call(profile, "GET", call.request.target, 0);
  std::uint64_t size = 0;
  bool full = false;
  request.on_data = [&](std::string_view piece) {
    size += piece.size();
    full = size > kFetchedMax || !write_all(spill.get(), piece);
    return !full;
  };
  auto answer = http.send(std::move(request));
  if (full) return fail(Code::too_large, "the file has more than {} bytes", kFetchedMax);
  if (!answer) return tl::unexpected(Error{Code::unavailable, answer.error().message});
  net::Response response;
  response.status = answer->status;
  for (const char* name : {"Content-Type", "Content-MD5", "ETag"})
    if (const auto value = answer->headers.get(name); !value.empty())
      response.headers.set(name, std::string(value));
  response.body = net::FileBody{std::move(spill), 0, size};
  return response;
}

}  // namespace

Async go_run_stage(Context& context, Call& call) {
  auto profile = gocd_of(context, call);
  if (!profile) co_return tl::unexpected(profile.error());
  const json::object fields{
      {"pipeline", call.args[0]}, {"counter", call.args[1]}, {"stage", call.args[2]}};
  Taken taken;
  taken.target = {(*profile)->id(), "run_stage", text_of(fields), {}, {}};
  taken.message = fmt::format("Request to schedule stage {}/{}/{} accepted", call.args[0],
                              call.args[1], call.args[2]);
  auto answer = co_await take(context, call, std::move(taken));
  co_return answer;
}

Async go_schedule(Context& context, Call& call) {
  auto profile = gocd_of(context, call);
  if (!profile) co_return tl::unexpected(profile.error());
  json::object fields;
  if (!call.request.body.empty()) {
    auto body = wire::parse_json(call.request.body);
    if (!body) co_return tl::unexpected(body.error());
    if (!body->is_object()) co_return fail(Code::invalid, "the body must be a JSON object");
    fields = body->as_object();
  }
  fields["pipeline"] = call.args[0];
  Taken taken;
  taken.target = {(*profile)->id(), "schedule", text_of(fields), {}, {}};
  taken.message = fmt::format("Request to schedule pipeline {} accepted", call.args[0]);
  auto answer = co_await take(context, call, std::move(taken));
  co_return answer;
}

Async go_put_file(Context& context, Call& call) {
  auto profile = gocd_of(context, call);
  if (!profile) co_return tl::unexpected(profile.error());
  if (auto good = model::check_artifact_path(call.args[5]); !good)
    co_return tl::unexpected(good.error());
  auto stored = co_await context.disk.run<Result<store::ArtifactBlobs::Stored>>(
      [&] { return copy_to_blobs(context, call.request); });
  if (!stored) co_return tl::unexpected(stored.error());
  const std::string type(call.request.headers.get("Content-Type"));
  json::object fields{{"method", call.request.method}, {"path", call.request.path}};
  const std::string& target = call.request.target;
  if (const std::size_t at = target.find('?'); at != std::string::npos)
    fields["query"] = target.substr(at + 1);
  if (!type.empty()) fields["content_type"] = type;
  Taken taken;
  taken.target = {(*profile)->id(), "relay_files", text_of(fields), {}, {}};
  taken.status = call.request.method == "PUT" ? 200 : 201;
  // Of two equal appends nobody could tell which is there if they went out together.
  taken.lane = (*profile)->id() + call.request.path;
  taken.message = fmt::format("File {} was {} successfully", call.args[5],
                              call.request.method == "PUT" ? "appended" : "created");
  // Named: g++ 12 destroys a braced temporary of a co_await expression twice.
  store::GateArtifact body{"body", stored->size(), type, stored->digest(), ""};
  auto answer = co_await take(context, call, std::move(taken), std::move(body));
  co_return answer;
}

Async go_get_file(Context& context, Call& call) {
  auto profile = gocd_of(context, call);
  if (!profile) co_return tl::unexpected(profile.error());
  if (auto good = check_path(call); !good) co_return tl::unexpected(good.error());
  auto answer = co_await context.disk.run<Result<net::Response>>(
      [&] { return fetch(context, call, **profile); });
  if (!answer) co_return tl::unexpected(answer.error());
  co_return *std::move(answer);
}

}  // namespace baton::api
