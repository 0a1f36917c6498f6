// SPDX-License-Identifier: MIT
// Artifacts of the gate as attachments of the test run that shows its results, one after the other
// by their paths. What is there is asked first, so that a crash repeats none.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "links/azure_devops.h"
#include "links/signature.h"
#include "wire/json_writer.h"

namespace baton::links::azure {
namespace {

using model::ErrorClass;

// The page of a test run is read by people; a larger file is for the gate's own address. Each is
// held in memory, and once more in base64.
constexpr std::int64_t kFileMax = 10 << 20;
constexpr std::size_t kFilesMax = 50;
// Between two notes of what was done: a service that cannot show what it has gets so many twice
// after a crash.
constexpr int kFilesPerAttempt = 5;
// Together five minutes for an origin that has not finished a file, or does not give it.
constexpr Duration kPause{10'000};
constexpr std::int64_t kPausesMax = 30;
constexpr std::size_t kNameMax = 200;

// Attachments have no folders, and these are no names of files where the service runs.
std::string name_of(std::string_view path) {
  std::string name{path.substr(path.size() > kNameMax ? path.size() - kNameMax : 0)};
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return std::string_view{R"(/\:*?"<>|)"}.find(c) != std::string_view::npos; },
      '_');
  return to_valid_utf8(name);
}

class Attacher {
 public:
  Attacher(Peer& peer, const std::string& run) : peer_(peer), url_(run + "/attachments") {}

  Outcome run() {
    const auto all = peer_.message.list_files();
    if (!all)
      return peer_.with_memo(
          again(ErrorClass::transient, 0, "the artifacts: " + all.error().message));
    const std::vector<GateFile> files = wanted(*all);
    if (files.empty()) return peer_.with_memo(delivered(status_));
    std::set<std::string> there;
    if (!look(there)) return std::move(failure_);
    int left = kFilesPerAttempt;
    for (const GateFile& file : files) {
      if (!there.contains(file.path)) {
        if (left-- == 0) return later(Duration{0}, peer_.memo.to_text());
        const auto content = content_of(file);
        const bool is_late = !content && content.error().code != Code::too_large &&
                             content.error().code != Code::not_found;
        if (is_late && may_pause()) return later(kPause, peer_.memo.to_text());
        if (content && !attach(file.path, *content)) return std::move(failure_);
      }
      peer_.memo.set("attached", file.path);
    }
    return peer_.with_memo(delivered(status_));
  }

 private:
  // Those that the globs name, behind the last one that was done.
  std::vector<GateFile> wanted(const std::vector<GateFile>& all) const {
    std::vector<GateFile> found;
    for (const GateFile& file : all) {
      const auto& globs = peer_.profile.attachments;
      const bool is_named = std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
        return glob_match(glob, file.path);
      });
      if (is_named && file.size <= kFileMax && found.size() < kFilesMax) found.push_back(file);
    }
    const std::string last = peer_.memo.text("attached");
    std::erase_if(found, [&](const GateFile& file) { return file.path <= last; });
    return found;
  }

  // Ours are known by their comments, which have the whole path.
  bool look(std::set<std::string>& there) {
    const auto answer = peer_.send(call("GET", url_, ""), test_versions());
    // A service that cannot show it has nothing for us to find.
    if (answer && (answer->status == 404 || answer->status == 405)) return true;
    if (!is_taken(answer)) {
      failure_ = peer_.failure(answer);
      return false;
    }
    for (const Json& each : Json(answer->body).objects("value")) there.insert(each.text("comment"));
    return true;
  }

  Result<std::string> content_of(const GateFile& file) const {
    if (!file.is_ready) return fail(Code::unavailable, "{} is not ready", file.path);
    return peer_.message.read_file(file.path, kFileMax);
  }

  bool may_pause() {
    const std::int64_t pauses = peer_.memo.number("pauses");
    peer_.memo.set("pauses", pauses + 1);
    return pauses < kPausesMax;
  }

  // True also for one that the service does not take: the others may be what people look for.
  bool attach(const std::string& path, const std::string& content) {
    wire::JsonWriter out;
    out.begin_object()
        .field("stream", to_base64(content))
        .field("fileName", name_of(path))
        .field("comment", path)
        .field("attachmentType", "GeneralAttachment")
        .end_object();
    net::HttpRequest request = call("POST", url_, "");
    set_json(request, out.take());
    const auto answer = peer_.send(std::move(request), test_versions());
    if (is_taken(answer) || (answer && (answer->status == 400 || answer->status == 413))) {
      status_ = answer->status;
      return true;
    }
    failure_ = peer_.failure(answer);
    return false;
  }

  Peer& peer_;
  std::string url_;
  Outcome failure_;
  int status_ = 0;
};

}  // namespace

Outcome attach_artifacts(Peer& peer, const std::string& run) { return Attacher(peer, run).run(); }

}  // namespace baton::links::azure
