// SPDX-License-Identifier: MIT
#pragma once
// A server for the tests of this room: keeps the records as the real one does, loses answers, is
// away, or cancels, as a test asks. No HTTP.
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "client/runner_calls.h"

namespace baton::runner {

class FakeServer {
 public:
  wire::Job job;
  /// Seen with the lock held, in order, each once.
  std::function<void(const wire::Record&)> on_record;

  void be_away(int calls) { set(away_, calls); }
  void lose_answers(int calls) { set(lose_, calls); }
  void cancel() { set(cancel_, true); }
  /// Forgets what came: for another run of the same fixture.
  void restart() {
    const std::lock_guard lock(mutex_);
    records_.clear();
    acked_ = 0;
  }
  /// Never takes the records of outputs.
  void refuse_outputs() { set(refuse_outputs_, true); }
  void disown(Code code) { set(disowned_, code); }

  std::vector<wire::Record> records() {
    const std::lock_guard lock(mutex_);
    return records_;
  }
  std::map<std::string, std::string> artifacts() {
    const std::lock_guard lock(mutex_);
    return artifacts_;
  }

  client::MakeRunnerCalls calls() {
    return [this](const std::stop_token&) { return std::make_unique<Calls>(*this); };
  }

 private:
  struct Calls final : client::RunnerCalls {
    explicit Calls(FakeServer& server) : server_(server) {}
    Result<wire::Job> job() override {
      const std::lock_guard lock(server_.mutex_);
      if (server_.disowned_ != Code::internal) return fail(server_.disowned_, "not yours");
      return server_.job;
    }
    Result<wire::RecordsAnswer> send_records(std::string batch) override {
      return server_.take(batch);
    }
    Result<client::StoredArtifact> put_artifact(const client::ArtifactUpload& upload) override {
      BATON_TRY(bytes, read_file(upload.file));
      const std::lock_guard lock(server_.mutex_);
      server_.artifacts_[upload.path] = bytes;
      return client::StoredArtifact{static_cast<std::int64_t>(bytes.size()), "digest",
                                    "text/plain"};
    }
    FakeServer& server_;
  };

  template <class T, class V>
  void set(T& field, V value) {
    const std::lock_guard lock(mutex_);
    field = value;
  }

  Result<wire::RecordsAnswer> take(const std::string& batch) {
    const std::lock_guard lock(mutex_);
    if (disowned_ != Code::internal) return fail(disowned_, "not yours");
    if (away_ > 0) {
      --away_;
      return fail(Code::unreachable, "away");
    }
    BATON_TRY(records, wire::decode_records(batch));
    for (wire::Record& record : records) {
      if (record.seq <= acked_) continue;
      if (record.seq != acked_ + 1) return fail(Code::invalid, "a gap before {}", record.seq);
      if (refuse_outputs_ && std::holds_alternative<wire::OutputRecord>(record.body)) {
        return fail(Code::too_large, "record {} is too large", record.seq);
      }
      acked_ = record.seq;
      if (on_record) on_record(record);
      records_.push_back(std::move(record));
    }
    if (lose_ > 0) {
      --lose_;
      return fail(Code::unreachable, "the answer was lost");
    }
    return wire::RecordsAnswer{acked_, cancel_, "someone said so"};
  }

  std::mutex mutex_;
  std::vector<wire::Record> records_;
  std::map<std::string, std::string> artifacts_;
  std::int64_t acked_ = 0;
  int away_ = 0;
  int lose_ = 0;
  bool cancel_ = false;
  bool refuse_outputs_ = false;
  Code disowned_ = Code::internal;
};

}  // namespace baton::runner
