// SPDX-License-Identifier: MIT
#pragma once
// EXPECT_* and ASSERT_* of GoogleTest inside Baton tests: include this file and link GTest::gtest.
// Each failed assertion becomes a failure of the attempt, with its file, line and message. A failed
// ASSERT_* ends the attempt, also from a helper function; GTEST_SKIP() skips it.
// Death tests (EXPECT_DEATH, EXPECT_EXIT) need a running test of GoogleTest: here they crash.
// RUN_ALL_TESTS() is not called; TESTs of GoogleTest in the same program are not run.
#include <gtest/gtest.h>

#include <baton/baton.h>
#include <baton/detail/bridge.h>

namespace baton::detail {

/// Turns GoogleTest's results into ours. It throws for the fatal ones, which GoogleTest allows to
/// the last listener of OnTestPartResult.
class GtestListener : public ::testing::EmptyTestEventListener {
 public:
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (result.skipped())
      report_skip(result.message());
    else if (result.failed())
      report_failure("GoogleTest", result.file_name(), result.line_number(), result.message(),
                     result.fatally_failed());
  }
};

inline void prepare_gtest() {
  ::testing::InitGoogleTest();
  ::testing::TestEventListeners& listeners = ::testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new GtestListener());
}

[[maybe_unused]] inline const bool gtest_bridge_registered = add_bridge(&prepare_gtest);

}  // namespace baton::detail
