// SPDX-License-Identifier: MIT
#pragma once
// The suites of this binary. The macros of <baton/baton.h> add to the global registry before
// main(); resolve() then puts tests and suites together and finds what is wrong with them.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <baton/baton.h>

#include "base/result.h"

namespace baton::suite {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct CaseSpec {
  std::string name = {};
  std::string description = {};
  std::string file = {};
  int line = 0;
  Labels labels = {};
  int max_attempts = 0;         // 0 = the suite's
  std::int64_t timeout_ms = 0;  // 0 = the suite's
  detail::Body body = nullptr;
  detail::ParameterBody parameter_body = nullptr;  // set instead of `body` by BATON_TEST_P
  const void* parameter = nullptr;
  std::string parameter_text = {};
};

struct SuiteSpec {
  std::string namespace_ = {};
  std::string name = {};
  std::string description = {};
  std::string owner = {};
  Labels labels = {};
  std::string environment = {};
  int max_attempts = 1;
  std::int64_t back_off_ms = 0;
  std::int64_t timeout_ms = 0;
  std::int64_t attempt_timeout_ms = 0;
  int workers = 1;
  std::string file = {};
  int line = 0;
  detail::Body setup = nullptr;
  detail::Body teardown = nullptr;
  std::vector<CaseSpec> cases = {};

  std::string id() const { return namespace_ + "/" + name; }
};

class Registry {
 public:
  void add_suite(SuiteSpec suite);
  void add_setup(std::string suite, detail::Here here, detail::Body body);
  void add_teardown(std::string suite, detail::Here here, detail::Body body);
  void add_case(std::string suite, CaseSpec test);
  /// The same test once per parameter; names are completed by resolve().
  void add_parameter_case(std::string suite, CaseSpec test, std::size_t index);

  /// Errors: invalid, every problem on a line of its own: names used twice, suites without tests,
  /// tests without a suite, bad names and option values.
  Result<std::vector<SuiteSpec>> resolve() const;

 private:
  enum class Role { test, setup, teardown };
  struct Piece {
    std::string suite;
    Role role;
    CaseSpec test;
    std::size_t index = 0;
  };
  struct Problems;
  void add_piece(std::vector<SuiteSpec>& suites, const Piece& piece, Problems& problems) const;
  std::vector<SuiteSpec> suites_;
  std::vector<Piece> pieces_;
};

Registry& global_registry();

/// By "namespace/name", or by "name" where that is unique.  Errors: not_found, conflict.
Result<const SuiteSpec*> find_suite(const std::vector<SuiteSpec>& suites, std::string_view name);

/// The answer to `list --json` (docs/formats/suite-protocol.md).
std::string list_json(const std::vector<SuiteSpec>& suites);

}  // namespace baton::suite
