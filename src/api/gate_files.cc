// SPDX-License-Identifier: MIT
#include "api/gate_files.h"

#include <algorithm>
#include <map>

#include "api/gate_remote.h"
#include "api/report_import.h"
#include "api/submit.h"
#include "engine/gate_ops.h"
#include "engine/run_ops.h"
#include "model/verdict.h"
#include "store/case_table.h"

namespace baton::api {
namespace {

using model::Gate;

// Reports beyond this, all of a gate together, are no test results but a mistake: read, they take
// a dozen times as much memory. They are still artifacts.
constexpr std::int64_t kReportsMax = 32 << 20;
constexpr std::int64_t kRemoteReportMax = 16 << 20;
constexpr int kRemoteReportsMax = 50;
constexpr int kCasesPerPage = 500;

RunId run_of(const Gate& gate) { return gate.request.subject.run; }
bool has_run(const Gate& gate) { return raw(run_of(gate)) > 0; }

const store::LogSelection kWholeRun{.test = "", .attempt = 0, .whole_run = true};

Result<std::vector<links::CaseLine>> run_cases(Context& context, RunId run) {
  return read(context, [&](store::Session& session) -> Result<std::vector<links::CaseLine>> {
    std::vector<links::CaseLine> lines;
    BATON_TRY(row, engine::get_run(session, run));
    store::CaseQuery query;
    query.limit = kCasesPerPage;
    for (;;) {
      BATON_TRY(page, store::list_cases(session, run, query));
      for (model::CaseResult& item : page.cases)
        lines.push_back({row.run.namespace_ + "/" + row.run.suite, std::move(item)});
      if (!page.next_after) return lines;
      query.after = *page.next_after;
    }
  });
}

Result<std::string> content_of(Context& context, const std::string& digest, std::uint64_t max) {
  BATON_TRY(blob, context.artifacts.open_blob(digest));
  return read_file(fmt::format("/proc/self/fd/{}", blob.fd.get()), max);
}

// The cases of a JUnit file; none of another file.
void add_cases(std::vector<links::CaseLine>& lines, const std::string& path,
               const std::string& content) {
  if (reports::sniff(std::string_view(content).substr(0, 4'096)) != reports::Format::junit) return;
  const ReportFile file{path, content};
  auto imported = import_files(std::span(&file, 1), reports::Format::junit, true);
  if (!imported) return;
  for (model::CaseResult& item : imported->report.cases) {
    item.verdict = model::verdict_of(item.attempts, true, false);
    lines.push_back({path, std::move(item)});
  }
}

// A report that is not read must not look like one in which nothing failed.
links::CaseLine not_read(const store::GateArtifact& artifact) {
  links::CaseLine line{artifact.path, {}};
  line.result.name = artifact.path;
  line.result.verdict = model::CaseVerdict::errored;
  model::Attempt attempt;
  attempt.test = artifact.path;
  attempt.outcome = model::Outcome::errored;
  attempt.message = fmt::format("{} bytes of reports are too many: at most {} of a gate are read",
                                artifact.size, kReportsMax);
  line.result.attempts.push_back(std::move(attempt));
  return line;
}

// The cases of those JUnit files that can be read; what cannot is an errored case of its own.
Result<std::vector<links::CaseLine>> own_cases(Context& context, const Gate& gate) {
  std::vector<links::CaseLine> lines;
  BATON_TRY(artifacts, read(context, [&](store::Session& session) {
              return store::gate_artifacts(session, gate.id);
            }));
  std::int64_t left = kReportsMax;
  for (const store::GateArtifact& artifact : artifacts) {
    if (!artifact.path.ends_with(".xml") || artifact.digest.empty()) continue;
    if (artifact.size > left) {
      lines.push_back(not_read(artifact));
      continue;
    }
    left -= artifact.size;
    BATON_TRY(content, content_of(context, artifact.digest, kReportsMax));
    add_cases(lines, artifact.path, content);
  }
  return lines;
}

// What the peer keeps and cannot give now is missing in the file, not the file itself.
void add_remote_cases(std::vector<links::CaseLine>& lines, const Context& context, const Gate& gate,
                      const std::stop_token& stop) {
  if (!has_remote_artifacts(gate)) return;
  RemoteArtifacts remote(context, gate, stop);
  const auto artifacts = remote.list();
  if (!artifacts) return;
  int fetched = 0;
  for (const RemoteArtifact& artifact : *artifacts) {
    const links::TestkubeArtifact& origin = artifact.origin;
    if (!artifact.path.ends_with(".xml") || origin.state != links::ArtifactState::ready ||
        origin.size > kRemoteReportMax || ++fetched > kRemoteReportsMax)
      continue;
    if (const auto content = remote.read(artifact, kRemoteReportMax))
      add_cases(lines, artifact.path, *content);
  }
}

// A step that publishes results must not pass because there are none.
links::CaseLine no_result(const Gate& gate) {
  links::CaseLine line{"gate", {}};
  line.result.name = gate.request.name.empty() ? gate.id : gate.request.name;
  const bool passed = gate.verdict == model::GateVerdict::passed;
  const bool pending = gate.state == model::GateState::pending;
  line.result.verdict = passed ? model::CaseVerdict::passed : model::CaseVerdict::errored;
  model::Attempt attempt;
  attempt.test = line.result.name;
  attempt.outcome = passed ? model::Outcome::passed : model::Outcome::errored;
  attempt.started_at = gate.created_at;
  if (gate.decided_at) attempt.duration = *gate.decided_at - gate.created_at;
  attempt.message =
      pending ? "no verdict yet"
              : fmt::format("{}: {}",
                            gate.verdict == model::GateVerdict::none ? name_of(gate.state)
                                                                     : name_of(gate.verdict),
                            gate.reason);
  line.result.attempts.push_back(std::move(attempt));
  return line;
}

store::GateArtifact shown(const model::Artifact& one) {
  return {one.path, one.size, one.type, one.digest, ""};
}

}  // namespace

Result<LogSpan> log_span(Context& context, const Gate& gate, bool for_follower) {
  LogSpan span;
  bool is_whole = true;
  if (has_run(gate)) {
    // Whether it has ended first: then its size is the last one.
    const auto row =
        read(context, [&](store::Session& s) { return engine::get_run(s, run_of(gate)); });
    is_whole = !row || row->run.state == model::RunState::finished;
    BATON_TRY(size, context.streams.log_size(run_of(gate), kWholeRun));
    span.run = size.bytes;
  }
  if (is_whole || !for_follower) {
    BATON_TRY(own, context.gate_logs.size(gate.id));
    span.own = own;
  }
  return span;
}

Result<std::string> read_log(Context& context, const Gate& gate, const LogSpan& span,
                             std::int64_t offset, std::size_t max) {
  const auto most = static_cast<std::int64_t>(max);
  if (offset < span.run)
    return context.streams.log_bytes(run_of(gate), kWholeRun, offset,
                                     std::min(span.run - offset, most));
  const std::int64_t left = span.size() - offset;
  if (left <= 0) return std::string{};
  return context.gate_logs.read(gate.id, offset - span.run,
                                static_cast<std::size_t>(std::min(left, most)));
}

Result<std::string> gate_log(Context& context, const Gate& gate, std::int64_t offset,
                             std::size_t max) {
  BATON_TRY(span, log_span(context, gate, true));
  return read_log(context, gate, span, offset, max);
}

Result<void> append_to_gate(Context& context, const std::string& id, std::string_view text) {
  BATON_TRY(gate, read(context, [&](store::Session& s) { return engine::get_gate(s, id); }));
  if (gate.state != model::GateState::pending)
    return fail(Code::conflict, "the gate {} has ended: {}", id, name_of(gate.state));
  BATON_TRY(bytes, context.gate_logs.append(id, text));
  return context.writer.run<void>([&id, bytes](engine::Context& c) {
    return engine::gate_log_grew(c, id, bytes);
  });
}

Result<std::vector<links::CaseLine>> local_cases(Context& context, const Gate& gate) {
  if (!has_run(gate)) return own_cases(context, gate);
  auto cases = run_cases(context, run_of(gate));
  // A run that was deleted has left its verdict only.
  if (!cases && (cases.error().code == Code::gone || cases.error().code == Code::not_found))
    return std::vector<links::CaseLine>{};
  return cases;
}

Result<std::vector<links::CaseLine>> gate_cases(Context& context, const Gate& gate,
                                                const std::stop_token& stop) {
  BATON_TRY(lines, local_cases(context, gate));
  add_remote_cases(lines, context, gate, stop);
  const bool all_passed = std::all_of(lines.begin(), lines.end(), [](const links::CaseLine& line) {
    return line.result.verdict == model::CaseVerdict::passed ||
           line.result.verdict == model::CaseVerdict::skipped ||
           line.result.verdict == model::CaseVerdict::flaky ||
           line.result.verdict == model::CaseVerdict::quarantined_failure;
  });
  if (lines.empty() || (all_passed && gate.verdict != model::GateVerdict::passed))
    lines.push_back(no_result(gate));
  return lines;
}

Result<std::vector<store::GateArtifact>> artifacts_of_gate(Context& context, const Gate& gate) {
  return read(context, [&](store::Session& session) -> Result<std::vector<store::GateArtifact>> {
    std::map<std::string, store::GateArtifact> by_path;
    if (has_run(gate)) {
      BATON_TRY(of_run, store::list_artifacts(session, run_of(gate)));
      // Several attempts may have left a file of this name: the newest counts.
      for (const model::Artifact& one : of_run) by_path.insert_or_assign(one.path, shown(one));
    }
    BATON_TRY(own, store::gate_artifacts(session, gate.id));
    for (store::GateArtifact& one : own) {
      std::string path = one.path;
      by_path.insert_or_assign(std::move(path), std::move(one));
    }
    std::vector<store::GateArtifact> all;
    all.reserve(by_path.size());
    for (auto& [path, one] : by_path) all.push_back(std::move(one));
    return all;
  });
}

bool is_among(const std::vector<store::GateArtifact>& artifacts, const std::string& path) {
  const auto found = std::lower_bound(artifacts.begin(), artifacts.end(), path,
                                      [](const auto& a, const auto& b) { return a.path < b; });
  return found != artifacts.end() && found->path == path;
}

Result<store::GateArtifact> find_artifact_of(Context& context, const Gate& gate,
                                             const std::string& path) {
  BATON_TRY_VOID(model::check_artifact_path(path));
  return read(context, [&](store::Session& session) -> Result<store::GateArtifact> {
    BATON_TRY(own, store::find_gate_artifact(session, gate.id, path));
    if (own) return *std::move(own);
    if (has_run(gate)) {
      BATON_TRY(of_run, store::list_artifacts(session, run_of(gate), path));
      if (!of_run.empty()) return shown(of_run.back());
    }
    return fail(Code::not_found, "the gate {} has no artifact \"{}\"", gate.id, path);
  });
}

Result<links::ArtifactFile> open_gate_artifact(Context& context, const Gate& gate,
                                               const std::string& path,
                                               const std::stop_token& stop) {
  const auto artifact = find_artifact_of(context, gate, path);
  if (!artifact && artifact.error().code == Code::not_found && has_remote_artifacts(gate)) {
    BATON_TRY(remote, RemoteArtifacts(context, gate, stop).list());
    for (const RemoteArtifact& one : remote)
      if (one.path == path) return fetch_remote_file(context, gate, one, stop);
  }
  if (!artifact) return tl::unexpected(artifact.error());
  if (artifact->digest.empty())
    return fail(Code::unprocessable, "the artifact \"{}\" is kept elsewhere: {}", path,
                artifact->url);
  BATON_TRY(blob, context.artifacts.open_blob(artifact->digest));
  return links::ArtifactFile{std::move(blob.fd), blob.size, artifact->type};
}

Result<std::vector<links::GateFile>> files_of_gate(Context& context, const Gate& gate,
                                                   const std::stop_token& stop) {
  std::vector<links::GateFile> files;
  BATON_TRY(own, artifacts_of_gate(context, gate));
  for (const store::GateArtifact& one : own)
    if (!one.digest.empty()) files.push_back({one.path, one.size, true});
  BATON_TRY(remote, RemoteArtifacts(context, gate, stop).list());
  for (const RemoteArtifact& one : remote) {
    using State = links::ArtifactState;
    const State state = one.origin.state;
    if (state == State::ready || state == State::processing)
      files.push_back({one.path, one.origin.size, state == State::ready});
  }
  // The gate's own file hides another's of the same name; it came first.
  std::stable_sort(files.begin(), files.end(),
                   [](const auto& a, const auto& b) { return a.path < b.path; });
  const auto same = [](const auto& a, const auto& b) { return a.path == b.path; };
  files.erase(std::unique(files.begin(), files.end(), same), files.end());
  return files;
}

Result<std::string> read_file_of_gate(Context& context, const Gate& gate, const std::string& path,
                                      std::size_t max, const std::stop_token& stop) {
  const auto own = find_artifact_of(context, gate, path);
  if (own && !own->digest.empty()) return content_of(context, own->digest, max);
  RemoteArtifacts peer(context, gate, stop);
  BATON_TRY(remote, peer.list());
  for (const RemoteArtifact& one : remote)
    if (one.path == path) return peer.read(one, max);
  return fail(Code::not_found, "the gate {} has no artifact \"{}\"", gate.id, path);
}

links::GateUrls gate_urls(const Context& context, const Gate& gate) {
  const std::string self = context.settings.public_url + "/api/v1/gates/" + gate.id;
  links::GateUrls urls{self, self + "/log", self + "/junit.xml", self + "/artifacts", ""};
  if (has_run(gate))
    urls.run = fmt::format("{}/api/v1/runs/{}", context.settings.public_url, raw(run_of(gate)));
  return urls;
}

}  // namespace baton::api
