// SPDX-License-Identifier: MIT
// Bodies of requests: any bytes are a document or an error, and what was read can be written and
// read again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/error_map.h"
#include "wire/page.h"
#include "wire/run_json.h"
#include "wire/schedule_json.h"
#include "wire/suite_json.h"
#include "wire/token_json.h"

using namespace baton;

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

void check_suite(std::string_view input) {
  const auto suite = wire::parse_suite(input, "default", "x");
  if (!suite) return;
  wire::JsonWriter out;
  wire::write_suite(out, *suite, {});
  check(wire::parse_suite(out.take(), "default", "x").has_value());
}

void check_schedule(std::string_view input) {
  const auto schedule = wire::parse_schedule(input, "x");
  if (!schedule) return;
  wire::JsonWriter out;
  wire::write_schedule(out, *schedule);
  check(wire::parse_schedule(out.take(), "x").has_value());
}

void check_run(std::string_view input) {
  const auto run = wire::parse_run(input);
  if (!run) return;
  const std::string json = wire::to_json(*run);
  const auto again = wire::parse_run(json);
  check(again && wire::to_json(*again) == json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto request = wire::parse_run_request(input)) {
    const auto again = wire::parse_run_request(wire::to_json(*request));
    check(again && wire::to_json(*again) == wire::to_json(*request));
  }
  check_suite(input);
  check_schedule(input);
  check_run(input);
  (void)wire::parse_case_result(input);
  (void)wire::parse_token_request(input, from_ms(0));
  (void)wire::parse_problem(500, input);
  (void)wire::decode_cursor(input);
  check(wire::decode_cursor(wire::encode_cursor(input)) == std::string{input});
  return 0;
}
