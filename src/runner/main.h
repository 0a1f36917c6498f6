// SPDX-License-Identifier: MIT
#pragma once
// `baton exec`: the runner as a program, started by the server, by a Kubernetes Job, or asked for a
// suite's cases. Internal: its options may change with the server that calls it.

namespace baton::runner {

/// argv[0] is the verb. Either of
///   --run N --epoch E (--url URL | --address-file F) [--token-file F] --dir FOLDER
///       executes the run; the token may be in BATON_RUNNER_TOKEN instead
///   --discover (--spec FILE|- | --spec-json JSON)
///       prints the suite's cases as JSON (wire::encode_discovery)
///   --probe [--folder F] -- CMD…
///       prints {"kind","reason","suite"}
/// Result: the exit code of the process (2 for a wrong command line).
int runner_main(int argc, char** argv);

}  // namespace baton::runner
