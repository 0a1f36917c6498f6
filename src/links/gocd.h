// SPDX-License-Identifier: MIT
#pragma once
// GoCD. A stage that ran is run again when it is asked for again, a pipeline is triggered again, an
// upload that broke is refused for ever, an append appends twice: so every operation looks first
// and asks GoCD for what is not there yet. Where the look itself needs something to compare with,
// a first attempt only notes it in the memo, so that no crash can lose it.
#include "links/message.h"

namespace baton::links::gocd {

/// run_stage, schedule, artifact for targets; relay_files for what a legacy route took.
Deliver find(std::string_view op);
Result<void> check(const model::Target& target);

struct StageRun {
  std::string pipeline;
  std::string counter;  // digits or "latest"
  std::string stage;
};
Result<StageRun> read_stage_run(std::string_view fields);
Outcome run_stage(const Message& message, const model::LinkProfile& profile, Http& http);

struct Schedule {
  std::string pipeline;
  std::string body;  // of GoCD's API, "" for none
};
Result<Schedule> read_schedule(std::string_view fields);
Outcome schedule(const Message& message, const model::LinkProfile& profile, Http& http);

struct Upload {
  std::string path;    // of GoCD: "/go/files/…", encoded
  std::string source;  // of the gate
};
Result<Upload> read_upload(std::string_view fields);
Outcome upload(const Message& message, const model::LinkProfile& profile, Http& http);

/// {method:"PUT|POST",path:"/go/files/…",query?,content_type?}; the body is the artifact "body".
struct Relay {
  std::string method;
  std::string target;  // path and query
  std::string content_type;
};
Result<Relay> read_relay(std::string_view fields);
Outcome relay_files(const Message& message, const model::LinkProfile& profile, Http& http);

/// A call to `path`, which starts with "/go/", with the profile's credentials.
/// accept: the API's version, 0 for what is no API.
net::HttpRequest call(const model::LinkProfile& profile, std::string method, std::string_view path,
                      int accept);
/// One that reads a file, for as long as bytes flow: with on_data.
net::HttpRequest read_call(const model::LinkProfile& profile, std::string_view path);
/// The outcome of an answer for which the operation has no meaning of its own.
Outcome refused(const Result<net::HttpResponse>& answer, TimePoint now);

/// One run of a pipeline, of the newest page of its history.
struct PipelineRun {
  std::int64_t counter = 0;
  std::string approver;
  bool forced = false;
};
/// Newest first.
struct History {
  bool is_known = false;  // false: GoCD has no such pipeline, or does not show it
  std::vector<PipelineRun> runs;
};
tl::expected<History, Outcome> look_at_history(const model::LinkProfile& profile, Http& http,
                                               const std::string& pipeline, TimePoint now);

/// What GoCD has at a path of its files.
enum class Kept { nothing, same, other };
/// sha1: 20 raw bytes.
tl::expected<Kept, Outcome> look_at_file(const model::LinkProfile& profile, Http& http,
                                         const std::string& path, std::string_view sha1,
                                         TimePoint now);
/// 20 raw bytes.
std::string sha1_of(std::string_view bytes);
/// The same of a file, of which a piece is in memory.  Errors: unavailable.
Result<std::string> sha1_of(const ArtifactFile& file);

/// The bytes of an open file, mapped: what is read of them counts as memory of this process.
class MappedFile {
 public:
  /// Errors: unavailable.
  static Result<MappedFile> open(const ArtifactFile& file);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();
  std::string_view bytes() const { return {static_cast<const char*>(start_), size_}; }

 private:
  MappedFile() = default;
  void* start_ = nullptr;
  std::size_t size_ = 0;
};

/// Why a gate's artifact cannot be sent.
Outcome no_artifact(const std::string& path, const Error& error);

}  // namespace baton::links::gocd
