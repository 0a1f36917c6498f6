// SPDX-License-Identifier: MIT
#pragma once
// Output of attempts as text, for answers that embed it, and storing that of imported reports.
#include <span>
#include <string>

#include "api/context.h"
#include "api/report_import.h"

namespace baton::api {

/// What the attempt printed, at most `max_bytes`: the beginning, and a note when it is cut.
std::string output_text(Context& context, RunId run, const std::string& test, int attempt,
                        std::size_t max_bytes);

/// Stores what the tests of a report printed as the logs of the run.  Errors: unavailable.
Result<void> store_outputs(store::RunStreams& streams, RunId run,
                           std::span<const ImportedOutput> outputs);

}  // namespace baton::api
