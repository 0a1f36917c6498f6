// SPDX-License-Identifier: MIT
// The routes of GoCD that scripts call, taken in its place: what is asked is recorded, answered as
// GoCD answers, and brought to the configured server with retries. (The oldest of them has left
// GoCD itself; it becomes the call that replaced it.)
#include <boost/json.hpp>

#include "api/artifact_answer.h"
#include "api/handlers.h"
#include "api/remote_file.h"
#include "api/reply.h"
#include "api/report_import.h"
#include "api/submit.h"
#include "engine/delivery_ops.h"
#include "links/adapters.h"
#include "links/gocd.h"
#include "links/http.h"
#include "links/profiles.h"
#include "links/sealed_fields.h"
#include "net/multipart.h"
#include "net/url.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "wire/json_reader.h"

namespace baton::api {
namespace {

namespace json = boost::json;
using model::LinkKind;

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

// The target may be the whole address, as it is sent to a proxy; GoCD's is that of the link.
std::string path_and_query(const net::RequestHead& request) {
  const std::size_t query = request.target.find('?');
  return request.path + (query == std::string::npos ? "" : request.target.substr(query));
}

// GoCD takes nothing else, and would say so when nobody listens any more.
Result<void> check_form(const net::Request& request) {
  BATON_TRY(body, MappedBody::open(request));
  constexpr const char* kFix =
      "send multipart/form-data with a part named `file` or `zipfile`; PUT appends a plain body";
  const std::string_view type = request.headers.get("Content-Type");
  auto found = net::has_part(type, body.bytes(), {"file", "zipfile"});
  if (!found) {
    found.error().fix = kFix;
    return tl::unexpected(std::move(found).error());
  }
  if (!*found)
    return fail_with_fix(Code::invalid, kFix, "no part of the form is named `file` or `zipfile`");
  return {};
}

std::string last_part(const Call& call) {
  const std::string& path = call.request.path;
  return net::percent_decode(path.substr(path.rfind('/') + 1)).value_or("file");
}

// The head of GoCD's answer; complete when the first piece of the body, or the end, is there.
struct Fetched {
  int status = 0;
  net::Headers headers;
};

Result<void> fetch(net::HttpRequest request, const model::LinkProfile& profile, Fetched& head,
                   const RemoteFile::Push& push, const std::stop_token& stop) {
  links::PeerHttp http(profile, stop);
  request.on_head = [&head](int status, const net::Headers& headers) {
    head.status = status;
    for (const char* name : {"Content-Type", "Content-MD5", "ETag"})
      if (const auto value = headers.get(name); !value.empty())
        head.headers.set(name, std::string(value));
    return true;
  };
  request.on_data = push;
  const auto answer = http.send(std::move(request));
  if (!answer) return tl::unexpected(Error{Code::unavailable, answer.error().message});
  return {};
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
      [&]() -> Result<store::ArtifactBlobs::Stored> {
        if (call.request.method == "POST") BATON_TRY_VOID(check_form(call.request));
        return copy_to_blobs(context, call.request);
      });
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
  auto head = std::make_shared<Fetched>();
  RemoteFile::Fetch fetching =
      [head, to = *profile,
       request = links::gocd::read_call(**profile, path_and_query(call.request))](
          const RemoteFile::Push& push, const std::stop_token& stop) mutable {
        return fetch(std::move(request), *to, *head, push, stop);
      };
  auto opened = RemoteFile::start(context.remote, std::move(fetching));
  if (!opened) co_return tl::unexpected(opened.error());
  std::shared_ptr<RemoteFile> file = *std::move(opened);
  auto first = co_await file->next();
  if (!first) co_return tl::unexpected(first.error());
  // It is the link that GoCD refuses, not whoever asked here.
  if (head->status == 401 || head->status == 403 || head->status < 200 || head->status > 599)
    co_return fail_with_fix(Code::unreachable, "correct the credentials of the link",
                            "GoCD answers the link {} with status {}", (*profile)->id(),
                            head->status);
  net::Response response;
  response.status = head->status;
  response.headers = head->headers;
  // A page that a job made must not act as one of this server.
  response.headers.set("Content-Security-Policy", "sandbox; default-src 'none'");
  response.headers.set("Content-Disposition", net::attachment_disposition(last_part(call)));
  response.body = remote_body(std::move(file), *std::move(first));
  co_return response;
}

}  // namespace baton::api
