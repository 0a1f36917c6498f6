// SPDX-License-Identifier: MIT
#pragma once
// JSON of unknown origin: bounded depth and size, errors with their place, readers that take a
// missing or misshapen field for an empty one.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "reports/collector.h"
#include "reports/report.h"

namespace baton::reports {

namespace json = boost::json;

/// Errors: unprocessable with the place; too_large beyond kJsonBytesMax.
Result<json::value> parse_json(std::string_view bytes, std::string_view filename);

/// An empty object or array when `value` is another thing.
const json::object& as_object(const json::value& value);
const json::array& as_array(const json::value& value);
/// Fields of an object; the empty value when missing or of another type.
const json::object& object_in(const json::object& object, std::string_view key);
const json::array& array_in(const json::object& object, std::string_view key);
std::string text_in(const json::object& object, std::string_view key);
double number_in(const json::object& object, std::string_view key);
int int_in(const json::object& object, std::string_view key);
bool is_true(const json::object& object, std::string_view key);
std::string text_of(const json::value& value);

/// Collects a whole document, then has it read.
class JsonReportParser : public Parser {
 public:
  JsonReportParser(Format format, std::string filename, OnCase on_case)
      : cases_(format, std::move(on_case)), filename_(std::move(filename)) {}

  Result<void> feed(std::string_view bytes) final;
  Result<Summary> finish() final;

 protected:
  virtual Result<void> read(const json::value& document) = 0;
  tl::unexpected<Error> wrong_document(std::string_view what) const {
    return tl::unexpected(malformed(filename_, 1, 1, what));
  }

  Collector cases_;

 private:
  std::string filename_;
  std::string bytes_;
};

std::unique_ptr<Parser> make_ctrf_parser(std::string filename, OnCase on_case);
std::unique_ptr<Parser> make_gtest_json_parser(std::string filename, OnCase on_case);
std::unique_ptr<Parser> make_playwright_parser(std::string filename, OnCase on_case);
std::unique_ptr<Parser> make_cucumber_parser(std::string filename, OnCase on_case);

}  // namespace baton::reports
