// SPDX-License-Identifier: MIT
#pragma once
// Bridges from <baton/baton.h> to the heavier parts of the standard library:
//   std::stop_token token = t.stop_token();       requested when the attempt shall stop
//   std::string text = baton::str(t.value("id"))  and baton::streamed(x) for anything with <<
//   baton::chrono(baton::seconds(5))              a Timespan as std::chrono::nanoseconds
#include <chrono>
#include <sstream>
#include <stop_token>
#include <string>
#include <string_view>

#include <baton/baton.h>

namespace baton {
namespace detail {

/// The stop of this attempt as the standard's token. Starts one watching thread in this process.
std::stop_token std_stop_token();

template <>
struct StopBridge<std::stop_token> {
  static std::stop_token make(const StopToken&) { return std_stop_token(); }
};

}  // namespace detail

inline std::string str(TextView text) { return std::string(text.data(), text.size()); }
inline std::string_view view(TextView text) { return std::string_view(text.data(), text.size()); }

/// For values that only know operator<<: BATON_CHECK(…, "{}", baton::streamed(order)).
template <class V>
std::string streamed(const V& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

constexpr std::chrono::nanoseconds chrono(Timespan span) {
  return std::chrono::nanoseconds(span.ns());
}

}  // namespace baton
