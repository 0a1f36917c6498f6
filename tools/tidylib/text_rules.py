# SPDX-License-Identifier: MIT
"""Rules about characters, lines and files, whatever the language."""
import os
import re

from tidylib.project import is_text

# What clang-format breaks at; `./dev lint` insists on it.
LINE_MAX = 100
# Beyond it a line is refused here too. Tests and benchmarks in Python quote whole commands.
PYTHON_LINE_MAX = 120
# A table row, a link, a command line or data cannot be broken without changing what it means.
LINE_FREE = re.compile(
    r"\.(md|json|yaml|yml|txt|css|html|svg|sql)$|^examples/")
SPDX = "SPDX-License-Identifier: MIT"
SPDX_NEEDED = re.compile(
    r"\.(h|cc|cmake|py|sh|js|mjs|ts|tsx)$|(^|/)CMakeLists\.txt$|^(dev|\.ci/run)$")
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(\(#\d+\))?")
# These name the rule itself; TAP has a directive of that name.
TODO_FREE = ("tools/", "STYLE.md", "CONTRIBUTING.md", "src/reports/", "src/runner/kinds/",
             "docs/guide/", "examples/tap/")
SOURCE_LINES_MAX = 500
HEADER_LINES_MAX = 250
NON_BLANK_END = re.compile(r"[ \t]+$", re.M)


def check(project):
    for path in project.paths:
        if not is_text(path):
            continue
        text = project.text(path)
        check_characters(project, path, text)
        check_lines(project, path, text)
        check_size(project, path, text)
        check_spdx(project, path, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_characters(project, path, text):
    if "\t" in text:
        project.report(path, line_of(text, text.index("\t")), "tab", "indent with spaces")
    if "\r" in text:
        project.report(path, line_of(text, text.index("\r")), "carriage-return",
                       "end lines with a newline only")
    blank = NON_BLANK_END.search(text)
    if blank:
        project.report(path, line_of(text, blank.start()), "trailing-blank",
                       "remove the blanks at the end of the line")
    if text and not text.endswith("\n"):
        project.report(path, text.count("\n") + 1, "final-newline", "end the file with a newline")
    elif text.endswith("\n\n"):
        project.report(path, text.count("\n"), "final-newline", "remove the empty last line")


def check_lines(project, path, text):
    if not LINE_FREE.search(path):
        python = path.endswith(".py") or "python3" in text[:40]
        limit = PYTHON_LINE_MAX if python else LINE_MAX
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > limit:
                project.report(path, number, "line-length",
                               f"{len(line)} columns; break it at {limit} (`./dev fmt --long`)")
    for match in TODO.finditer(text):
        if path.startswith(TODO_FREE):
            break
        if match[1] != "TODO" or not match[2]:
            project.report(path, line_of(text, match.start()), "todo",
                           "do it now, or write TODO(#123) with the issue's number")


def check_size(project, path, text):
    lines = text.count("\n")
    if path.endswith(".h") and lines > HEADER_LINES_MAX:
        project.report(path, lines, "header-size",
                       f"{lines} lines; split it by concept below {HEADER_LINES_MAX}")
    elif path.endswith((".cc", ".py", ".sh", ".cmake", ".js", ".ts", ".tsx")) or \
            os.path.basename(path) in ("dev", "tidy"):
        if lines > SOURCE_LINES_MAX:
            project.report(path, lines, "source-size",
                           f"{lines} lines; split it by concept below {SOURCE_LINES_MAX}")


def check_spdx(project, path, text):
    if SPDX_NEEDED.search(path) or (path.startswith("tools/") and text.startswith("#!")):
        if SPDX not in "\n".join(text.split("\n", 2)[:2]):
            project.report(path, 1, "spdx", f"begin with a comment line \"{SPDX}\"")
