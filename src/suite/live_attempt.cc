// SPDX-License-Identifier: MIT
#include "suite/live_attempt.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/time.h"
#include "suite/process_tree.h"

namespace baton::suite {
namespace {

// An event is a line of at most a few messages, each byte of which may be written as six; more
// without a newline is not an event.
constexpr std::size_t kEventMax = 4 << 20;
// What a test that died said before; as much as a finished one can say.
constexpr std::size_t kFailuresMax = 16 * 1024;

Result<std::pair<Fd, Fd>> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected(errno_error("pipe", errno));
  Fd read_end(ends[0]), write_end(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  return std::pair<Fd, Fd>(std::move(read_end), std::move(write_end));
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Verdict outcome_from(std::string_view name) {
  if (name == "passed") return Verdict::passed;
  if (name == "failed") return Verdict::failed;
  if (name == "skipped") return Verdict::skipped;
  return Verdict::errored;
}

}  // namespace

void OutputKeeper::add(std::string_view bytes) {
  const std::size_t room = kPart - head_.size();
  head_ += bytes.substr(0, room);
  if (bytes.size() <= room) return;
  tail_ += bytes.substr(room);
  // Cut rarely: moving the tail for every write would cost more than the write.
  if (tail_.size() < 2 * kPart) return;
  const std::size_t cut = tail_.size() - kPart;
  dropped_ += cut;
  tail_.erase(0, cut);
}

std::string OutputKeeper::text() const {
  if (dropped_ == 0) return head_ + tail_;
  return fmt::format("{}\n[… {} bytes left out …]\n{}", head_, dropped_, tail_);
}

LiveAttempt::LiveAttempt(int number) : started_(Clock::now()) {
  result_.number = number;
  result_.started_at = wall_ms();
}

Result<LiveAttempt> LiveAttempt::start(int number) {
  LiveAttempt attempt(number);
  BATON_TRY(out, make_pipe());
  BATON_TRY(events, make_pipe());
  attempt.out_read = std::move(out.first);
  attempt.out_write = std::move(out.second);
  attempt.events_read = std::move(events.first);
  attempt.events_write = std::move(events.second);
  return attempt;
}

bool LiveAttempt::read_available() {
  const bool out_open = read_pipe(out_read, false);
  const bool events_open = read_pipe(events_read, true);
  return out_open || events_open;
}

bool LiveAttempt::read_pipe(Fd& pipe, bool is_events) {
  char buffer[64 * 1024];
  // A test that writes without end must not keep the others from being read: a few buffers a turn.
  for (int turn = 0; pipe && turn < 16; ++turn) {
    const ssize_t n = ::read(pipe.get(), buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n <= 0) {
      pipe.reset();
      if (is_events) take_events(true);
      return false;
    }
    const std::string_view bytes(buffer, static_cast<std::size_t>(n));
    if (is_events) {
      pending_events_ += bytes;
      take_events(false);
    } else {
      output_.add(bytes);
    }
  }
  return static_cast<bool>(pipe);
}

void LiveAttempt::take_events(bool at_end) {
  std::size_t from = 0;
  for (std::size_t end = 0; (end = pending_events_.find('\n', from)) != std::string::npos;
       from = end + 1) {
    const auto event = parse_json(std::string_view(pending_events_).substr(from, end - from));
    if (event) take(*event);
  }
  pending_events_.erase(0, from);
  if (at_end || pending_events_.size() > kEventMax) pending_events_.clear();
}

void LiveAttempt::take(const Json& event) {
  const std::string_view kind = event.text_of("ev");
  if (kind == "finished") return take_finished(event);
  if (kind == "soft") result_.soft_failure = true;
  if (kind == "timeout") take_timeout(event.number_of("ms"));
  if (kind == "failure") {
    failed_ = true;
    if (result_.file.empty()) {
      result_.file = event.text_of("file");
      result_.line = static_cast<int>(event.number_of("line"));
    }
    if (failures_.size() < kFailuresMax)
      (failures_ += failures_.empty() ? "" : "\n") += event.text_of("message");
  }
  if (kind == "artifact")
    result_.artifacts.emplace_back(event.text_of("name"), event.text_of("path"));
  if (kind == "value") {
    std::string key(event.text_of("key"));
    const auto [place, is_new] = value_places_.try_emplace(key, result_.values.size());
    if (is_new) result_.values.emplace_back(std::move(key), "");
    result_.values[place->second].second = event.text_of("value");
  }
  if (kind == "span") {
    SpanResult span{std::string(event.text_of("name")),
                    event.number_of("started_at"),
                    event.number_of("duration_ms"),
                    {}};
    if (const Json* const context = event.find("context"))
      for (const auto& [key, value] : context->members) span.context.emplace_back(key, value.text);
    result_.spans.push_back(std::move(span));
  }
}

// As the suite's own: 0 is no limit.
void LiveAttempt::take_timeout(std::int64_t ms) {
  deadline.reset();
  if (ms <= 0) return;
  deadline = Clock::now() + std::chrono::milliseconds(ms);
  if (!stopped_as)
    stop_message = fmt::format("the time-out of {} is over", format_duration(Duration(ms)));
}

void LiveAttempt::take_finished(const Json& event) {
  finished_ = true;
  result_.outcome = outcome_from(event.text_of("outcome"));
  const bool well = result_.outcome == Verdict::passed || result_.outcome == Verdict::skipped;
  if (well && failed_) {
    result_.outcome = Verdict::failed;
    result_.message = failures_;
  } else {
    result_.message = event.text_of("message");
    result_.file = event.text_of("file");
    result_.line = static_cast<int>(event.number_of("line"));
  }
  result_.soft_failure = event.flag("soft_failure");
}

AttemptResult LiveAttempt::finish(int wait_status) {
  // What a killed process left in its pipes; nobody writes to them any more, or is worth waiting
  // for.
  for (int turn = 0; turn < 4 && read_available(); ++turn) {
  }
  take_events(true);
  result_.duration_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_).count();
  result_.output = output_.text();
  if (stopped_as) {
    result_.outcome = *stopped_as;
    result_.message = failures_.empty() ? stop_message : stop_message + "\n" + failures_;
  } else if (!finished_) {
    result_.outcome = Verdict::errored;
    result_.message = describe_death(wait_status);
    if (!failures_.empty()) result_.message += "\n" + failures_;
  }
  return std::move(result_);
}

std::string describe_death(int wait_status) {
  return describe_status(wait_status) + (WIFSIGNALED(wait_status) ? "" : " before the test ended");
}

}  // namespace baton::suite
