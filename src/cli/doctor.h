// SPDX-License-Identifier: MIT
#pragma once
// `baton doctor`: looks at the connection, the token and the suites, and says what to do.
#include "cli/verb.h"

namespace baton::cli {

/// Result: 0 when all is well; 6 without a server, 4 with a wrong token, else 1.
int doctor(Host& host, const Invocation& invocation);

}  // namespace baton::cli
