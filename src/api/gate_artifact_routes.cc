// SPDX-License-Identifier: MIT
// Artifacts of a gate: listed, fetched, put, and its results as one JUnit file. They are made by
// others and may be hostile: always a download, in a sandbox.
#include <algorithm>

#include "api/artifact_answer.h"
#include "api/gate_files.h"
#include "api/gate_remote.h"
#include "api/handlers.h"
#include "api/log_text.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/gate_ops.h"
#include "engine/run_ops.h"
#include "model/verdict.h"
#include "net/mime.h"
#include "net/url.h"
#include "reports/writer.h"
#include "store/gate_table.h"
#include "wire/page.h"

namespace baton::api {
namespace {

// system-out of one attempt; the log route has all of it.
constexpr std::size_t kOutputMax = 64 << 10;

Result<model::Gate> gate_of(Context& context, const Call& call) {
  return read(context,
              [&](store::Session& session) { return engine::get_gate(session, call.args[0]); });
}

// Where the work of a gate is done that may have to ask its peer.
template <class R>
boost::asio::awaitable<Result<R>> run_for(Context& context, const model::Gate& gate,
                                          UniqueFunction<Result<R>(const std::stop_token&)> work) {
  if (has_remote_artifacts(gate)) {
    auto result = co_await context.remote.run<R>(std::move(work));
    co_return result;
  }
  auto result = co_await context.disk.run<Result<R>>([&] { return work({}); });
  co_return result;
}

// Whoever tests may still make one that is not there, until the gate has ended.
Answer not_there(const Call& call, const model::Gate& gate, Error missing) {
  if (gate.state != model::GateState::pending) return tl::unexpected(std::move(missing));
  missing.code = Code::unavailable;
  missing.message += " yet";
  missing.fix = "ask again after Retry-After: it may come until the gate has ended";
  return not_ready_yet(call, std::move(missing), links::kArtifactRetryAfterSeconds);
}

// An artifact that the peer keeps.
Async get_remote(Context& context, Call& call, const model::Gate& gate, Error missing) {
  if (!has_remote_artifacts(gate)) co_return not_there(call, gate, std::move(missing));
  auto all = co_await context.remote.run<std::vector<RemoteArtifact>>(
      [&](const std::stop_token& stop) { return RemoteArtifacts(context, gate, stop).list(); });
  if (!all) co_return tl::unexpected(all.error());
  for (RemoteArtifact& one : *all) {
    if (one.path != call.args[1]) continue;
    auto answer = co_await send_remote(context, call, gate, std::move(one));
    co_return answer;
  }
  co_return not_there(call, gate, std::move(missing));
}

// Its own artifacts, then those that the peer keeps.
Result<std::vector<store::GateArtifact>> all_artifacts(Context& context, const model::Gate& gate,
                                                       const std::stop_token& stop) {
  BATON_TRY(all, artifacts_of_gate(context, gate));
  if (!has_remote_artifacts(gate)) return all;
  BATON_TRY(remote, RemoteArtifacts(context, gate, stop).list());
  std::erase_if(remote, [&](const RemoteArtifact& one) { return is_among(all, one.path); });
  for (const RemoteArtifact& one : remote)
    all.push_back({one.path, one.origin.size, std::string(net::content_type_of(one.path)), "", "",
                   std::string(name_of(one.origin.state))});
  return all;
}

model::Run shown_as_run(const model::Gate& gate, const std::vector<links::CaseLine>& lines) {
  model::Run run;
  run.namespace_ = "gate";
  run.suite = gate.request.name.empty() ? gate.id : gate.request.name;
  run.started_at = gate.created_at;
  run.finished_at = gate.decided_at;
  for (const links::CaseLine& line : lines) {
    model::add(run.counts, line.result.verdict, 1);
    ++run.counts.total;
  }
  return run;
}

Result<std::string> junit_of(Context& context, const model::Gate& gate,
                             const std::stop_token& stop) {
  BATON_TRY(lines, gate_cases(context, gate, stop));
  model::Run run = shown_as_run(gate, lines);
  const RunId id = gate.request.subject.run;
  reports::OutputOf output_of;
  if (raw(id) > 0) {
    if (auto row = read(context, [&](store::Session& s) { return engine::get_run(s, id); })) {
      const model::Counts counts = run.counts;
      run = std::move(row->run);
      run.counts = counts;
    }
    output_of = [&context, id](const std::string& test, int attempt) {
      return output_text(context, id, test, attempt, kOutputMax);
    };
  }
  std::string text;
  reports::JunitWriter writer(
      [&](std::string_view piece) -> Result<void> {
        text += piece;
        return {};
      },
      std::move(output_of));
  writer.begin(run);
  for (const links::CaseLine& line : lines) writer.add(line.result);
  BATON_TRY_VOID(writer.end());
  return text;
}

}  // namespace

Async list_gate_artifacts(Context& context, Call& call) {
  auto gate = gate_of(context, call);
  if (!gate) co_return tl::unexpected(gate.error());
  auto limit = page_limit(call);
  if (!limit) co_return tl::unexpected(limit.error());
  auto cursor = integer_cursor(call);
  if (!cursor) co_return tl::unexpected(cursor.error());
  auto all = co_await run_for<std::vector<store::GateArtifact>>(
      context, *gate,
      [&](const std::stop_token& stop) { return all_artifacts(context, *gate, stop); });
  if (!all) co_return tl::unexpected(all.error());
  Page page(context, call);
  const auto size = static_cast<std::int64_t>(all->size());
  const std::int64_t from = std::clamp<std::int64_t>(cursor->value_or(0), 0, size);
  const std::int64_t end = std::min(size, from + *limit);
  for (std::int64_t i = from; i < end; ++i) {
    const store::GateArtifact& one = (*all)[static_cast<std::size_t>(i)];
    page.items().begin_object().field("path", one.path);
    if (one.url.empty()) page.items().field("size", one.size).field("type", one.type);
    page.items().field("state", one.state).field_if("url", one.url).end_object();
  }
  std::optional<std::string> next;
  if (end < size) next = wire::encode_cursor(end);
  co_return page.finish(next);
}

Async get_gate_artifact(Context& context, Call& call) {
  auto gate = gate_of(context, call);
  if (!gate) co_return tl::unexpected(gate.error());
  auto artifact = co_await context.disk.run<Result<store::GateArtifact>>(
      [&] { return find_artifact_of(context, *gate, call.args[1]); });
  if (!artifact && artifact.error().code == Code::not_found) {
    auto answer = co_await get_remote(context, call, *gate, artifact.error());
    co_return answer;
  }
  if (!artifact) co_return tl::unexpected(artifact.error());
  if (artifact->digest.empty()) {
    net::Response elsewhere = net::reply(302);
    elsewhere.headers.set("Location", artifact->url);
    co_return elsewhere;
  }
  // Named: g++ 12 destroys a braced temporary of a co_await expression twice.
  model::Artifact found{artifact->path, artifact->size, artifact->type, "", 0, artifact->digest};
  auto answer = co_await send_artifact(context, call, std::move(found));
  co_return answer;
}

Async put_gate_artifact(Context& context, Call& call) {
  auto gate = gate_of(context, call);
  if (!gate) co_return tl::unexpected(gate.error());
  const std::string path = call.args[1];
  if (auto good = model::check_artifact_path(path); !good) co_return tl::unexpected(good.error());
  auto stored = co_await context.disk.run<Result<store::ArtifactBlobs::Stored>>(
      [&] { return copy_to_blobs(context, call.request); });
  if (!stored) co_return tl::unexpected(stored.error());
  const std::string_view type = call.request.headers.get("Content-Type");
  const bool says = !type.empty() && type != "application/x-www-form-urlencoded";
  store::GateArtifact artifact{path, stored->size(),
                               std::string(says ? type : net::content_type_of(path)),
                               stored->digest(), ""};
  engine::Operation<bool> operation = [id = gate->id, artifact,
                                       bound_to = preconditions_of(call)](
                                          engine::Context& c) -> Result<bool> {
    BATON_TRY(known, store::find_gate_artifact(c.tx.sql(), id, artifact.path));
    BATON_TRY_VOID(check(bound_to, known ? wire::etag_of_digest(known->digest) : ""));
    BATON_TRY_VOID(store::put_gate_artifact(c.tx, id, artifact));
    return !known;
  };
  auto is_new = co_await submit<bool>(context, std::move(operation));
  if (!is_new) co_return tl::unexpected(is_new.error());
  wire::JsonWriter out;
  out.begin_object().field("path", path).field("size", artifact.size);
  out.field("type", artifact.type).field("digest", artifact.digest).end_object();
  net::Response response = json_reply(*is_new ? 201 : 200, out.take());
  response.headers.set("ETag", wire::etag_of_digest(artifact.digest));
  if (*is_new) response.headers.set("Location", call.request.path);
  co_return response;
}

Async get_gate_junit(Context& context, Call& call) {
  auto gate = gate_of(context, call);
  if (!gate) co_return tl::unexpected(gate.error());
  auto text = co_await run_for<std::string>(
      context, *gate, [&](const std::stop_token& stop) { return junit_of(context, *gate, stop); });
  if (!text) co_return tl::unexpected(text.error());
  co_return net::reply(200, "application/xml", *std::move(text));
}

}  // namespace baton::api
