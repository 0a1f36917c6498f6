// SPDX-License-Identifier: MIT
#include "runner/fork_server.h"

#include "base/text.h"
#include "runner/run_context.h"
#include "suite/channel.h"
#include "wire/fields.h"

namespace baton::runner {
namespace {

namespace json = boost::json;

// One event: a failure's message with both values, or a span. Longer ones are dropped.
constexpr std::size_t kEventMax = 4 << 20;
// A test that opens spans in a loop must not fill the runner's memory.
constexpr std::size_t kSpansMax = 10'000;
constexpr std::size_t kValuesMax = 10'000;
// Of all spans and values of an attempt: JSON may write each byte as six, and the record that holds
// them must stay below wire::kRecordJsonMax.
constexpr std::size_t kDetailsMax = 2 << 20;
// What a span or value takes in a record beside its texts.
constexpr std::size_t kDetailOverhead = 100;

std::size_t size_of(const model::Span& span) {
  std::size_t bytes = span.name.size() + kDetailOverhead;
  for (const auto& [key, value] : span.context) {
    bytes += key.size() + value.size() + kDetailOverhead;
  }
  return bytes;
}

std::map<std::string, std::string> context_of(wire::Fields& in) {
  std::map<std::string, std::string> context;
  const json::object* pairs = in.object("context");
  if (pairs == nullptr) return context;
  for (const auto& pair : *pairs) {
    const json::string* text = pair.value().if_string();
    context[kept_message(pair.key())] =
        kept_message(text != nullptr ? std::string_view(*text) : json::serialize(pair.value()));
  }
  return context;
}

}  // namespace

void EventReader::feed(std::string_view bytes) {
  buffer_ += bytes;
  std::size_t at = 0;
  for (std::size_t end; (end = buffer_.find('\n', at)) != std::string::npos; at = end + 1) {
    line(std::string_view(buffer_).substr(at, end - at));
  }
  buffer_.erase(0, at);
  if (buffer_.size() > kEventMax) buffer_.clear();
}

void EventReader::line(std::string_view text) {
  const auto object = wire::parse_object(text, "event");
  if (!object) return;
  wire::Fields in(*object, "event");
  const std::string event = in.text("ev");
  if (event == "failure") {
    // The first failure is the one to look at; the log has the others.
    if (!failed_) {
      report_.message = in.text("message");
      report_.file = kept_message(in.text("file"));
      report_.line = in.small("line");
    }
    failed_ = true;
  } else if (event == "span") {
    model::Span span{kept_message(in.text("name")), in.time("started_at"),
                     in.duration("duration_ms"), context_of(in)};
    if (report_.spans.size() >= kSpansMax) {
      report_.left_out = true;
    } else if (has_room(size_of(span))) {
      report_.spans.push_back(std::move(span));
    }
  } else if (event == "value") {
    value(kept_message(in.text("key")), kept_message(in.text("value")));
  } else if (event == "artifact") {
    if (on_artifact) on_artifact(in.text("path"), in.text("name"));
  } else if (event == "skip") {
    if (report_.message.empty()) report_.message = in.text("message");
  } else if (event == "soft") {
    report_.soft_failure = true;
  } else if (event == "timeout") {
    if (on_timeout) on_timeout(in.duration("ms"));
  } else if (event == "finished") {
    report_.finished = true;
    report_.outcome = in.take(model::parse_outcome(in.text("outcome")), model::Outcome::errored);
    report_.soft_failure = report_.soft_failure || in.boolean("soft_failure");
    const bool well = report_.outcome == model::Outcome::passed ||
                      report_.outcome == model::Outcome::skipped;
    // A check failed in a process that the test has forked: only its event tells.
    if (well && failed_) {
      report_.outcome = model::Outcome::failed;
    } else if (std::string message = in.text("message"); !message.empty()) {
      report_.message = std::move(message);
      report_.file = kept_message(in.text("file"));
      report_.line = in.small("line");
    }
  }
}

void EventReader::value(std::string key, std::string value) {
  if (const auto known = value_places_.find(key); known != value_places_.end()) {
    std::string& old = report_.values[known->second].second;
    if (value.size() <= old.size() || has_room(value.size() - old.size())) old = std::move(value);
    return;
  }
  if (report_.values.size() >= kValuesMax) {
    report_.left_out = true;
  } else if (has_room(key.size() + value.size() + kDetailOverhead)) {
    value_places_.emplace(key, report_.values.size());
    report_.values.emplace_back(std::move(key), std::move(value));
  }
}

// Takes the room when it is there.
bool EventReader::has_room(std::size_t bytes) {
  if (details_ + bytes > kDetailsMax) {
    report_.left_out = true;
    return false;
  }
  details_ += bytes;
  return true;
}

ForkServer::ForkServer(Loop& loop, ForkServerEvents events)
    : loop_(loop), events_(std::move(events)) {}

ForkServer::~ForkServer() { close(); }

void ForkServer::close() {
  if (!socket_) return;
  loop_.forget(watch_);
  socket_.reset();
}

Result<pid_t> ForkServer::start(Launch launch, const std::string& suite) {
  BATON_TRY(channel, suite::make_channel());
  socket_ = std::move(channel.first);
  const Fd theirs = std::move(channel.second);
  launch.command.insert(launch.command.end(), {"exec", "--suite", suite, "--fd", "3"});
  launch.channel = theirs.get();
  auto pid = runner::launch(launch);
  if (!pid) {
    socket_.reset();
    return pid;
  }
  watch_ = loop_.watch(socket_.get(), [this] { on_readable(); });
  return pid;
}

bool ForkServer::send(const std::string& text, int output, int events) {
  return socket_ && suite::send_packet(socket_.get(), text, {output, events}).has_value();
}

bool ForkServer::setup(const std::string& dir, int output, int events) {
  const json::object packet{{"op", "setup"}, {"dir", wire::json_text(dir)}};
  return send(json::serialize(packet), output, events);
}

bool ForkServer::teardown(const std::string& dir, int output, int events) {
  const json::object packet{{"op", "teardown"}, {"dir", wire::json_text(dir)}};
  return send(json::serialize(packet), output, events);
}

bool ForkServer::attempt(std::int64_t id, const std::string& test, int number,
                         const std::string& dir, const Variables& environment, int output,
                         int events) {
  const json::object packet{{"op", "attempt"},
                            {"id", id},
                            {"test", wire::json_text(test)},
                            {"attempt", number},
                            {"dir", wire::json_text(dir)},
                            {"env", wire::json_texts(environment)}};
  return send(json::serialize(packet), output, events);
}

void ForkServer::on_readable() {
  bool empty = false;
  const auto packet = suite::receive_packet(socket_.get(), &empty);
  if (empty) return;
  if (!packet || !*packet) {
    close();
    events_.closed();
    return;
  }
  handle((*packet)->json);
}

void ForkServer::handle(std::string_view text) {
  const auto object = wire::parse_object(text, "packet");
  if (!object) return;
  wire::Fields in(*object, "packet");
  const std::string op = in.text("op");
  if (op == "hello") {
    if (in.integer("protocol") != 1) {
      close();
      events_.closed();
      return;
    }
    events_.hello(in.integer("threads"));
  } else if (op == "setup_done") {
    events_.setup_done(in.boolean("ok"), in.integer("threads"));
  } else if (op == "teardown_done") {
    events_.teardown_done(in.boolean("ok"));
  } else if (op == "started") {
    events_.started(in.integer("id"), in.small("pid"));
  } else if (op == "exited") {
    events_.exited(in.integer("id"), static_cast<int>(in.integer("status")));
  }
}

}  // namespace baton::runner
