// SPDX-License-Identifier: MIT
// Reading cron expressions into bit sets.
#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <vector>

#include "base/text.h"
#include "model/cron.h"

namespace baton::model {
namespace {

struct FieldRule {
  std::string_view name;
  int low;
  int high;
  std::span<const std::string_view> words = {};  // the n-th stands for `low` + n
};

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};
const FieldRule kSecond{"second", 0, 59};
const FieldRule kMinute{"minute", 0, 59};
const FieldRule kHour{"hour", 0, 23};
const FieldRule kDay{"day of month", 1, 31};
const FieldRule kMonth{"month", 1, 12, kMonths};
// 7 is Sunday too; it is folded into 0 after reading.
const FieldRule kWeekday{"day of week", 0, 7, kWeekdays};

struct Macro {
  std::string_view name;
  std::string_view expression;
};
constexpr std::array<Macro, 7> kMacros{{{"@yearly", "0 0 1 1 *"},
                                        {"@annually", "0 0 1 1 *"},
                                        {"@monthly", "0 0 1 * *"},
                                        {"@weekly", "0 0 * * 0"},
                                        {"@daily", "0 0 * * *"},
                                        {"@midnight", "0 0 * * *"},
                                        {"@hourly", "0 * * * *"}}};

std::string_view rest_of(std::string_view text, std::string_view word) {
  return trim(text.substr(word.size()));
}

Result<int> read_value(const FieldRule& rule, std::string_view text) {
  const std::string lower = to_lower(text);
  for (std::size_t i = 0; i < rule.words.size(); ++i)
    if (lower == rule.words[i]) return rule.low + static_cast<int>(i);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || text[0] == '-')
    return fail(Code::invalid, "\"{}\" is not a {}", text, rule.name);
  if (value < rule.low || value > rule.high)
    return fail(Code::invalid, "{} is not a {}: it must be {} to {}", value, rule.name, rule.low,
                rule.high);
  return value;
}

Result<int> read_step(const FieldRule& rule, std::string_view text) {
  int step = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc{} || end != text.data() + text.size() || step < 1)
    return fail(Code::invalid, "\"/{}\" is not a step of the {} field", text, rule.name);
  return step;
}

// One entry of a list: `*`, `a`, `a-b`, each with an optional `/n`.
template <std::size_t N>
Result<void> read_entry(const FieldRule& rule, std::string_view entry, std::bitset<N>& bits) {
  const std::size_t slash = entry.find('/');
  const std::string_view range = entry.substr(0, slash);
  int step = 1;
  if (slash != std::string_view::npos) {
    BATON_TRY(given, read_step(rule, entry.substr(slash + 1)));
    // A longer step gives the first value alone, and must not make the sum overflow.
    step = std::min(given, rule.high + 1);
  }
  int from = rule.low;
  int to = rule.high;
  if (range != "*" && range != "?") {
    const std::size_t dash = range.find('-');
    BATON_TRY(first, read_value(rule, range.substr(0, dash)));
    from = first;
    // `a/n` means from a to the end, as in Vixie's cron.
    if (dash == std::string_view::npos && slash == std::string_view::npos) to = from;
    if (dash != std::string_view::npos) {
      BATON_TRY(last, read_value(rule, range.substr(dash + 1)));
      to = last;
    }
    if (from > to)
      return fail(Code::invalid, "the range {} of the {} field runs backwards", range, rule.name);
  }
  for (int value = from; value <= to; value += step) bits.set(static_cast<std::size_t>(value) % N);
  return {};
}

template <std::size_t N>
Result<void> read_field(const FieldRule& rule, std::string_view text, std::bitset<N>& bits) {
  for (const std::string_view entry : split(text, ','))
    BATON_TRY_VOID(read_entry(rule, entry, bits));
  return {};
}

bool is_any(std::string_view text) { return text == "*" || text == "?"; }

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = text.find_first_not_of(" \t", at);
    if (from == std::string_view::npos) break;
    const std::size_t to = std::min(text.find_first_of(" \t", from), text.size());
    words.push_back(text.substr(from, to - from));
    at = to;
  }
  return words;
}

}  // namespace

class CronReader {
 public:
  static Result<Cron> read(std::string_view expression) {
    std::vector<std::string_view> fields = words_of(expression);
    if (fields.size() != 5 && fields.size() != 6)
      return fail(Code::invalid, "it has {} fields, but must have 5, or 6 with seconds first",
                  fields.size());
    Cron cron;
    if (fields.size() == 6) {
      BATON_TRY_VOID(read_field(kSecond, fields[0], cron.seconds_));
      fields.erase(fields.begin());
    } else {
      cron.seconds_.set(0);
    }
    BATON_TRY_VOID(read_field(kMinute, fields[0], cron.minutes_));
    BATON_TRY_VOID(read_field(kHour, fields[1], cron.hours_));
    BATON_TRY_VOID(read_field(kDay, fields[2], cron.days_));
    BATON_TRY_VOID(read_field(kMonth, fields[3], cron.months_));
    BATON_TRY_VOID(read_field(kWeekday, fields[4], cron.weekdays_));
    cron.any_hour_ = is_any(fields[1]) || fields[1].starts_with("*/");
    cron.any_day_ = is_any(fields[2]);
    cron.any_weekday_ = is_any(fields[4]);
    return cron;
  }
};

Result<Cron> Cron::every(Duration interval) {
  if (interval < std::chrono::seconds{1})
    return fail(Code::invalid, "an interval of {} is too short: at least 1s",
                format_duration(interval));
  Cron cron;
  cron.interval_ = interval;
  return cron;
}

Result<Cron> Cron::parse(std::string_view expression) {
  const std::string_view text = trim(expression);
  const auto explain = [&](Error error) {
    return tl::unexpected(Error{
        Code::invalid, fmt::format("the cron expression {}: {}", json_quote(text), error.message),
        "write it as \"0 2 * * *\" (every day at 02:00), @hourly or @every 90s"});
  };
  if (text.starts_with("@every ")) {
    auto interval = parse_duration(rest_of(text, "@every "));
    if (!interval) return explain(interval.error());
    auto cron = every(*interval);
    if (!cron) return explain(cron.error());
    return cron;
  }
  std::string_view fields = text;
  if (text.starts_with('@')) {
    fields = {};
    for (const Macro& macro : kMacros)
      if (to_lower(text) == macro.name) fields = macro.expression;
    if (fields.empty()) return explain(Error{Code::invalid, "the macro is unknown"});
  }
  auto cron = CronReader::read(fields);
  if (!cron) return explain(cron.error());
  return cron;
}

}  // namespace baton::model
