// SPDX-License-Identifier: MIT
#include "runner/artifacts.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/log.h"

namespace baton::runner {
namespace {

constexpr Duration kRetryFirst{200};
constexpr Duration kRetryMax{5'000};

// Refused for what it is: sending it again changes nothing.
bool refused(Code code) {
  return code == Code::invalid || code == Code::too_large || code == Code::unprocessable ||
         code == Code::forbidden || code == Code::limit;
}

bool lost(Code code) { return code == Code::gone || code == Code::conflict; }

}  // namespace

Artifacts::Artifacts(Loop& loop, Background& background, Recorder& recorder,
                     client::MakeRunnerCalls make_calls, std::string folder, wire::JobLimits limits)
    : loop_(loop),
      background_(background),
      recorder_(recorder),
      make_calls_(std::move(make_calls)),
      folder_(std::move(folder)),
      limits_(limits) {}

Artifacts::~Artifacts() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

void Artifacts::collect(Owner owner, Search search, Done done) {
  search.files_max = static_cast<std::size_t>(limits_.artifacts);
  ++waiting_;
  background_.submit([this, owner, search = std::move(search), done](const std::stop_token&) {
    Searched found = find_files(search);
    for (const FoundFile& file : found.files) {
      if (auto copied = copy(owner, search.folder, file.path, file.path); !copied) {
        found.problems.push_back(copied.error().message);
      }
    }
    return [this, done, problems = std::move(found.problems)] {
      done(problems);
      if (--waiting_ == 0 && on_idle_) on_idle_();
    };
  });
}

void Artifacts::take(Owner owner, std::string file, std::string name, Done done) {
  ++waiting_;
  background_.submit([this, owner, file = std::move(file), name, done](const std::stop_token&) {
    std::vector<std::string> problems;
    const std::size_t slash = file.rfind('/');
    const auto copied = slash == std::string::npos
                            ? fail(Code::invalid, "{}: not an absolute path", file)
                            : copy(owner, slash == 0 ? "/" : file.substr(0, slash),
                                   file.substr(slash + 1), name);
    if (!copied) problems.push_back(copied.error().message);
    return [this, done, problems] {
      done(problems);
      if (--waiting_ == 0 && on_idle_) on_idle_();
    };
  });
}

// On the background's thread.
Result<void> Artifacts::copy(const Owner& owner, const std::string& folder, const std::string& path,
                             const std::string& name) {
  BATON_TRY_VOID(model::check_artifact_path(name));
  BATON_TRY_VOID(make_directories(folder_));
  const std::string kept = fmt::format("{}/{}", folder_, ++copies_);
  BATON_TRY_VOID(copy_below(folder, path, kept, limits_.artifact_bytes));
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({owner.test, owner.attempt, name, kept, ""});
  }
  loop_.post([this] {
    ++waiting_;
    if (!thread_.joinable())
      thread_ = std::jthread([this](const std::stop_token& stop) { send(stop); });
    wake_.notify_one();
  });
  return {};
}

void Artifacts::send(const std::stop_token& stop) {
  const std::unique_ptr<client::RunnerCalls> calls = make_calls_(stop);
  Duration retry{0};
  for (;;) {
    client::ArtifactUpload upload;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      if (retry > Duration{0}) wake_.wait_for(lock, stop, retry, [] { return false; });
      if (stop.stop_requested()) return;
      upload = queue_.front();
    }
    auto stored_or = calls->put_artifact(upload);
    if (stop.stop_requested() || (!stored_or && lost(stored_or.error().code))) return;
    if (!stored_or && !refused(stored_or.error().code)) {
      retry = std::clamp(retry * 2, kRetryFirst, kRetryMax);
      continue;
    }
    retry = Duration{0};
    {
      const std::lock_guard lock(mutex_);
      queue_.pop_front();
    }
    loop_.post([this, upload, stored_or = std::move(stored_or)] { stored(upload, stored_or); });
  }
}

void Artifacts::stored(const client::ArtifactUpload& upload,
                       const Result<client::StoredArtifact>& stored) {
  ::unlink(upload.file.c_str());
  if (stored) {
    recorder_.add(wire::ArtifactRecord{upload.test, upload.attempt, upload.path, stored->size,
                                       stored->type, stored->digest});
  } else {
    log::warn("runner.artifact_refused",
              {{"path", upload.path}, {"error", stored.error().message}});
  }
  if (--waiting_ == 0 && on_idle_) on_idle_();
}

}  // namespace baton::runner
