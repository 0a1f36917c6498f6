// SPDX-License-Identifier: MIT
#pragma once
// One testcase element of a JUnit report while it is read, and what the dialects make of it.
#include <deque>
#include <string>
#include <string_view>

#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/report.h"
#include "reports/xml_reader.h"

namespace baton::reports {

/// What tells the producers apart; JUnit has no field that names them.
struct JunitDialect {
  bool root_is_suite = false;
  bool root_has_id = false;
  std::size_t root_attributes = 0;
  std::string suite;     // the innermost
  std::string hostname;  // Playwright writes its project there
};

/// failure, error, and their flaky and rerun forms.
struct JunitFault {
  JunitFault(std::string_view element, const XmlAttributes& attributes);
  Attempt take();

  model::Outcome outcome;
  std::string message;
  std::string type;
  std::string time;
  std::string timestamp;
  KeptText text{kDetailsKept};
  KeptText output{kOutputKept};
};

struct JunitCase {
  JunitCase(const JunitDialect& dialect, const XmlAttributes& attributes);
  Case finish();

  Case item;
  std::deque<JunitFault> faults;  // deques: the parser points to the newest
  std::deque<JunitFault> flaky;   // attempts before the one that passed
  std::deque<JunitFault> rerun;   // attempts after the one that failed
  bool skipped = false;
  std::string skip_type;
  std::string skip_message;
  KeptText skip_text{kDetailsKept};
  KeptText output{kOutputKept};

 private:
  void identify(const JunitDialect& dialect, std::string_view name);
  Attempt last_attempt();
  model::Outcome outcome_without_faults() const;

  bool is_ctest_ = false;
  bool marked_flaky_ = false;
  std::string status_;
  std::string result_;
  Attempt base_;  // duration and start of the attempt that decides
};

}  // namespace baton::reports
