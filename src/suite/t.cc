// SPDX-License-Identifier: MIT
// baton::T and its helpers: from the light header to the attempt behind it.
#include <baton/t.h>

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/file.h"
#include "suite/attempt.h"
#include "suite/printer.h"
#include "suite/stop.h"
#include "suite/variable.h"

namespace baton {
namespace {

using suite::keep;
using suite::view;

Text from_environment(const std::string& name, TextView otherwise = "") {
  const char* const value = std::getenv(name.c_str());
  return value ? keep(value) : keep(view(otherwise));
}

}  // namespace

Text Text::join(TextView a, TextView b) { return keep(std::string(view(a)).append(view(b))); }

void Span::end() {
  if (attempt_) attempt_->close_span(index_);
  attempt_ = nullptr;
}

void Span::set_erased(TextView key, const detail::Arg& value) {
  if (attempt_) attempt_->set_span(index_, view(key), suite::plain(value));
}

bool StopToken::stop_requested() const { return suite::stop_requested(); }

Text T::name() const { return keep(attempt_->setting().test); }
Text T::suite() const { return keep(attempt_->setting().suite); }
int T::attempt() const { return attempt_->setting().number; }
Text T::environment() const { return from_environment("BATON_ENVIRONMENT"); }
Text T::property(TextView key) const {
  return from_environment(suite::variable_name(suite::kPropertyPrefix, view(key)));
}
Text T::param(TextView key, TextView otherwise) const {
  return from_environment(suite::variable_name(suite::kParameterPrefix, view(key)), otherwise);
}
Text T::parameter() const { return keep(attempt_->setting().parameter); }
Text T::temp_dir() const { return attempt_->temp_dir(); }

void T::log_erased(TextView format, const detail::Arg* args, std::size_t count) {
  const std::string line = suite::format_args(view(format), args, count) + "\n";
  // Through stdio, so that it keeps its place among what the test prints itself.
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

Span T::span(TextView name, Attributes context) {
  return Span(attempt_, attempt_->open_span(view(name), context));
}

void T::set_value_erased(TextView key, const detail::Arg& value) {
  attempt_->set_value(view(key), suite::plain(value));
}

Text T::value(TextView key) const { return keep(attempt_->value(view(key)).value_or("")); }

void T::artifact(TextView path, TextView name) {
  attempt_->keep_artifact(std::string(view(path)), std::string(view(name)));
}

void T::fail(TextView message, const char* file, int line) {
  attempt_->fail(fmt::format("{}:{}: {}", file, line, view(message)), file, line, false);
}

void T::skip(TextView reason) { attempt_->skip(view(reason)); }
void T::soft_failure() { attempt_->set_soft(); }
bool T::failed() const { return attempt_->failed(); }
void T::add_cleanup(detail::Callback callback) { attempt_->add_cleanup(callback); }
void T::set_timeout(Timespan timeout) { attempt_->set_timeout(timeout.ms()); }

void T::set_env(TextView key, TextView value) {
  ::setenv(std::string(view(key)).c_str(), std::string(view(value)).c_str(), 1);
}

bool T::poll_erased(Timespan timeout, Timespan interval, detail::Predicate predicate) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout.ns());
  Span poll = span("poll");
  for (int tries = 1;; ++tries) {
    const bool done = predicate.call(predicate.object);
    const auto left = (deadline - std::chrono::steady_clock::now()).count();
    if (!done && left > 0 && !suite::wait_for_stop(std::min<std::int64_t>(interval.ns(), left)))
      continue;
    poll.set("tries", tries);
    poll.set("true", done);
    return done;
  }
}

bool T::eventually_erased(Timespan timeout, Timespan interval, detail::Predicate predicate,
                          const char* file, int line) {
  if (poll_erased(timeout, interval, predicate)) return true;
  fail(fmt::format("it did not become true within {} ms", timeout.ms()), file, line);
  return false;
}

namespace detail {
namespace {

// The text of a check without the message that follows its expression: `count` top-level parts
// less.
std::string_view without_message(std::string_view text, std::size_t count) {
  int depth = 0;
  char quote = 0;
  for (std::size_t at = text.size(); at-- > 0 && count > 0;) {
    const char c = text[at];
    const bool escaped = at > 0 && text[at - 1] == '\\';
    if (quote != 0) {
      if (c == quote && !escaped) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ')' || c == ']' || c == '}') {
      ++depth;
    } else if (c == '(' || c == '[' || c == '{') {
      --depth;
    } else if (c == ',' && depth == 0) {
      --count;
      text = text.substr(0, at);
    }
  }
  return text;
}

}  // namespace

void check_failed(const Site& site, const Operands& operands, const Arg* message,
                  std::size_t count) {
  Attempt* const attempt = Attempt::current();
  std::string text =
      fmt::format("{}:{}: {}({}) failed: {}", site.file, site.line, site.macro,
                  without_message(site.expression, count), suite::shown(operands.left));
  if (operands.op) text += fmt::format(" {} {}", operands.op, suite::shown(operands.right));
  if (count > 0)
    text += ": " + suite::format_args(suite::plain(message[0]), message + 1, count - 1);
  if (!attempt) {
    // A check before main() or after the test: there is no test to fail.
    std::fprintf(stderr, "%s\nbaton: a check failed outside of a test\n", text.c_str());
    std::abort();
  }
  attempt->fail(std::move(text), site.file, site.line, site.fatal);
  if (site.fatal) attempt->end();
}

}  // namespace detail
}  // namespace baton
