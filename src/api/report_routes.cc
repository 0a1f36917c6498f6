// SPDX-License-Identifier: MIT
// Uploading the result files of tests that ran elsewhere.
#include "api/audit.h"
#include "api/handlers.h"
#include "api/log_text.h"
#include "api/reply.h"
#include "api/report_import.h"
#include "api/submit.h"
#include "net/multipart.h"
#include "wire/run_json.h"

namespace baton::api {
namespace {

Result<model::RunRequest> request_of(const Call& call) {
  model::RunRequest request;
  request.suite = call.query("suite");
  if (request.suite.empty())
    return fail_with_fix(Code::invalid, "add ?suite=namespace/name", "the suite is missing");
  request.reference = call.query("reference");
  request.revision = call.query("revision");
  request.branch = call.query("branch");
  request.environment = call.query("environment");
  request.triggered_by = call.query("triggered_by");
  if (request.triggered_by.empty()) request.triggered_by = call.who.actor;
  for (const net::Parameter& parameter : call.request.query) {
    if (parameter.name != "label") continue;
    const std::size_t at = parameter.value.find('=');
    if (at == std::string::npos || at == 0)
      return fail(Code::invalid, "label=\"{}\" must be key=value", parameter.value);
    request.labels[parameter.value.substr(0, at)] = parameter.value.substr(at + 1);
  }
  return request;
}

Result<std::vector<ReportFile>> files_of(const Call& call, std::string_view body) {
  const std::string_view type = call.request.headers.get("Content-Type");
  std::vector<ReportFile> files;
  if (type.starts_with("multipart/form-data")) {
    BATON_TRY(parts, net::parse_multipart(type, body));
    for (net::Part& part : parts)
      files.push_back({part.file_name.empty() ? part.name : part.file_name, part.content});
  } else {
    files.push_back({"report", body});
  }
  if (files.empty() || body.empty())
    return fail_with_fix(Code::invalid, "send the file as the body, or several as form-data",
                         "there is no report in the request");
  return files;
}

Result<Imported> import_upload(const Call& call) {
  BATON_TRY(request, request_of(call));
  const std::string_view format_text = call.query("format");
  BATON_TRY(format, reports::parse_format(format_text.empty() ? "auto" : format_text));
  BATON_TRY(partial, flag_query(call, "partial"));
  BATON_TRY(body, MappedBody::open(call.request));
  BATON_TRY(files, files_of(call, body.bytes()));
  BATON_TRY(imported, import_files(files, format, partial));
  imported.report.request = std::move(request);
  return std::move(imported);
}

// What is known before anything is stored: the answer to an earlier same request, or the report.
struct Prepared {
  std::optional<net::Response> replay;
  Imported imported;
};

Result<Prepared> prepare(Context& context, const Call& call, Post& post) {
  Prepared prepared;
  BATON_TRY(replay, find_replay(context, call, post));
  prepared.replay = std::move(replay);
  if (prepared.replay) return prepared;
  BATON_TRY(imported, import_upload(call));
  prepared.imported = std::move(imported);
  return prepared;
}

// Stores what the tests printed under the id that the run will have. It comes before the run: a run
// that is told of has its logs, whatever happens in between.
boost::asio::awaitable<Result<void>> store_logs(Context& context, Imported& imported) {
  if (imported.outputs.empty()) co_return Result<void>{};
  engine::Operation<RunId> reserve = [](engine::Context& c) { return engine::reserve_run(c); };
  auto id = co_await submit<RunId>(context, std::move(reserve));
  if (!id) co_return tl::unexpected(id.error());
  imported.report.id = *id;
  auto stored = co_await context.disk.run<Result<void>>(
      [&] { return store_outputs(context.streams, *id, imported.outputs); });
  co_return stored;
}

// Whether the run is there, or may be: an answer that did not come says nothing about the commit.
bool may_be_stored(const Answer& answer) {
  if (!answer) return answer.error().code == Code::unavailable;
  return answer->headers.find("Idempotency-Replayed") == nullptr;
}

}  // namespace

Async upload_report(Context& context, Call& call) {
  Post post{.scope = fmt::format("reports:{}", call.query("suite"))};
  auto prepared = co_await context.disk.run<Result<Prepared>>(
      [&] { return prepare(context, call, post); });
  if (!prepared) co_return tl::unexpected(prepared.error());
  if (prepared->replay) co_return *std::move(prepared->replay);
  Imported& imported = prepared->imported;
  auto stored = co_await store_logs(context, imported);
  if (!stored) co_return tl::unexpected(stored.error());
  PostOperation operation = [&context, &report = imported.report](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(run, engine::import_report(c, report));
    return store::StoredAnswer{201, fmt::format("/api/v1/runs/{}", raw(run.id)),
                               wire::to_json(run, context.settings.public_url)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  if (raw(imported.report.id) != 0 && !may_be_stored(answer))
    static_cast<void>(co_await context.disk.run<Result<void>>(
        [&] { return context.streams.remove(imported.report.id); }));
  co_return answer;
}

}  // namespace baton::api
