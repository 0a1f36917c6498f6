// SPDX-License-Identifier: MIT
#pragma once
// The suite of `baton up` and `baton serve --demo`: a shell script that is written into the data
// folder, so that somebody who has nothing yet sees a run, a flaky case, logs and an artifact.
#include <string>

#include "base/result.h"
#include "model/suite.h"

namespace baton::app {

/// Writes the script below `folder`.  Result: the suite demo/checkout.  Errors: those of the file.
Result<model::Suite> make_demo(const std::string& folder);

}  // namespace baton::app
