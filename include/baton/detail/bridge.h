// SPDX-License-Identifier: MIT
#pragma once
// For bridges to other assertion libraries, such as <baton/gtest.h>: how they are prepared, and how
// they report into the attempt that runs.
#include <baton/detail/text.h>

namespace baton::detail {

/// `prepare` is called once in the process that forks the attempts, before the setup.
bool add_bridge(void (*prepare)());
/// Records a failure of the running attempt; ends it (throws) when fatal. `file` may be null.
void report_failure(const char* framework, const char* file, int line, TextView message,
                    bool fatal);
/// Ends the running attempt as skipped (throws).
void report_skip(TextView reason);

}  // namespace baton::detail
