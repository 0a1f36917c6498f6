// SPDX-License-Identifier: MIT
#include "cli/lock_progress.h"

#include <boost/json.hpp>
#include <cstdio>

#include "cli/lock_request.h"
#include "cli/output.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

// Pipelines kill jobs that are silent for ten minutes; people look up after half a one.
constexpr Duration kEvery{30'000};
// Of those ahead so many are named.
constexpr std::size_t kNamedMax = 3;

}  // namespace

std::string describe_place(const std::string& what, const json::value& lease) {
  std::string line = fmt::format("waiting for {}, position {}", what, text_at(lease, "position"));
  const json::object* object = lease.if_object();
  const json::value* ahead = object == nullptr ? nullptr : object->if_contains("ahead");
  if (ahead != nullptr && ahead->is_array() && !ahead->get_array().empty()) {
    const json::array& list = ahead->get_array();
    std::string names;
    for (std::size_t i = 0; i < std::min(list.size(), kNamedMax); ++i)
      names += (i == 0 ? "" : ", ") + describe_holder(list[i]);
    if (list.size() > kNamedMax) names += fmt::format(" and {} more", list.size() - kNamedMax);
    line += " after " + names;
  }
  if (const std::int64_t eta = integer_at(lease, "eta_ms"); eta > 0)
    line += ", about " + describe_duration(Duration{eta});
  if (const std::string bars = describe_bars(lease); !bars.empty()) line += "; " + bars;
  return line;
}

std::string describe_bars(const json::value& lease) {
  std::string text;
  const json::object* object = lease.if_object();
  const json::value* bars = object == nullptr ? nullptr : object->if_contains("barred");
  if (bars == nullptr || !bars->is_array()) return text;
  for (const json::value& bar : bars->get_array()) {
    const std::string state = text_at(bar, "state");
    const std::string reason = text_at(bar, "reason");
    const std::string owner = text_at(bar, "owner");
    text += (text.empty() ? "" : "; ") + text_at(bar, "environment");
    if (!state.empty())
      text += fmt::format(" is {}{}{}", state == "maintenance" ? "in maintenance" : state,
                          reason.empty() ? "" : ": ", reason);
    else
      text += fmt::format(" is kept for a {}{}{} until {}", text_at(bar, "kind"),
                          owner.empty() ? "" : " of ", owner, text_at(bar, "to"));
  }
  return text;
}

LockProgress::LockProgress(std::string what)
    : what_(std::move(what)), terminal_(is_terminal()), start_(client::BootClock::now()) {}

void LockProgress::queued(const json::value& lease) {
  troubled_ = false;
  const Duration waited = client::BootClock::now() - start_;
  std::string line = describe_place(what_, lease);
  if (said_) line += " (waited " + describe_duration(waited) + ")";
  show(line, !said_);
  said_ = true;
}

void LockProgress::trouble(const Error& error) {
  show(fmt::format("waiting for {}: {}; trying again", what_, error.message), !troubled_);
  troubled_ = true;
}

void LockProgress::end() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

void LockProgress::show(const std::string& line, bool at_once) {
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s", harmless(line).c_str());
    drawn_ = true;
    return;
  }
  const client::BootTime now = client::BootClock::now();
  if (!at_once && now - last_ < kEvery) return;
  last_ = now;
  say(harmless(line));
}

}  // namespace baton::cli
