// SPDX-License-Identifier: MIT
#include "api/runner_records.h"

#include "api/run_events.h"
#include "wire/json_writer.h"

namespace baton::api {
namespace {

model::Attempt to_attempt(const wire::AttemptFinished& from) {
  model::Attempt attempt;
  attempt.test = from.test;
  attempt.number = from.attempt;
  attempt.outcome = from.outcome;
  attempt.soft_failure = from.soft_failure;
  attempt.started_at = from.at - from.duration;
  attempt.duration = from.duration;
  attempt.message = from.message;
  attempt.file = from.file;
  attempt.line = from.line;
  attempt.spans = from.spans;
  attempt.values = from.values;
  attempt.log_bytes = from.log_bytes;
  return attempt;
}

struct ToModel {
  model::RecordBody operator()(const wire::PlanRecord& r) const {
    return model::PlanRecord{r.cases};
  }
  model::RecordBody operator()(const wire::SetupRecord& r) const {
    return model::SetupRecord{r.outcome, r.message, r.duration, r.at};
  }
  model::RecordBody operator()(const wire::AttemptStarted& r) const {
    return model::AttemptStarted{r.test, r.attempt, r.at};
  }
  model::RecordBody operator()(const wire::OutputRecord&) const { return std::monostate{}; }
  model::RecordBody operator()(const wire::AttemptFinished& r) const {
    model::AttemptFinished to;
    to.test = r.test;
    to.attempt = r.attempt;
    to.outcome = r.outcome;
    to.soft_failure = r.soft_failure;
    to.at = r.at;
    to.duration = r.duration;
    to.message = r.message;
    to.file = r.file;
    to.line = r.line;
    to.spans = r.spans;
    to.values = r.values;
    to.log_bytes = r.log_bytes;
    to.final_ = r.final_;
    return to;
  }
  model::RecordBody operator()(const wire::ArtifactRecord& r) const {
    model::Artifact artifact;
    artifact.path = r.path;
    artifact.size = r.size;
    artifact.type = r.content_type;
    artifact.test = r.test;
    artifact.attempt = r.attempt;
    artifact.digest = r.digest;
    return model::ArtifactRecord{std::move(artifact)};
  }
  model::RecordBody operator()(const wire::FinishedRecord& r) const {
    return model::FinishedRecord{r.ending, r.message, r.at};
  }
};

// Fills what is special to the kind.
struct ToEntry {
  store::StreamEntry& entry;

  void operator()(const wire::PlanRecord& r) const {
    entry.kind = store::EntryKind::plan;
    wire::JsonWriter out;
    out.begin_object().field("cases", r.cases.size());
    entry.payload = out.end_object().take();
  }
  void operator()(const wire::SetupRecord& r) const {
    entry.kind = store::EntryKind::setup;
    wire::JsonWriter out;
    out.begin_object().field("outcome", name_of(r.outcome)).field("message", r.message);
    out.field("duration_ms", r.duration).field("at", r.at);
    entry.payload = out.end_object().take();
  }
  void operator()(const wire::AttemptStarted& r) const {
    entry.kind = store::EntryKind::attempt_started;
    entry.test = r.test;
    entry.attempt = r.attempt;
    entry.payload = attempt_started_json(r.test, r.attempt, r.at);
  }
  void operator()(const wire::OutputRecord& r) const {
    entry.kind = store::EntryKind::output;
    entry.test = r.test;
    entry.attempt = r.attempt;
    entry.first_line = r.first_line;
    entry.lines = r.lines;
    entry.raw_size = r.bytes;
    entry.codec = r.codec == wire::Codec::zstd ? store::Codec::zstd : store::Codec::raw;
    entry.payload = r.payload;
  }
  void operator()(const wire::AttemptFinished& r) const {
    entry.kind = store::EntryKind::attempt_finished;
    entry.test = r.test;
    entry.attempt = r.attempt;
    entry.payload = attempt_finished_json(to_attempt(r));
  }
  void operator()(const wire::ArtifactRecord& r) const {
    entry.kind = store::EntryKind::artifact;
    entry.test = r.test;
    entry.attempt = r.attempt;
    wire::JsonWriter out;
    out.begin_object().field("path", r.path).field("size", r.size).field("type", r.content_type);
    entry.payload = out.end_object().take();
  }
  void operator()(const wire::FinishedRecord& r) const {
    entry.kind = store::EntryKind::finished;
    wire::JsonWriter out;
    out.begin_object().field("ending", name_of(r.ending)).field("message", r.message);
    entry.payload = out.field("at", r.at).end_object().take();
  }
};

}  // namespace

std::vector<model::Record> to_model(std::span<const wire::Record> records) {
  std::vector<model::Record> out;
  out.reserve(records.size());
  for (const wire::Record& record : records)
    out.push_back({record.seq, std::visit(ToModel{}, record.body)});
  return out;
}

store::StreamEntry to_entry(const wire::Record& record, int epoch) {
  store::StreamEntry entry;
  entry.epoch = epoch;
  entry.seq = record.seq;
  std::visit(ToEntry{entry}, record.body);
  return entry;
}

}  // namespace baton::api
