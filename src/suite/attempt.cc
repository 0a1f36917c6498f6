// SPDX-License-Identifier: MIT
#include "suite/attempt.h"

#include <cxxabi.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <unordered_set>

#include "base/file.h"
#include "base/text.h"
#include "suite/json.h"
#include "suite/printer.h"

namespace baton::suite {
namespace {

// A message is read by a person and stored in a row; the log has room for the rest.
constexpr std::size_t kMessageMax = 16 * 1024;
constexpr int kFailuresInMessage = 10;
// Of a value, of a text of a span, and of all texts of one span: what a server keeps of them, and
// what fits into an event.
constexpr std::size_t kTextMax = 64 * 1024;
constexpr std::size_t kContextMax = 256 * 1024;
// A check that fails in a long loop must not flood its runner.
constexpr int kFailureEventsMax = 1000;

// In the test's output, where it belongs; a test that has closed it does without.
void note(const std::string& text) {
  const std::string line = "[baton: " + text + "]\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

// What is kept with the result. In the test itself the whole value stays readable.
std::string_view cut(std::string_view text, std::string_view what) {
  if (text.size() <= kTextMax) return text;
  note(fmt::format("{} has {} bytes; the first {} are kept", what.substr(0, 200), text.size(),
                   kTextMax));
  return text.substr(0, kTextMax);
}

}  // namespace

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed: return "passed";
    case Outcome::failed: return "failed";
    case Outcome::errored: return "errored";
    case Outcome::skipped: return "skipped";
  }
  return "";
}

Text keep(std::string_view text) {
  // Never freed: a Text may be used until the process is gone.
  static std::mutex mutex;
  // Each text once, so that asking again in a loop costs nothing.
  static auto* const texts = new std::unordered_set<std::string>();
  const std::lock_guard lock(mutex);
  const std::string& kept = *texts->emplace(text).first;
  return Text(kept.c_str(), kept.size());
}

}  // namespace baton::suite

namespace baton::detail {
namespace {

using suite::Outcome;

std::atomic<Attempt*> current_attempt{nullptr};

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start)
      .count();
}

// "std::runtime_error: no connection" of the exception in flight.
std::string describe_exception() {
  std::string type = "unknown";
  if (const std::type_info* const info = abi::__cxa_current_exception_type()) {
    int status = 0;
    char* const name = abi::__cxa_demangle(info->name(), nullptr, nullptr, &status);
    type = status == 0 ? name : info->name();
    std::free(name);
  }
  try {
    throw;
  } catch (const std::exception& error) {
    return fmt::format("{}: {}", type, error.what());
  } catch (const std::string& text) {
    return text;
  } catch (const char* text) {
    return text;
  } catch (...) {
    return fmt::format("an exception of type {}", type);
  }
}

}  // namespace

Attempt::Attempt(suite::Setting setting, suite::EventSink& events, Values values)
    : setting_(std::move(setting)),
      events_(events),
      process_(::getpid()),
      thread_(std::this_thread::get_id()),
      values_(std::move(values)) {}

Attempt::~Attempt() {
  for (const Callback& callback : cleanups_) callback.destroy(callback.object);
  Attempt* self = this;
  current_attempt.compare_exchange_strong(self, nullptr);
  std::error_code ignored;
  if (!own_dir_.empty() && process_ == ::getpid()) std::filesystem::remove_all(own_dir_, ignored);
}

Attempt* Attempt::current() { return current_attempt.load(); }

void Attempt::guarded(const std::function<void()>& body, std::string_view where) {
  try {
    body();
  } catch (const suite::AttemptEnd&) {
    // What ended it is recorded.
  } catch (const abi::__forced_unwind&) {
    throw;  // a cancelled thread must unwind to its end
  } catch (...) {
    fail(fmt::format("{}{}", where, describe_exception()), setting_.file, setting_.line, true,
         Outcome::errored);
  }
  // A test that forks and lets the child run on would end twice.
  if (::getpid() != process_) ::_exit(0);
}

void Attempt::run(const std::function<void(T&)>& body) {
  current_attempt = this;
  guarded([&] { body(t_); }, "");
}

void Attempt::run_cleanups() {
  current_attempt = this;
  for (;;) {
    Callback callback{};
    {
      const std::lock_guard lock(mutex_);
      if (cleanups_.empty()) return;
      callback = cleanups_.back();
      cleanups_.pop_back();
    }
    guarded([&] { callback.call(callback.object); }, "in a cleanup: ");
    guarded([&] { callback.destroy(callback.object); }, "in a cleanup: ");
  }
}

suite::Ended Attempt::finish() {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < spans_.size(); ++i) close_span(i);
  if (failures_ > suite::kFailuresInMessage)
    ended_.message += fmt::format("\nand {} more failures", failures_ - suite::kFailuresInMessage);
  Attempt* self = this;
  current_attempt.compare_exchange_strong(self, nullptr);
  return ended_;
}

std::string Attempt::finished_event() const {
  const std::lock_guard lock(mutex_);
  suite::JsonObject event;
  event.text("ev", "finished").text("outcome", name_of(ended_.outcome));
  event.text("message", ended_.message).text("file", ended_.file).number("line", ended_.line);
  event.boolean("soft_failure", ended_.soft_failure);
  return event.str();
}

void Attempt::die(std::string_view message) {
  fail(std::string(message), setting_.file, setting_.line, true, Outcome::errored);
  std::fflush(nullptr);
  events_.send_last(finished_event());
  ::_exit(1);
}

void Attempt::fail(std::string message, std::string file, int line, bool fatal, Outcome as) {
  const std::lock_guard lock(mutex_);
  if (message.size() > suite::kMessageMax) message.resize(suite::kMessageMax);
  if (failures_ < suite::kFailureEventsMax)
    events_.send(suite::JsonObject()
                     .text("ev", "failure")
                     .text("message", message)
                     .text("file", file)
                     .number("line", line)
                     .boolean("fatal", fatal)
                     .str());
  // A failure outweighs a skip; an assertion's verdict outweighs a crash while cleaning up.
  const bool first = failures_++ == 0;
  if (first) {
    ended_.outcome = as;
    ended_.message.clear();
    ended_.file = std::move(file);
    ended_.line = line;
  }
  const std::size_t used = ended_.message.size();
  if (failures_ > suite::kFailuresInMessage || used >= suite::kMessageMax) return;
  if (!first) ended_.message += '\n';
  ended_.message += message.substr(0, suite::kMessageMax - used);
}

void Attempt::end() {
  if (std::this_thread::get_id() == thread_) throw suite::AttemptEnd{};
  // Unwinding a helper thread would end in std::terminate() anyway, and say less.
  std::fflush(nullptr);
  {
    const std::lock_guard lock(mutex_);
    finish();
    events_.send_last(finished_event());
  }
  ::_exit(1);
}

void Attempt::skip(std::string_view reason) {
  {
    const std::lock_guard lock(mutex_);
    events_.send(suite::JsonObject().text("ev", "skip").text("message", reason).str());
    if (failures_ == 0) {
      ended_.outcome = Outcome::skipped;
      ended_.message = reason;
    }
  }
  end();
}

void Attempt::set_soft() {
  const std::lock_guard lock(mutex_);
  ended_.soft_failure = true;
  events_.send(suite::JsonObject().text("ev", "soft").str());
}

bool Attempt::failed() const {
  const std::lock_guard lock(mutex_);
  return failures_ > 0;
}

std::size_t Attempt::open_span(std::string_view name, Attributes context) {
  OpenSpan span{.name = std::string(name),
                .started_at = wall_ms(),
                .start = std::chrono::steady_clock::now(),
                .context = {}};
  for (const Attribute& attribute : context)
    span.context.emplace_back(suite::view(attribute.key), suite::plain(attribute.value));
  const std::lock_guard lock(mutex_);
  spans_.push_back(std::move(span));
  return spans_.size() - 1;
}

void Attempt::set_span(std::size_t index, std::string_view key, std::string value) {
  const std::lock_guard lock(mutex_);
  if (index >= spans_.size()) return;
  for (auto& [name, old] : spans_[index].context) {
    if (name != key) continue;
    old = std::move(value);
    return;
  }
  spans_[index].context.emplace_back(key, std::move(value));
}

void Attempt::close_span(std::size_t index) {
  const std::lock_guard lock(mutex_);
  if (index >= spans_.size() || !spans_[index].open) return;
  OpenSpan& span = spans_[index];
  span.open = false;
  auto context = std::exchange(span.context, {});
  std::size_t room = suite::kContextMax;
  for (auto at = context.begin(); at != context.end(); ++at) {
    at->first.resize(suite::cut(at->first, "a key of a span").size());
    const std::string what = fmt::format("span {}, {}", span.name, at->first);
    at->second.resize(suite::cut(at->second, what).size());
    const std::size_t size = at->first.size() + at->second.size();
    if (size > room) {
      suite::note(fmt::format("span {}: context beyond {} bytes is left out",
                              span.name.substr(0, 200), suite::kContextMax));
      context.erase(at, context.end());
      break;
    }
    room -= size;
  }
  events_.send(suite::JsonObject()
                   .text("ev", "span")
                   .text("name", suite::cut(span.name, "the name of a span"))
                   .number("started_at", span.started_at)
                   .number("duration_ms", ms_since(span.start))
                   .raw("context", suite::json_texts(context))
                   .str());
}

void Attempt::set_value(std::string_view key, std::string value) {
  const std::lock_guard lock(mutex_);
  events_.send(suite::JsonObject()
                   .text("ev", "value")
                   .text("key", suite::cut(key, "the name of a value"))
                   .text("value", suite::cut(value, fmt::format("value {}", key.substr(0, 200))))
                   .str());
  values_.insert_or_assign(std::string(key), std::move(value));
}

std::optional<std::string> Attempt::value(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

void Attempt::add_cleanup(Callback callback) {
  const std::lock_guard lock(mutex_);
  cleanups_.push_back(callback);
}

void Attempt::set_timeout(std::int64_t ms) {
  events_.send(suite::JsonObject().text("ev", "timeout").number("ms", ms).str());
}

std::string Attempt::folder() {
  if (!setting_.dir.empty()) return setting_.dir;
  const std::lock_guard lock(mutex_);
  if (!own_dir_.empty()) return own_dir_;
  const char* const root = std::getenv("TMPDIR");
  std::string made = fmt::format("{}/baton-XXXXXX", root && *root ? root : "/tmp");
  if (!::mkdtemp(made.data()))
    throw std::runtime_error("temp_dir: " + errno_error("mkdtemp " + made, errno).message);
  return own_dir_ = made;
}

Text Attempt::temp_dir() {
  const std::lock_guard lock(mutex_);
  if (!temp_dir_.empty()) return temp_dir_;
  const std::string path = folder() + "/tmp";
  if (const auto made = make_directories(path); !made)
    throw std::runtime_error("temp_dir: " + made.error().message);
  return temp_dir_ = suite::keep(path);
}

void Attempt::keep_artifact(const std::string& path, std::string name) {
  std::error_code error;
  std::filesystem::path source = std::filesystem::absolute(path, error);
  // A relative path may also mean the folder of the attempt.
  if (!std::filesystem::exists(source, error) && !path.empty() && path[0] != '/')
    source = std::filesystem::path(folder()) / "tmp" / path;
  if (name.empty()) name = source.filename();
  // The name becomes a path in the run's folder; the server refuses the same names.
  bool good = name.size() <= 1000 && is_valid_utf8(name) && !has_control_bytes(name) &&
              name.find('\\') == std::string::npos;
  for (const std::string_view part : split(name, '/'))
    good = good && !part.empty() && part != "." && part != ".." && part.size() <= 255;
  if (!good)
    return fail(fmt::format("artifact {}: the name must be a relative path without \"..\"",
                            json_quote(name)),
                setting_.file, setting_.line, false);
  const std::lock_guard lock(mutex_);
  const std::filesystem::path copy =
      std::filesystem::path(folder()) / "artifacts" / fmt::format("{}", ++artifacts_);
  std::filesystem::create_directories(copy.parent_path(), error);
  if (!error) std::filesystem::copy_file(source, copy, error);
  if (error)
    return fail(fmt::format("artifact {}: {}", json_quote(path), error.message()), setting_.file,
                setting_.line, false);
  events_.send(suite::JsonObject()
                   .text("ev", "artifact")
                   .text("path", copy.string())
                   .text("name", name)
                   .str());
}

}  // namespace baton::detail
