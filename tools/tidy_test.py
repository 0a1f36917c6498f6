#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tools/tidy catches a planted violation of each rule, and lets clean code pass."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import tidylib  # noqa: E402
from tidylib.words import WORDS  # noqa: E402

SPDX = "// SPDX-License-Identifier: MIT\n"
CLEAN = {
    "CMakeLists.txt": "# SPDX-License-Identifier: MIT\n"
                      "baton_room(base   FLOOR 0)\n"
                      "baton_room(model  FLOOR 1 USES base)\n"
                      "baton_room(net    FLOOR 1 USES base)\n"
                      "baton_room(engine FLOOR 2 USES model)\n",
    "src/base/files.cmake": "# SPDX-License-Identifier: MIT\nset(SOURCES)\n",
    "src/model/files.cmake": "# SPDX-License-Identifier: MIT\nset(SOURCES run.cc)\n",
    "src/model/run.h": SPDX + "#pragma once\n\nint f();\n",
    "src/model/run.cc": SPDX + '#include "model/run.h"\n\n#include "base/x.h"\n\n'
                        "// throw, printf() and std::thread in a comment mean nothing.\n"
                        'int f() { return sizeof("throw") + 1\'000; }\n',
    "src/net/files.cmake": "# SPDX-License-Identifier: MIT\nset(SOURCES)\n",
    "src/engine/files.cmake": "# SPDX-License-Identifier: MIT\nset(SOURCES ops.cc)\n",
    "src/engine/ops.cc": SPDX + 'void f() { tx.append("run.queued", s); }\n',
    "docs/formats/events.md": "# Events\n\n`run.queued`; see [run](../../src/model/run.h).\n",
}


def long_function(lines):
    return "int g() {\n" + "  f();\n" * (lines - 2) + "}\n"


# rule: (file, content, line of the finding)
PLANTED = {
    "line-length": ("src/model/run.h", SPDX + "#pragma once\n//" + "x" * 99 + "\n", 3),
    "tab": ("src/model/run.h", SPDX + "#pragma once\n\tint x;\n", 3),
    "carriage-return": ("src/model/run.h", SPDX + "#pragma once\n\r\n", 3),
    "trailing-blank": ("docs/x.md", "# X\n\nwords \n", 3),
    "final-newline": ("docs/x.md", "# X\n\nwords", 3),
    "spdx": ("src/model/run.h", "#pragma once\n", 1),
    "todo": ("src/model/run.h", SPDX + "#pragma once\n// TODO: later\n", 3),
    "header-size": ("src/model/run.h", SPDX + "#pragma once\n" + "int x;\n" * 250, 252),
    "source-size": ("src/model/run.cc", SPDX + "int x;\n" * 500, 501),
    "pragma-once": ("src/model/run.h", SPDX + "int f();\n", 1),
    "parent-include": ("src/model/run.cc", SPDX + '#include "../base/x.h"\n', 2),
    "room-include": ("src/model/run.cc", SPDX + '#include "net/url.h"\n', 2),
    "internal-include": ("src/model/run.cc", SPDX + '#include "base/internal/x.h"\n', 2),
    "function-length": ("src/model/run.cc",
                        SPDX + "namespace a {\n" + long_function(71) + "}\n", 3),
    "unlisted-source": ("src/model/new.cc", SPDX, 1),
    "missing-source": ("src/net/files.cmake",
                       "# SPDX-License-Identifier: MIT\nset(SOURCES gone.cc)\n", 2),
    "event-kind": ("src/engine/ops.cc", SPDX + 'void f() { tx.append("run.lost", s); }\n', 2),
    "markdown-title": ("docs/x.md", "# X\n\n# Y\n", 3),
    "markdown-link": ("docs/x.md", "# X\n\n[gone](gone.md)\n", 3),
    "banned-thread": ("src/model/run.cc", SPDX + "std::thread t;\n", 2),
    "banned-detach": ("src/model/run.cc", SPDX + "void f() { t.detach(); }\n", 2),
    "banned-sleep": ("src/model/run.cc",
                     SPDX + "void f() { std::this_thread::sleep_for(x); }\n", 2),
    "banned-clock": ("src/model/run.cc", SPDX + "auto t = std::chrono::system_clock::now();\n", 2),
    "banned-random": ("src/model/run.cc", SPDX + "std::random_device device;\n", 2),
    "banned-shared-ptr": ("src/model/run.cc", SPDX + "std::shared_ptr<int> p;\n", 2),
    "banned-output": ("src/model/run.cc", SPDX + "void f() { std::cout << 1; }\n", 2),
    "banned-throw": ("src/model/run.cc", SPDX + "void f() { throw 1; }\n", 2),
    "banned-using-namespace": ("src/model/run.cc", SPDX + "using namespace std;\n", 2),
}

# What looks like a violation and is none: (file, content)
ALLOWED = [
    ("src/engine/writer.cc", SPDX + "std::thread t;\n"),
    ("src/engine/ops.cc", SPDX + '#include "base/x.h"\n'),
    ("src/model/run_test.cc", SPDX + "std::thread t;\n"),
    ("src/model/run.cc", SPDX + "using namespace std::chrono_literals;\n"),
    ("src/model/run.cc", SPDX + long_function(70)),
    ("src/model/run.cc", SPDX + "const int table[] = {\n" + "  1,\n" * 90 + "};\n"),
    ("src/model/run.cc", SPDX + "struct S {\n" + "  int f(int) { return 1; }\n" * 90 + "};\n"),
    ("src/model/run.cc", SPDX + "// TODO(#12): say it shorter\n"),
    ("docs/x.md", "# X\n\n```sh\n# a comment\n[no](link.md)\n```\n\n[web](https://example.org)\n"),
]


def lay_out(root, files):
    for path, content in files.items():
        target = os.path.join(root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8", newline="") as file:
            file.write(content)


def findings(files):
    """[(path, line, rule)]"""
    with tempfile.TemporaryDirectory() as root:
        lay_out(root, files)
        return [found[:3] for found in tidylib.findings(root)[0]]


class Tidy(unittest.TestCase):
    def test_clean_files_have_no_findings(self):
        self.assertEqual(findings(CLEAN), [])

    def test_each_planted_violation_is_found_alone_and_at_its_line(self):
        for rule, (path, content, line) in PLANTED.items():
            with self.subTest(rule):
                self.assertEqual(findings({**CLEAN, path: content}), [(path, line, rule)])

    def test_the_program_tells_file_line_rule_and_fix(self):
        with tempfile.TemporaryDirectory() as root:
            lay_out(root, {**CLEAN, "src/model/run.h": SPDX})
            done = subprocess.run(["/usr/bin/python3", os.path.join(HERE, "tidy"), root],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith("src/model/run.h:1: pragma-once: add "), done.stdout)

    def test_every_banned_word_has_a_planted_violation(self):
        self.assertLessEqual({f"banned-{word.name}" for word in WORDS}, set(PLANTED))

    def test_what_is_allowed_is_not_reported(self):
        for path, content in ALLOWED:
            with self.subTest(content[:60]):
                files = {**CLEAN, path: content}
                room = path.split("/")[1]
                if path.endswith(".cc"):
                    usual = {"model": "run.cc", "engine": "ops.cc"}[room]
                    listed = " ".join(sorted({usual, path.split("/")[2]}))
                    files[f"src/{room}/files.cmake"] = \
                        f"# SPDX-License-Identifier: MIT\nset(SOURCES {listed})\n"
                self.assertEqual(findings(files), [])


if __name__ == "__main__":
    unittest.main()
