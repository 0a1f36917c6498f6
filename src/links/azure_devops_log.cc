// SPDX-License-Identifier: MIT
// One log, to which lines are appended, and one timeline record that shows it: a log per line would
// leave people with the last fragment. A batch whose answer was lost may be there twice.
#include <algorithm>

#include "base/text.h"
#include "links/azure_devops.h"
#include "links/progress.h"
#include "wire/json_writer.h"

namespace baton::links::azure {
namespace {

// Characters of one line; the limit of Microsoft's own helper.
constexpr std::size_t kLineMax = 1'024;
// Of the subject's log in one request: small beside the 8 MiB of a page, quick to send again.
constexpr std::size_t kBatchBytes = 64 << 10;
// In one attempt, so that a long log lets others of this link through.
constexpr int kBatchesMax = 32;
// Lines of one request to the live view.
constexpr std::size_t kFeedLines = 500;

// At most kLineMax characters (not bytes), printable; colours stay.
std::string shown_line(std::string_view raw) {
  const std::string text = to_valid_utf8(raw);
  std::string out;
  std::size_t characters = 0;
  for (const char c : text) {
    const bool is_tail = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (!is_tail && ++characters > kLineMax) return out + "...";
    if (c != '\r' && c != '\0') out += c;
  }
  return out;
}

// "2026-01-04T12:32:42.2040000Z": seven decimals, as .NET reads them.
std::string stamp_of(TimePoint now) {
  std::string stamp = format_rfc3339(now);
  stamp.insert(stamp.size() - 1, "0000");
  return stamp;
}

class LogSender {
 public:
  LogSender(const Place& place, Peer& peer) : place_(place), peer_(peer) {}

  Outcome run() {
    if (!open() || !send_new()) return std::move(failure_);
    const bool is_open = message().gate.state == model::GateState::pending;
    if (!is_open && !has_more_ && !end()) return std::move(failure_);
    if (!show(is_open || has_more_)) return std::move(failure_);
    if (has_more_) return later(Duration{0}, peer_.memo.to_text());
    if (is_open) return progress();
    return peer_.with_memo(delivered(status_));
  }

 private:
  const Message& message() const { return peer_.message; }

  Outcome progress() const {
    Outcome outcome = later(Duration{0}, peer_.memo.to_text());
    outcome.after.reset();
    return outcome;
  }

  bool send(net::HttpRequest request, std::string* body = nullptr) {
    const auto answer = peer_.send(std::move(request), task_versions());
    if (!is_taken(answer)) {
      failure_ = peer_.failure(answer);
      return false;
    }
    status_ = answer->status;
    if (body != nullptr) *body = answer->body;
    return true;
  }

  bool open() {
    if (peer_.memo.has("log")) return true;
    wire::JsonWriter out;
    out.begin_object().field("path", "logs\\" + place_.task).end_object();
    net::HttpRequest request = call("POST", place_.plan_path(), "/logs");
    set_json(request, out.take());
    std::string log;
    if (!send(std::move(request), &log)) return false;
    const std::int64_t id = Json(log).number("id", -1);
    if (id < 0) {
      failure_ = again(model::ErrorClass::transient, status_, "the new log has no id");
      return false;
    }
    peer_.memo.set("log", id);
    const model::Gate& gate = message().gate;
    std::string line = "Baton: gate " + gate.id;
    if (!gate.request.name.empty()) line += " (" + gate.request.name + ")";
    const std::string url = details_url(message());
    return append({line + (url.empty() ? "" : ": " + url)});
  }

  // The log first: it stays. The live view is for who looks now; without it nothing is lost.
  bool append(const std::vector<std::string>& lines) {
    if (lines.empty()) return true;
    const std::string stamp = stamp_of(message().now) + " ";
    net::HttpRequest request =
        call("POST", place_.plan_path(), fmt::format("/logs/{}", peer_.memo.number("log")));
    request.headers.set("Content-Type", "application/octet-stream");
    for (const std::string& line : lines) request.body += stamp + shown_line(line) + "\n";
    if (!send(std::move(request))) return false;
    for (std::size_t from = 0; from < lines.size() && is_fed_; from += kFeedLines) {
      const std::size_t to = std::min(from + kFeedLines, lines.size());
      wire::JsonWriter out;
      out.begin_object().key("value").begin_array();
      for (std::size_t i = from; i < to; ++i) out.value(stamp + shown_line(lines[i]));
      out.end_array().field("count", to - from).field("stepId", place_.task).end_object();
      net::HttpRequest feed = call("POST", place_.records_path(), "/" + place_.job + "/feed");
      set_json(feed, out.take());
      is_fed_ = is_taken(peer_.send(std::move(feed), task_versions()));
    }
    return true;
  }

  bool send_new() {
    if (!message().read_log) return true;
    for (int batch = 0; batch < kBatchesMax; ++batch) {
      const std::int64_t sent = peer_.memo.number("sent");
      const auto text = message().read_log(sent, kBatchBytes);
      if (!text) {
        failure_ = peer_.with_memo(
            again(model::ErrorClass::transient, 0, "the log: " + text.error().message));
        return false;
      }
      const std::size_t used = whole_lines(*text);
      if (used == 0) return true;
      std::vector<std::string> lines;
      for (const std::string_view line : split(std::string_view{*text}.substr(0, used), '\n'))
        lines.emplace_back(line);
      if (lines.back().empty()) lines.pop_back();
      // The rest of a line that was cut already is not shown.
      if (peer_.memo.number("in_line") == 1 && !lines.empty()) lines.erase(lines.begin());
      if (!append(lines)) return false;
      const bool is_cut = used == kBatchBytes && text->back() != '\n';
      peer_.memo.set("in_line", is_cut ? 1 : 0);
      peer_.memo.set("sent", sent + static_cast<std::int64_t>(used));
    }
    has_more_ = true;
    return true;
  }

  // Up to the last end of a line; all of it when no such end comes any more, or not soon.
  std::size_t whole_lines(std::string_view text) const {
    const bool is_over = message().gate.state != model::GateState::pending;
    if (is_over && text.size() < kBatchBytes) return text.size();
    const std::size_t end = text.rfind('\n');
    if (end != std::string_view::npos) return end + 1;
    return text.size() >= kBatchBytes ? text.size() : 0;
  }

  bool end() {
    if (peer_.memo.number("ended") == 1) return true;
    std::vector<std::string> lines{"Baton: " + verdict()};
    for (const std::string& url : {details_url(message()), message().urls.junit})
      if (url.starts_with("http")) lines.push_back("Baton: " + url);
    if (!append(lines)) return false;
    peer_.memo.set("ended", 1);
    return true;
  }

  std::string verdict() const {
    const model::Gate& gate = message().gate;
    if (gate.verdict == model::GateVerdict::none) return std::string{name_of(gate.state)};
    return verdict_line(gate, kLineMax - 10);
  }

  Progress state(bool is_open) const {
    return is_open ? progress_of(message()) : Progress{100, verdict()};
  }

  // The record is not completed here: the event that brings the verdict does that.
  bool show(bool is_open) {
    const auto [percent, operation] = state(is_open);
    const std::string shown = fmt::format("{} {}", percent, operation);
    if (peer_.memo.text("shown") == shown) return true;
    wire::JsonWriter out;
    out.begin_object().key("value").begin_array().begin_object().field("id", place_.task);
    if (!peer_.memo.has("shown"))
      out.key("log").begin_object().field("id", peer_.memo.number("log")).end_object();
    if (place_.is_task_made)
      out.field("parentId", place_.job).field("type", "Task").field("name", "Baton");
    out.field("state", "inProgress")
        .field("percentComplete", percent)
        .field("currentOperation", operation)
        .end_object()
        .end_array()
        .field("count", 1)
        .end_object();
    net::HttpRequest request = call("PATCH", place_.records_path(), "");
    set_json(request, out.take());
    if (!send(std::move(request))) return false;
    peer_.memo.set("shown", shown);
    return true;
  }

  const Place& place_;
  Peer& peer_;
  Outcome failure_;
  int status_ = 0;
  bool has_more_ = false;
  bool is_fed_ = true;  // the live view takes lines
};

}  // namespace

Outcome deliver_log(const Message& message, const model::LinkProfile& profile, Http& http) {
  const auto place = parse_place(message.delivery.target.fields);
  if (!place) return unreadable(place.error());
  Peer peer(message, profile, http);
  return LogSender(*place, peer).run();
}

}  // namespace baton::links::azure
