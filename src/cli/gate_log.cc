// SPDX-License-Identifier: MIT
#include "cli/gate_log.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "base/ids.h"
#include "base/text.h"
#include "cli/connection.h"
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

// Lines are sent so long after they came at the latest: often enough to be read live, and one
// transaction of the server a second for each writer.
constexpr Duration kBatchAge{1'000};
// How long a restarting server is waited for. Meanwhile nothing is read, so whoever writes waits.
constexpr Duration kPatience{60'000};
constexpr Duration kRetryPause{500};
// After a signal: for the last lines of whoever writes, and for a server that does not answer.
constexpr Duration kFarewell{1'000};
constexpr Duration kFarewellPatience{5'000};

bool print_bytes(std::string_view bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
}

int follow_log(const client::Endpoint& endpoint, const std::string& id) {
  Signals signals;
  client::ApiClient api{endpoint, signals.token()};
  api.set_patience(kPatience);
  bool written = true;
  const auto done = api.stream(gate_path(id) + "/log", [&](const net::SseEvent& event) {
    if (event.event == "decided") return false;
    if (event.event != "log") return true;
    written = print_bytes(event.data + "\n") && std::fflush(stdout) == 0;
    return written;
  });
  if (signals.received() != 0) return signals.exit_code(kOk);
  return done ? kOk : report("gate log " + id, done.error());
}

// Sends batches, each with a key of its own: the server appends it once, however often it is sent.
class Appender {
 public:
  Appender(client::Endpoint endpoint, std::string id) : api_(std::move(endpoint)) {
    path_ = gate_path(id);
    id_ = std::move(id);
  }

  /// Whether there is such a gate.  Errors: those of GET /gates/{id}.
  Result<void> begin() {
    api_.set_patience(kPatience);
    auto gate = api_.get(path_);
    api_.set_patience(Duration{0});  // send() tells of it
    if (!gate) return tl::unexpected(std::move(gate).error());
    return {};
  }

  /// Errors: those of POST /gates/{id}/log; unreachable and the like after `patience`.
  Result<void> send(const std::string& text, Duration patience) {
    client::Call call;
    call.method = "POST";
    call.path = path_ + "/log";
    call.text = text;
    call.content_type = "text/plain; charset=utf-8";
    call.headers.set("Idempotency-Key", random_hex(16));
    const BootTime until = BootClock::now() + patience;
    for (bool told = false;; told = true) {
      const auto reply = api_.call(call);
      if (reply) return {};
      if (!client::is_transient(reply.error().code) || BootClock::now() >= until)
        return tl::unexpected(reply.error());
      if (!told)
        say(harmless(fmt::format("gate log {}: {}; trying again", id_, reply.error().message)));
      client::pause({}, kRetryPause);
    }
  }

 private:
  client::ApiClient api_;
  std::string id_;
  std::string path_;
};

// The size without a character at the end of which bytes may be missing.
std::size_t whole_characters(std::string_view text, std::size_t size) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t back = 1; back <= 3 && back <= size; ++back) {
    const unsigned char c = byte(size - back);
    if ((c & 0xC0) == 0x80) continue;
    const std::size_t needs = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    return needs > back ? size - back : size;
  }
  return size;
}

enum class Input { some, none, end };

// What standard input has within `limit`, forever where that is nothing, or until `wake` is
// readable (-1: nothing wakes).
Result<Input> read_input(std::optional<Duration> limit, std::string& into, int wake) {
  std::array<pollfd, 2> wanted{{{STDIN_FILENO, POLLIN, 0}, {wake, POLLIN, 0}}};
  const int ready =
      ::poll(wanted.data(), wanted.size(), limit ? static_cast<int>(limit->count()) : -1);
  if (ready < 0 && errno != EINTR) return tl::unexpected(errno_error("poll", errno));
  if (ready <= 0 || wanted[0].revents == 0) return Input::none;
  into.resize(LogBatches::kBatchMax);
  const ssize_t n = ::read(STDIN_FILENO, into.data(), into.size());
  if (n < 0 && errno != EINTR && errno != EAGAIN)
    return tl::unexpected(errno_error("read standard input", errno));
  into.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (n == 0) return Input::end;
  return n > 0 ? Input::some : Input::none;
}

// Until the end of the input; after a signal, which whoever writes has got as well, a moment
// longer. A gate that takes no more does not stop whoever writes: the rest is read and dropped, and
// the exit code tells.
Result<void> append_input(Appender& appender, bool tee, const std::stop_token& stop) {
  const Fd wake{::eventfd(0, EFD_CLOEXEC)};
  const std::stop_callback tell(stop, [&] { ::eventfd_write(wake.get(), 1); });
  std::optional<BootTime> leave_at;
  LogBatches batches;
  BootTime send_at{};
  bool waits = false;  // for send_at
  Result<void> sent;
  std::string bytes;
  for (bool ended = false; !ended;) {
    std::optional<Duration> limit;
    if (stop.stop_requested() && !leave_at) leave_at = BootClock::now() + kFarewell;
    if (waits) limit = std::max(Duration{0}, send_at - BootClock::now());
    if (leave_at)
      limit = std::clamp(*leave_at - BootClock::now(), Duration{0}, limit.value_or(kFarewell));
    BATON_TRY(input, read_input(limit, bytes, leave_at ? -1 : wake.get()));
    ended = input == Input::end || (leave_at && BootClock::now() >= *leave_at);
    if (input == Input::some) {
      if (tee && (!print_bytes(bytes) || std::fflush(stdout) != 0)) tee = false;
      if (sent) batches.add(bytes);
    }
    if (!waits && batches.ready()) {
      send_at = BootClock::now() + kBatchAge;
      waits = true;
    }
    const bool due = waits && BootClock::now() >= send_at;
    if (!sent || !(due || batches.full() || ended)) continue;
    waits = false;
    for (std::string text; sent && !(text = batches.take(ended)).empty();)
      sent = appender.send(text, leave_at ? kFarewellPatience : kPatience);
    if (!sent) say(harmless("gate log: " + sent.error().message + "; the rest is dropped"));
  }
  return sent;
}

int append_log(const client::Endpoint& endpoint, const std::string& id, bool tee) {
  Signals signals;
  Appender appender{endpoint, id};
  if (auto begun = appender.begin(); !begun) return report("gate log " + id, begun.error());
  const auto done = append_input(appender, tee, signals.token());
  return done ? signals.exit_code(kOk) : report("gate log " + id, done.error());
}

}  // namespace

std::string LogBatches::take(bool last) {
  std::size_t size = std::min(rest_.size(), kBatchMax);
  const std::size_t line = size == 0 ? std::string::npos : rest_.rfind('\n', size - 1);
  if (line != std::string::npos) {
    size = line + 1;
  } else if (rest_.size() > kBatchMax || (rest_.size() == kBatchMax && !last)) {
    size = whole_characters(rest_, size);
  } else if (!last) {
    return {};
  }
  std::string text = to_valid_utf8(std::string_view{rest_}.substr(0, size));
  rest_.erase(0, size);
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return text;
}

int gate_log(Host&, const Invocation& invocation) {
  if (invocation.has("--append") && invocation.has("--follow"))
    return report("gate log",
                  Error{Code::invalid, "--append and --follow are both given", "choose one"});
  const auto target = find_target(invocation);
  if (!target) return report("gate log", target.error());
  client::ApiClient api{target->endpoint()};
  const auto gate = gate_argument(invocation, api);
  if (!gate) return report("gate log", gate.error());
  if (invocation.has("--append"))
    return append_log(target->endpoint(), gate->id, invocation.has("--tee"));
  if (invocation.has("--follow")) return follow_log(target->endpoint(), gate->id);
  const auto done = api.download(gate_path(gate->id) + "/log", print_bytes);
  return done ? kOk : report("gate log " + gate->id, done.error());
}

}  // namespace baton::cli
