// SPDX-License-Identifier: MIT
#include "cli/gate_wait.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "base/output_file.h"
#include "cli/gate_name.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "client/boot_clock.h"
#include "client/lease_wait.h"

namespace baton::cli {
namespace {

namespace json = boost::json;
using client::BootClock;
using client::BootTime;

// Pipelines kill jobs that are silent for ten minutes; people look up after half a one.
constexpr Duration kEvery{30'000};
// How long the server may take with one answer: on a terminal the line shows that time goes on.
constexpr Duration kPoll{15'000};
constexpr Duration kPollOnTerminal{5'000};
constexpr Duration kAnswerMax{10'000};
constexpr Duration kRetryPause{500};
// A server that answers at once although nothing changed is not asked without end.
constexpr Duration kPollPause{200};
// A wrong address is told soon. A server that has answered before comes back: verdicts take hours,
// and the job that waits cannot be started again for free.
constexpr Duration kFirstPatience{10'000};
constexpr Duration kPatience{600'000};

class Progress {
 public:
  explicit Progress(std::string id) : id_(std::move(id)) {}
  bool terminal() const { return terminal_; }

  void pending(const json::value& gate) {
    troubled_ = false;
    const Duration waited = BootClock::now() - start_;
    const std::string seen = describe_watched(gate);
    std::string line = fmt::format("waiting for gate {}: {}{}, open until {}", describe_gate(gate),
                                   describe_subject(gate), seen.empty() ? "" : ": " + seen,
                                   text_at(gate, "deadline_at"));
    if (said_) line += " (waited " + describe_duration(waited) + ")";
    show(line, !said_);
    said_ = true;
  }
  void trouble(const Error& error) {
    show(fmt::format("waiting for gate {}: {}; trying again", id_, error.message), !troubled_);
    troubled_ = true;
  }
  void end() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }

 private:
  void show(const std::string& line, bool at_once) {
    if (terminal_) {
      std::fprintf(stderr, "\r\x1b[K%s", harmless(line).c_str());
      drawn_ = true;
      return;
    }
    const BootTime now = BootClock::now();
    if (!at_once && now - last_ < kEvery) return;
    last_ = now;
    say(harmless(line));
  }

  const std::string id_;
  const bool terminal_ = is_terminal();
  const BootTime start_ = BootClock::now();
  BootTime last_{};
  bool said_ = false;      // the first line
  bool troubled_ = false;  // the failure was told
  bool drawn_ = false;
};

// Asks until the gate is pending no more, the time is over, a signal comes or the server stays
// away.
class Waiting {
 public:
  enum class End { over, timed_out, stopped };

  Waiting(const client::Endpoint& endpoint, std::string id, std::optional<Duration> timeout,
          std::stop_token stop)
      : api_(endpoint, stop),
        id_(std::move(id)),
        timeout_(timeout),
        stop_(std::move(stop)),
        progress_(id_) {}

  Result<End> run() {
    auto end = follow();
    progress_.end();
    return end;
  }
  const json::value& gate() const { return gate_; }

 private:
  Duration left() const {
    return timeout_ ? std::chrono::duration_cast<Duration>(start_ + *timeout_ - BootClock::now())
                    : Duration::max();
  }

  Result<End> follow() {
    for (;;) {
      BATON_TRY_VOID(ask());
      if (stop_.stop_requested()) return End::stopped;
      const bool known = gate_.is_object();
      if (known && text_at(gate_, "state") != "pending") return End::over;
      if (known && left() <= Duration{0}) return End::timed_out;
    }
  }

  // One question. What is no answer is repeated by follow(), unless it is final.
  Result<void> ask() {
    const Duration poll = progress_.terminal() ? kPollOnTerminal : kPoll;
    const Duration wait = gate_.is_object() ? std::clamp(left(), Duration{0}, poll) : Duration{0};
    client::Call call;
    call.path = fmt::format("{}?wait={}", gate_path(id_), format_duration(wait));
    call.timeout = wait + kAnswerMax;
    const BootTime begun = BootClock::now();
    auto reply = api_.call(call);
    if (reply) {
      heard_ = BootClock::now();
      gate_ = std::move(reply->body);
      if (text_at(gate_, "state") != "pending") return {};
      progress_.pending(gate_);
      if (wait > kPollPause && heard_ - begun < kPollPause) client::pause(stop_, kPollPause);
      return {};
    }
    if (stop_.stop_requested()) return {};
    const bool again =
        client::is_transient(reply.error().code) || reply.error().code == Code::limit;
    if (!again || gave_up()) return tl::unexpected(std::move(reply).error());
    progress_.trouble(reply.error());
    client::pause(stop_, kRetryPause);
    return {};
  }

  bool gave_up() const {
    const Duration silent = BootClock::now() - heard_;
    if (!gate_.is_object()) return silent >= kFirstPatience;
    // With a time-out the wait ends there, and not before.
    return timeout_ ? left() <= Duration{0} && silent >= kFirstPatience : silent >= kPatience;
  }

  client::ApiClient api_;
  const std::string id_;
  const std::optional<Duration> timeout_;
  const std::stop_token stop_;
  Progress progress_;
  json::value gate_;
  const BootTime start_ = BootClock::now();
  BootTime heard_ = start_;
};

void print_verdict(const json::value& gate, Output output) {
  if (output != Output::table) return print(output, gate, {});
  const std::string state = text_at(gate, "state");
  const std::string verdict = text_at(gate, "verdict");
  const std::string reason = text_at(gate, "reason");
  std::string line = fmt::format("{} gate {} {}", verdict == "passed" ? "✓" : "✗",
                                 describe_gate(gate), state == "decided" ? verdict : state);
  if (!reason.empty()) line += ": " + reason;
  std::printf("%s\n", harmless(line).c_str());
  if (const std::string url = text_at(gate, "url"); !url.empty())
    std::printf("  %s\n", harmless(url).c_str());
  const std::string run = text_at(gate, "subject.run");
  if (verdict != "passed" && !run.empty())
    std::printf("logs: baton runs logs %s --failed\n", harmless(run).c_str());
  else if (verdict != "passed")
    std::printf("log: baton gate log %s\n", harmless(text_at(gate, "id")).c_str());
  std::fflush(stdout);
}

}  // namespace

int exit_code_of_gate(const json::value& gate) {
  const std::string verdict = text_at(gate, "verdict");
  if (text_at(gate, "state") != "decided") return kGateFailed;
  if (verdict == "passed") return kOk;
  return verdict == "timed_out" ? kGateTimedOut : kGateFailed;
}

Result<void> save_gate_junit(client::ApiClient& api, const std::string& id,
                             const std::string& path) {
  std::string content;
  BATON_TRY_VOID(api.download(gate_path(id) + "/junit.xml", [&](std::string_view piece) {
    content += piece;
    return true;
  }));
  if (auto written = write_output_file(path, content); !written)
    return tl::unexpected(of_file(std::move(written).error()));
  return {};
}

int wait_for_gate(const client::Endpoint& endpoint, const std::string& id, const GateWait& how) {
  Signals signals;
  Waiting waiting{endpoint, id, how.timeout, signals.token()};
  const auto end = waiting.run();
  if (signals.received() != 0) {
    say(harmless(fmt::format("gate {} stays as it is; baton gate cancel {} ends it", id, id)));
    return signals.exit_code(kError);
  }
  if (!end) return report("gate " + id, end.error());
  if (*end == Waiting::End::timed_out) {
    report("gate " + id,
           {Code::timeout,
            fmt::format("it has no verdict within --timeout {}", format_duration(*how.timeout)),
            fmt::format("baton gate wait {0}, or baton gate cancel {0}", id)});
    return kTimeout;
  }
  print_verdict(waiting.gate(), how.output);
  const int code = exit_code_of_gate(waiting.gate());
  if (how.junit.empty()) return code;
  client::ApiClient api{endpoint};
  const auto saved = save_gate_junit(api, id, how.junit);
  if (saved) return code;
  const int failed = report("--junit " + how.junit, saved.error());
  return code == kOk ? failed : code;
}

}  // namespace baton::cli
