// SPDX-License-Identifier: MIT
#pragma once
// For the checks of the model only: collects what is wrong, field by field.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "model/suite.h"

namespace baton::model {

inline constexpr std::size_t kNameMax = 100;    // fits a URL part and a file name in every encoding
inline constexpr std::size_t kTextMax = 1'000;  // references, owners: one line for people
inline constexpr std::size_t kDescriptionMax = 64 << 10;
inline constexpr std::size_t kEntriesMax = 100;  // labels or parameters: an index row each
inline constexpr std::size_t kParamMax = 32 << 10;  // becomes an environment variable
inline constexpr int kAttemptsMax = 100;

class Problems {
 public:
  void add(std::string pointer, std::string detail) {
    details_.push_back({std::move(pointer), std::move(detail)});
  }
  void take(std::string pointer, const Result<void>& checked) {
    if (!checked) add(std::move(pointer), checked.error().message);
  }
  void line(std::string pointer, std::string_view text, std::size_t max = kTextMax) {
    if (text.size() > max) add(pointer, fmt::format("is longer than {} bytes", max));
    if (!is_valid_utf8(text) || has_control_bytes(text))
      add(std::move(pointer), "must be one line of UTF-8 text");
  }
  void range(std::string pointer, int value, int low, int high) {
    if (value < low || value > high)
      add(std::move(pointer), fmt::format("is {}, but must be {} to {}", value, low, high));
  }
  void not_negative(std::string pointer, Duration value) {
    if (value.count() < 0) add(std::move(pointer), "is negative");
  }
  void labels(const std::string& pointer, const Labels& labels) {
    if (labels.size() > kEntriesMax) add(pointer, fmt::format("has more than {}", kEntriesMax));
    for (const auto& [key, value] : labels) {
      const std::string at = pointer + "/" + key;
      if (key.empty() || key.size() > kNameMax || key.find('=') != std::string::npos)
        add(at, fmt::format("a label's key has 1 to {} bytes and no '='", kNameMax));
      line(at, key);
      line(at, value);
    }
  }
  Result<void> finish(std::string_view what) && {
    if (details_.empty()) return {};
    Error error{Code::invalid, fmt::format("{}: {} {}", what, details_[0].pointer.substr(1),
                                           details_[0].detail)};
    error.details = std::move(details_);
    return tl::unexpected(std::move(error));
  }

 private:
  std::vector<ErrorDetail> details_;
};

}  // namespace baton::model
