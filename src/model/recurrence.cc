// SPDX-License-Identifier: MIT
#include "model/recurrence.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <set>

#include "base/text.h"

namespace baton::model {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> kDays{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr int kIntervalMax = 1'000;
// Walked through once to find where a booking ends; 27 years of daily ones.
constexpr int kCountMax = 10'000;
// The calendar repeats after 400 years: what has no day in so many months has none ever.
constexpr int kEmptyMax = 4'800;
constexpr std::int64_t kLastDay =
    sys_days{std::chrono::year{9999} / 12 / 31}.time_since_epoch().count();

std::int64_t day_of(TimePoint t) { return std::chrono::floor<days>(t).time_since_epoch().count(); }

// 1970-01-01 was a Thursday.
int weekday_of(std::int64_t day) { return static_cast<int>(((day + 3) % 7 + 7) % 7); }

// Months since January of the year 0.
std::int64_t month_of(std::int64_t day) {
  const year_month_day date{sys_days{days{day}}};
  return std::int64_t{int{date.year()}} * 12 + unsigned{date.month()} - 1;
}

std::int64_t first_of(std::int64_t month) {
  const auto year = std::chrono::year{static_cast<int>(month / 12)};
  const auto name = std::chrono::month{static_cast<unsigned>(month % 12) + 1};
  return sys_days{year / name / 1}.time_since_epoch().count();
}

int day_of_month(std::int64_t day) {
  return static_cast<int>(unsigned{year_month_day{sys_days{days{day}}}.day()});
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

Result<int> number_between(std::string_view name, std::string_view text, int low, int high) {
  const auto value = number(text);
  if (!value || *value < low || *value > high)
    return fail(Code::invalid, "{}={} must be a number from {} to {}", name, text, low, high);
  return *value;
}

// 20301231 or 20301231T235959Z.
Result<TimePoint> read_until(std::string_view text) {
  const bool is_date = text.size() == 8;
  const auto digits = [&](std::size_t at, std::size_t size = 2) {
    return std::string(text.substr(at, size));
  };
  if (is_date || (text.size() == 16 && text[8] == 'T' && text[15] == 'Z')) {
    const std::string time =
        is_date ? "00:00:00" : digits(9) + ":" + digits(11) + ":" + digits(13);
    const auto parsed =
        parse_rfc3339(digits(0, 4) + "-" + digits(4) + "-" + digits(6) + "T" + time + "Z");
    if (parsed) return is_date ? *parsed + days{1} - Duration{1} : *parsed;
  }
  return fail(Code::invalid, "UNTIL={} must be a time in UTC such as 20301231T235959Z, or a date "
              "such as 20301231", text);
}

}  // namespace

Result<Recurrence> Recurrence::parse(std::string_view rule) {
  Recurrence parsed;
  if (rule.empty()) return parsed;
  std::set<std::string> seen;
  const std::string text = upper(rule);
  for (const std::string_view part : split(text, ';')) {
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    if (equals == std::string_view::npos)
      return fail(Code::invalid, "{} is not NAME=VALUE: a rule reads FREQ=WEEKLY;BYDAY=MO,TH",
                  json_quote(part));
    if (!seen.emplace(name).second) return fail(Code::invalid, "{} is given twice", name);
    BATON_TRY_VOID(parsed.take(name, part.substr(equals + 1)));
  }
  BATON_TRY_VOID(parsed.check());
  return parsed;
}

Result<void> Recurrence::take(std::string_view name, std::string_view value) {
  if (name == "FREQ") {
    constexpr std::array<std::string_view, 4> kNames{"", "DAILY", "WEEKLY", "MONTHLY"};
    const auto found = std::find(kNames.begin() + 1, kNames.end(), value);
    if (found == kNames.end())
      return fail(Code::invalid, "FREQ={} must be DAILY, WEEKLY or MONTHLY", value);
    frequency_ = static_cast<Frequency>(found - kNames.begin());
    return {};
  }
  if (name == "INTERVAL") {
    BATON_TRY(given, number_between(name, value, 1, kIntervalMax));
    interval_ = given;
    return {};
  }
  if (name == "COUNT") {
    BATON_TRY(given, number_between(name, value, 1, kCountMax));
    count_ = given;
    return {};
  }
  if (name == "UNTIL") {
    BATON_TRY(given, read_until(value));
    until_ = given;
    return {};
  }
  if (name == "BYDAY") return take_days(value);
  return fail(Code::invalid, "{} is not known: a rule has FREQ, INTERVAL, BYDAY, COUNT or UNTIL",
              json_quote(name));
}

Result<void> Recurrence::take_days(std::string_view value) {
  std::set<Weekday> days;
  for (const std::string_view entry : split(value, ',')) {
    const std::size_t size = entry.size() < 2 ? 0 : entry.size() - 2;
    const auto found = std::find(kDays.begin(), kDays.end(), entry.substr(size));
    std::string_view digits = entry.substr(0, size);
    if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
    const auto ordinal = size == 0 ? std::optional{0} : number(digits);
    if (found == kDays.end() || !ordinal || *ordinal < -5 || *ordinal > 5 ||
        (size > 0 && *ordinal == 0))
      return fail(Code::invalid,
                  "BYDAY={} is not a day: use MO TU WE TH FR SA SU, of a month also 1MO to 5MO and "
                  "-1MO to -5MO", entry);
    days.insert({static_cast<int>(found - kDays.begin()), *ordinal});
  }
  days_.assign(days.begin(), days.end());
  return {};
}

Result<void> Recurrence::check() const {
  if (frequency_ == Frequency::once)
    return fail(Code::invalid, "FREQ is needed: DAILY, WEEKLY or MONTHLY");
  if (count_ && until_) return fail(Code::invalid, "COUNT and UNTIL exclude each other");
  const bool ordinals =
      std::any_of(days_.begin(), days_.end(), [](const Weekday& day) { return day.ordinal != 0; });
  if (ordinals && frequency_ != Frequency::monthly)
    return fail(Code::invalid, "a BYDAY with a number needs FREQ=MONTHLY");
  return {};
}

std::string Recurrence::text() const {
  if (frequency_ == Frequency::once) return {};
  constexpr std::array<std::string_view, 4> kNames{"", "DAILY", "WEEKLY", "MONTHLY"};
  std::string text = fmt::format("FREQ={}", kNames[static_cast<std::size_t>(frequency_)]);
  if (interval_ != 1) text += fmt::format(";INTERVAL={}", interval_);
  for (const Weekday& day : days_) {
    text += &day == days_.data() ? ";BYDAY=" : ",";
    if (day.ordinal != 0) text += fmt::format("{}", day.ordinal);
    text += kDays[static_cast<std::size_t>(day.day)];
  }
  if (count_) text += fmt::format(";COUNT={}", *count_);
  if (until_) {
    std::string time = format_rfc3339(*until_).substr(0, 19);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    text += ";UNTIL=" + time + "Z";
  }
  return text;
}

Starts::Starts(Recurrence rule, TimePoint first, TimePoint not_before)
    : rule_(std::move(rule)),
      not_before_(not_before),
      first_day_(day_of(first)),
      time_of_day_(first - std::chrono::floor<days>(first)) {
  const std::int64_t day = day_of(not_before);
  if (day > kLastDay || first_day_ > kLastDay) {
    ended_ = true;
    return;
  }
  period_ = day <= first_day_ ? 0 : period_of(day);
  if (rule_.count_) counted_ = counted_before(period_);
  days_ = days_in(period_);
}

std::optional<TimePoint> Starts::next() {
  while (!ended_) {
    if (at_ == days_.size()) {
      empty_ = days_.empty() ? empty_ + 1 : 0;
      at_ = 0;
      ended_ = empty_ > kEmptyMax || is_beyond(++period_);
      if (!ended_) days_ = days_in(period_);
      continue;
    }
    const std::int64_t day = days_[at_++];
    const TimePoint start = sys_days{days{day}} + time_of_day_;
    if (day > kLastDay || (rule_.until_ && start > *rule_.until_) ||
        (rule_.count_ && counted_ == *rule_.count_)) {
      ended_ = true;
      continue;
    }
    ++counted_;
    if (start >= not_before_) return start;
  }
  return std::nullopt;
}

bool Starts::is_beyond(std::int64_t period) const {
  const std::int64_t step = period * rule_.interval_;
  switch (rule_.frequency_) {
    case Recurrence::Frequency::once: return period > 0;
    case Recurrence::Frequency::daily: return first_day_ + step > kLastDay;
    case Recurrence::Frequency::weekly: return first_day_ + 7 * (step - 1) > kLastDay;
    case Recurrence::Frequency::monthly:
      return month_of(first_day_) + step > month_of(kLastDay);
  }
  return true;
}

Starts::Days Starts::days_in(std::int64_t period) const {
  const std::int64_t step = period * rule_.interval_;
  Days found;
  switch (rule_.frequency_) {
    case Recurrence::Frequency::once:
      if (period == 0) found.push_back(first_day_);
      break;
    case Recurrence::Frequency::daily: {
      const int weekday = weekday_of(first_day_ + step);
      const bool fits = std::any_of(rule_.days_.begin(), rule_.days_.end(),
                                    [&](const auto& day) { return day.day == weekday; });
      if (rule_.days_.empty() || fits) found.push_back(first_day_ + step);
      break;
    }
    case Recurrence::Frequency::weekly: {
      const std::int64_t monday = first_day_ - weekday_of(first_day_) + 7 * step;
      if (rule_.days_.empty()) found.push_back(first_day_ + 7 * step);
      for (const auto& day : rule_.days_) found.push_back(monday + day.day);
      break;
    }
    case Recurrence::Frequency::monthly: weekdays_of_month(month_of(first_day_) + step, found);
  }
  std::erase_if(found, [&](std::int64_t day) { return day < first_day_; });
  return found;
}

void Starts::weekdays_of_month(std::int64_t month, Days& found) const {
  const std::int64_t begin = first_of(month);
  const std::int64_t end = first_of(month + 1);
  if (rule_.days_.empty()) {
    const std::int64_t day = begin + day_of_month(first_day_) - 1;
    if (day < end) found.push_back(day);
    return;
  }
  for (const auto& one : rule_.days_) {
    const std::int64_t earliest = begin + (one.day - weekday_of(begin) + 7) % 7;
    const std::int64_t latest = end - 1 - (weekday_of(end - 1) - one.day + 7) % 7;
    if (one.ordinal == 0)
      for (std::int64_t day = earliest; day < end; day += 7) found.push_back(day);
    else
      found.push_back(one.ordinal > 0 ? earliest + 7 * (one.ordinal - 1)
                                      : latest + 7 * (one.ordinal + 1));
  }
  std::erase_if(found, [&](std::int64_t day) { return day < begin || day >= end; });
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
}

std::int64_t Starts::period_of(std::int64_t day) const {
  switch (rule_.frequency_) {
    case Recurrence::Frequency::once: return 0;
    case Recurrence::Frequency::daily: return (day - first_day_) / rule_.interval_;
    case Recurrence::Frequency::weekly:
      return (day - first_day_ + weekday_of(first_day_)) / 7 / rule_.interval_;
    case Recurrence::Frequency::monthly:
      return (month_of(day) - month_of(first_day_)) / rule_.interval_;
  }
  return 0;
}

int Starts::cycle() const {
  if (rule_.frequency_ == Recurrence::Frequency::weekly) return 1;
  if (rule_.frequency_ == Recurrence::Frequency::daily) return rule_.days_.empty() ? 1 : 7;
  return rule_.days_.empty() && day_of_month(first_day_) <= 28 ? 1 : 0;
}

std::int64_t Starts::counted_before(std::int64_t period) const {
  if (period == 0) return 0;
  const auto size = [&](std::int64_t k) { return static_cast<std::int64_t>(days_in(k).size()); };
  std::int64_t counted = size(0);  // the only one that `first` may cut
  std::int64_t k = 1;
  if (const int length = cycle(); length > 0) {
    std::int64_t each = 0;
    for (int i = 0; i < length; ++i) each += size(1 + i);
    const std::int64_t whole = (period - 1) / length;
    counted += whole * each;
    k += whole * length;
  }
  for (; k < period && counted < *rule_.count_; ++k) counted += size(k);
  return std::min(counted, *rule_.count_);
}

}  // namespace baton::model
