// SPDX-License-Identifier: MIT
#include "links/testkube_log.h"

#include <algorithm>
#include <vector>

namespace baton::links {
namespace {

using Kind = TestkubeNotice::Kind;

constexpr std::string_view kAnew =
    "\n--- the stream of this log was cut; the whole log follows ---\n";
// The past of a stream comes at once; one of an old agent does not say where it ends.
constexpr Duration kLengthTimeout = std::chrono::seconds{5};

}  // namespace

bool takes_no_more(const Error& error) {
  return error.code == Code::not_found || error.code == Code::conflict || error.code == Code::gone;
}

TestkubeLog::TestkubeLog(std::string execution, Append append, std::function<void()> on_text)
    : execution_(std::move(execution)), append_(std::move(append)), on_text_(std::move(on_text)) {}

void TestkubeLog::add(const std::string& gate, std::int64_t have) {
  const std::lock_guard lock(mutex_);
  if (gates_.emplace(gate, have).second) complete_ = false;
}

void TestkubeLog::remove(const std::string& gate) {
  const std::lock_guard lock(mutex_);
  gates_.erase(gate);
}

bool TestkubeLog::has_gates() const {
  const std::lock_guard lock(mutex_);
  return !gates_.empty();
}

// A gate that came later lacks what the stream has passed.
bool TestkubeLog::needs_rewind() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(gates_.begin(), gates_.end(),
                     [&](const auto& gate) { return gate.second < at_; });
}

// The text is at its end: true when every gate is, too.
bool TestkubeLog::settle() {
  const std::lock_guard lock(mutex_);
  complete_ = std::all_of(gates_.begin(), gates_.end(),
                          [&](const auto& gate) { return gate.second >= at_; });
  return complete_;
}

void TestkubeLog::rewind() {
  seq_ = 0;
  at_ = 0;
  hash_ = kFnvBasis;
}

Result<void> TestkubeLog::give(std::string_view text) {
  std::vector<std::pair<std::string, std::int64_t>> gates;
  {
    const std::lock_guard lock(mutex_);
    gates.assign(gates_.begin(), gates_.end());
  }
  const std::int64_t end = at_ + static_cast<std::int64_t>(text.size());
  Result<void> result;
  for (const auto& [gate, have] : gates) {
    // Less than what came before this text: a gate that was added meanwhile waits for the rewind.
    if (have >= end || have < at_) continue;
    const auto given = append_(gate, text.substr(static_cast<std::size_t>(have - at_)));
    const std::lock_guard lock(mutex_);
    if (given) {
      if (const auto found = gates_.find(gate); found != gates_.end()) found->second = end;
    } else if (takes_no_more(given.error())) {
      gates_.erase(gate);
    } else {
      result = tl::unexpected(given.error());
    }
  }
  if (!result) return result;
  at_ = end;
  hash_ = fnv1a(text, hash_);
  if (on_text_ && !text.empty()) on_text_();
  return {};
}

// False cancels the stream.
bool TestkubeLog::on_notice(const TestkubeNotice& notice) {
  if (notice.kind == Kind::resume_unavailable) {
    rewind();
    return true;
  }
  if (notice.kind == Kind::result && notice.is_end) ended_ = true;
  if (notice.seq > 0 && notice.seq <= seq_) return true;
  if (notice.kind == Kind::log && !notice.is_passing) appended_ = give(notice.text);
  if (!appended_) return false;
  seq_ = std::max(seq_, notice.seq);
  return has_gates() && !needs_rewind();
}

Result<bool> TestkubeLog::follow(TestkubeApi& api) {
  if (complete_) return true;
  // Notices without numbers are not resumed: they come from the start.
  if (seq_ == 0 || needs_rewind()) rewind();
  appended_ = {};
  bool go_on = true;
  TestkubeNotices notices([&](const TestkubeNotice& notice) {
    if (go_on) go_on = on_notice(notice);
  });
  const auto streamed = api.notifications(execution_, seq_, [&](std::string_view bytes) {
    const bool readable = notices.feed(bytes);
    return readable && go_on;
  });
  if (!appended_) return tl::unexpected(appended_.error());
  if (!streamed) {
    // The server does not take the number any more.
    if (streamed.error().code == Code::unprocessable && seq_ > 0) {
      rewind();
      return false;
    }
    if (streamed.error().code == Code::gone) return false;
    return tl::unexpected(streamed.error());
  }
  return ended_ && go_on && settle();
}

Result<bool> TestkubeLog::is_written_as_streamed(TestkubeApi& api) const {
  std::int64_t left = at_;
  std::uint64_t hash = kFnvBasis;
  const auto read = api.log(execution_, [&](std::string_view text) {
    const auto part = text.substr(0, static_cast<std::size_t>(left));
    hash = fnv1a(part, hash);
    left -= static_cast<std::int64_t>(part.size());
    return left > 0;
  });
  if (!read && read.error().code != Code::gone) return tl::unexpected(read.error());
  return left == 0 && hash == hash_;
}

Result<void> TestkubeLog::begin_anew() {
  std::vector<std::string> parted;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [gate, have] : gates_)
      if (have > 0) parted.push_back(gate);
  }
  for (const std::string& gate : parted) {
    const auto given = append_(gate, kAnew);
    if (!given && !takes_no_more(given.error())) return tl::unexpected(given.error());
    const std::lock_guard lock(mutex_);
    if (const auto found = gates_.find(gate); found != gates_.end()) found->second = 0;
  }
  return {};
}

Result<void> TestkubeLog::finish(TestkubeApi& api) {
  if (complete_) return {};
  if (at_ > 0) {
    BATON_TRY(same, is_written_as_streamed(api));
    if (!same) BATON_TRY_VOID(begin_anew());
  }
  rewind();
  appended_ = {};
  const auto read = api.log(execution_, [&](std::string_view text) {
    appended_ = give(text);
    return appended_ && has_gates();
  });
  if (!appended_) return tl::unexpected(appended_.error());
  if (!read && read.error().code != Code::gone) return tl::unexpected(read.error());
  if (!read && has_gates()) return tl::unexpected(read.error());
  if (settle()) return {};
  return fail(Code::unavailable, "a gate came while the log of {} was read", execution_);
}

Result<TestkubeLogLength> testkube_log_length(TestkubeApi& api, std::string_view execution) {
  TestkubeLogLength length;
  bool more = true;
  TestkubeNotices notices([&](const TestkubeNotice& notice) {
    if (notice.kind == Kind::log && !notice.is_passing)
      length.bytes += static_cast<std::int64_t>(notice.text.size());
    if (notice.kind == Kind::ready) more = false;
  });
  const auto read = api.notifications(
      execution, 0, [&](std::string_view bytes) { return notices.feed(bytes) && more; },
      kLengthTimeout);
  length.was_waited_for = !read && read.error().code == Code::timeout;
  if (!read && read.error().code != Code::gone && !length.was_waited_for)
    return tl::unexpected(read.error());
  return length;
}

}  // namespace baton::links
