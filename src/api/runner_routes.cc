// SPDX-License-Identifier: MIT
// What a run's runner asks and tells (docs/formats/runner.md). Every call names the runner's epoch:
// one that was replaced is refused with conflict, one whose run is over with gone.
#include <sys/types.h>
#include <unistd.h>

#include <map>

#include "api/artifact_answer.h"
#include "api/handlers.h"
#include "api/lookup.h"
#include "api/reply.h"
#include "api/runner_records.h"
#include "api/submit.h"
#include "base/text.h"
#include "base/variable_name.h"
#include "engine/record_ops.h"
#include "net/mime.h"
#include "wire/job.h"
#include "wire/records.h"

namespace baton::api {
namespace {

// Entries per read when an earlier epoch's last record is looked up.
constexpr std::size_t kScanEntries = 1'000;
// From the upload of a file to the record that names it: the runner sends it with its next batch.
constexpr std::chrono::minutes kKeepUnnamed{10};

Result<int> epoch_of(const Call& call) {
  BATON_TRY(epoch, integer_query(call, "epoch", 1, INT32_MAX));
  if (!epoch) return fail(Code::invalid, "the query needs epoch=N");
  return static_cast<int>(*epoch);
}

std::string job_body(engine::Job job, int epoch) {
  wire::Job out;
  out.run = job.run.id;
  out.epoch = epoch;
  out.suite = std::move(job.suite);
  out.environment = job.run.request.environment;
  out.cancel = job.run.cancel_requested;
  out.cancel_reason = job.run.cancel_reason;
  for (auto& [name, value] : job.properties)
    out.variables[variable_name("BATON_ENV_", name)] = std::move(value);
  if (!job.run.lease.empty()) {
    out.variables["BATON_LEASE"] = job.run.lease;
    out.variables["BATON_FENCE"] = std::to_string(job.fence);
  }
  out.request = std::move(job.run.request);
  for (model::CaseProgress& progress : job.progress)
    out.progress.push_back(
        {std::move(progress.name), progress.attempts, progress.counted, progress.finished});
  out.time_left = job.time_left;
  return wire::encode_job(out);
}

// The last record of an epoch that the stream holds: what a dead runner got stored.
Result<std::int64_t> last_seq_of(store::RunStreams& streams, RunId run, int epoch) {
  BATON_TRY(state, streams.state(run));
  if (state.epoch == epoch) return state.seq;
  std::int64_t last = 0;
  for (std::int64_t after = 0;;) {
    BATON_TRY(entries, streams.read(run, after, kScanEntries));
    if (entries.empty()) return last;
    for (const store::StreamEntry& entry : entries) {
      if (entry.epoch > epoch) return last;
      if (entry.epoch == epoch) last = entry.seq;
    }
    after = entries.back().ordinal;
  }
}

// Stores the batch in the run's stream: durable and visible to readers of logs when it returns.
// Records that a dead runner had sent already come again under the new runner's numbers; they are
// known by what they were.
Result<void> append_to_stream(store::RunStreams& streams, RunId run, int epoch,
                              const std::vector<wire::Record>& records) {
  std::vector<store::StreamEntry> entries;
  std::map<int, std::int64_t> known;
  for (const wire::Record& record : records) {
    if (record.origin_epoch > 0 && record.origin_epoch < epoch) {
      if (!known.contains(record.origin_epoch)) {
        BATON_TRY(last, last_seq_of(streams, run, record.origin_epoch));
        known[record.origin_epoch] = last;
      }
      if (record.origin_seq <= known[record.origin_epoch]) continue;
    }
    entries.push_back(to_entry(record, epoch));
  }
  if (entries.empty()) return {};
  BATON_TRY_VOID(streams.append(run, entries));
  return {};
}

// Errors: those of apply_records for a runner that may not speak: before anything is stored.
Result<bool> takes_records(Context& context, const Call& call, int epoch) {
  return read(context, [&](store::Session& session) -> Result<bool> {
    BATON_TRY(row, find_run(session, call.args[0]));
    if (row.run.state == model::RunState::finished) return false;
    if (row.run.epoch != epoch)
      return fail(Code::conflict, "run {} is at epoch {}, not {}", call.args[0], row.run.epoch,
                  epoch);
    return true;
  });
}

// The type that the runner says, when it is one, else by the name.
std::string type_of(const Call& call, std::string_view path) {
  const std::string_view given = call.request.headers.get("Content-Type");
  constexpr std::size_t kTypeMax = 200;
  const bool usable = given.find('/') != std::string_view::npos && given.size() <= kTypeMax &&
                      !has_control_bytes(given) && given != "application/octet-stream" &&
                      given != "application/x-www-form-urlencoded";
  return std::string{usable ? given : net::content_type_of(path)};
}

}  // namespace

Async get_job(Context& context, Call& call) {
  auto id = run_id_of(call.args[0]);
  if (!id) co_return tl::unexpected(id.error());
  auto epoch = epoch_of(call);
  if (!epoch) co_return tl::unexpected(epoch.error());
  engine::Operation<engine::Job> operation = [&rules = context.rules, id = *id,
                                              epoch = *epoch](engine::Context& c) {
    return engine::claim_job(c, rules, id, epoch);
  };
  auto job = co_await submit<engine::Job>(context, std::move(operation));
  if (!job) co_return tl::unexpected(job.error());
  co_return json_reply(200, job_body(*std::move(job), *epoch));
}

Async post_records(Context& context, Call& call) {
  auto id = run_id_of(call.args[0]);
  if (!id) co_return tl::unexpected(id.error());
  auto epoch = epoch_of(call);
  if (!epoch) co_return tl::unexpected(epoch.error());
  auto records = wire::decode_records(call.request.body);
  if (!records) co_return tl::unexpected(records.error());
  if (!records->empty()) {
    auto takes = takes_records(context, call, *epoch);
    if (!takes) co_return tl::unexpected(takes.error());
    if (*takes) {
      auto stored = co_await context.disk.run<Result<void>>(
          [&] { return append_to_stream(context.streams, *id, *epoch, *records); });
      if (!stored) co_return tl::unexpected(stored.error());
      context.watch.notify(store::run_subject(*id));
    }
  }
  engine::Operation<engine::Applied> operation =
      [&rules = context.rules, id = *id, epoch = *epoch, records = to_model(*records)](
          engine::Context& c) { return engine::apply_records(c, rules, id, epoch, records); };
  auto applied = co_await submit<engine::Applied>(context, std::move(operation));
  if (!applied) co_return tl::unexpected(applied.error());
  co_return json_reply(
      200, wire::encode_records_answer({applied->acked, applied->cancel, applied->reason}));
}

Async put_artifact(Context& context, Call& call) {
  auto epoch = epoch_of(call);
  if (!epoch) co_return tl::unexpected(epoch.error());
  const std::string path{call.query("path")};
  if (auto good = model::check_artifact_path(path); !good) co_return tl::unexpected(good.error());
  auto takes = takes_records(context, call, *epoch);
  if (!takes) co_return tl::unexpected(takes.error());
  if (!*takes) co_return fail(Code::gone, "run {} has finished", call.args[0]);
  auto stored = co_await context.disk.run<Result<store::ArtifactBlobs::Stored>>(
      [&] { return copy_to_blobs(context, call.request); });
  if (!stored) co_return tl::unexpected(stored.error());
  wire::JsonWriter out;
  out.begin_object().field("size", stored->size()).field("digest", stored->digest());
  out.field("type", type_of(call, path)).end_object();
  context.unnamed.keep(*std::move(stored), kKeepUnnamed);
  co_return json_reply(200, out.take());
}

}  // namespace baton::api
