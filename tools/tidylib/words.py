# SPDX-License-Identifier: MIT
"""Words that the architecture bans, what to write instead, and the few places that may.

A place is a prefix of a path; each exception says why. Tests, fakes and benchmarks are products of
nobody, so most words are theirs to use.
"""

TESTS = ("tests/", "testing/", "bench/", "examples/")


def is_test(path):
    name = path.rsplit("/", 1)[-1]
    return path.startswith(TESTS) or any(
        mark in name for mark in ("_test.", "test_support.", "_for_test."))


class Word:
    """A pattern without groups; `allowed` maps a path prefix to the reason for it."""

    def __init__(self, name, pattern, instead, allowed, in_tests=True):
        self.name = name
        self.pattern = pattern
        self.instead = instead
        self.allowed = tuple(allowed)
        self.in_tests = in_tests

    def applies(self, path):
        if self.in_tests and is_test(path):
            return False
        return not path.startswith(self.allowed)


WORDS = [
    Word("thread", r"\bstd::j?thread\b(?!::hardware_concurrency|::id)",
         "post to an executor or submit to the writer; threads are made in few, named places", {
             "src/engine/writer": "the one writer thread",
             "src/net/": "one thread per io_context, one for outbound calls",
             "src/runner/": "reads pipes and posts records beside the attempts",
             "src/executors/": "waits for runner processes",
             "src/api/remote_calls": "calls of peers, which block, beside the connections",
             "src/suite/": "headless run and the time-out of an attempt",
             "src/app/": "composition root: joins what it starts",
             "src/cli/": "a command may wait for signals beside its work",
             "src/client/": "waits for a server beside the caller",
         }),
    Word("detach", r"\.detach\(\)", "keep the thread and join it; a detached one outlives its data",
         {
             "src/app/stop_signals": "waits for signals for as long as the process lives",
         }, in_tests=False),
    Word("sleep", r"\bthis_thread::sleep_\w+|\b(?:usleep|nanosleep)\b|(?<![\w.:])sleep\s*\(",
         "wait for the event itself (deadline row, condition, poll with a time-out)", {
             "src/suite/": "poll() and back-off inside a test process, which has no event loop",
             "src/runner/proc": "the kernel does not announce the end of a killed grandchild",
         }),
    Word("clock", r"\b(?:system_clock|steady_clock|high_resolution_clock)::now\b|\bclock_gettime\b",
         "take a `Now` or a TimePoint as argument; only edges read a clock", {
             "src/app/": "edge: makes the Now of the writer",
             "src/api/": "edge: measures requests",
             "src/runner/": "edge: times attempts",
             "src/executors/": "edge: watches processes",
             "src/cli/": "edge: waits for people",
             "src/client/": "edge: waits for servers",
             "src/net/": "edge: time-outs of connections",
             "src/suite/": "edge: times tests",
             "src/base/": "log lines carry the time; ids start from it",
             "src/engine/writer": "waits until the earliest deadline; measures operations",
         }),
    Word("random", r"\b(?:std::mt19937(?:_64)?|random_device|s?rand)\b(?=\s*[({ ;])",
         "take an `Ids` (base/ids.h); seeds make histories repeatable", {
             "src/base/ids": "the one source of randomness",
             "src/suite/": "shuffling by a seed that is printed",
         }),
    Word("shared-ptr", r"\bstd::(?:shared_ptr|make_shared|enable_shared_from_this)\b",
         "own by value or unique_ptr and pass references", {
             "include/baton/server.h": "handles that the embedding program may copy",
             "src/net/": "a connection lives as long as its last pending operation",
             "src/engine/writer": "joins a result with the callback that carries it",
             "src/api/": "a stream and its connection end in either order",
             "src/client/": "an answer may outlive who asked",
             "src/app/": "what coroutines of several threads share at shutdown",
             "src/runner/": "output readers end after their attempt",
         }),
    Word("output", r"\bstd::(?:cout|cerr|clog)\b|\b(?:std::)?(?:printf|fprintf|puts|fputs)\s*\(",
         "log it (base/log.h) or return it; only command lines write to the terminal", {
             "src/cli/": "writes for people",
             "src/app/": "prints the first token and the address",
             "src/suite/": "the headless test runner's output",
             "src/runner/": "its main function explains a wrong call",
             "src/base/assert": "tells the last words before abort",
             "src/base/log": "writes the log",
         }),
    Word("throw", r"\bthrow\b", "return a Result; exceptions never cross a room", {
        "src/config/node": "stops the YAML library from within its callbacks",
        "src/net/": "Asio and Beast report by exceptions inside the room",
        "src/wire/": "Boost.JSON reports by exceptions inside the room",
        "src/store/": "inside the room only",
        "src/runner/": "inside the room only",
        "src/suite/": "a failed BATON_REQUIRE leaves the test's stack",
        "include/baton/": "the same, from the macros",
    }),
    Word("using-namespace",
         r"\busing\s+namespace\b(?!\s+(?:std::)?(?:(?:chrono|string|string_view)_)?literals)",
         "name what you use: `using baton::model::Run;`", {}),
]
