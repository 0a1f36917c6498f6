# SPDX-License-Identifier: MIT
"""Rules about the whole: source lists, event kinds, Markdown."""
import os
import re

from tidylib.text_rules import line_of

LIST = re.compile(r"^[ \t]*(?:set\(|list\(APPEND )(?:SOURCES|TESTS)\b([^)]*)\)", re.M)
COMMENT = re.compile(r"#[^\n]*")
EVENTS = "docs/formats/events.md"
# The rooms that append events; kinds also reach append() through variables, so every literal that
# looks like one of a family counts.
APPENDERS = ("src/store/", "src/engine/")
FAMILIES = "run|suite|schedule|token|environment|lease|gate|delivery|quarantine|failure|contract"
KIND = re.compile(rf'\bappend\(\s*"([a-z_]+\.[a-z_]+)"|"((?:{FAMILIES})\.[a-z_]+)"')
TITLE = re.compile(r"^# ", re.M)
FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2[ \t]*$", re.M | re.S)
CODE_SPAN = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")


def check(project):
    check_source_lists(project)
    check_event_kinds(project)
    for path in project.paths:
        if path.endswith(".md"):
            check_markdown(project, path)


def check_source_lists(project):
    """Every .cc of a room is in its files.cmake, and what is listed exists."""
    listed = {}
    for room in project.rooms:
        path = f"src/{room}/files.cmake"
        text = COMMENT.sub("", project.text(path))
        listed[room] = set()
        for match in LIST.finditer(text):
            names = match[1].split()
            listed[room].update(names)
            for name in names:
                if name.endswith(".cc") and not project.exists(f"src/{room}/{name}"):
                    project.report(path, line_of(text, match.start()), "missing-source",
                                   f"{name} is listed and does not exist")
    for path in project.paths:
        room = project.room_of(path)
        if path.endswith(".cc") and room in listed:
            if path.split("/", 2)[2] not in listed[room]:
                project.report(path, 1, "unlisted-source", f"list it in src/{room}/files.cmake")


def check_event_kinds(project):
    documented = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", project.text(EVENTS)))
    for path in project.code():
        if not path.startswith(APPENDERS) or path.endswith(("_test.cc", ".h")):
            continue
        text = project.text(path)
        for match in KIND.finditer(text):
            kind = match[1] or match[2]
            if kind not in documented:
                project.report(path, line_of(text, match.start()), "event-kind",
                               f"describe `{kind}` in {EVENTS}")


def check_markdown(project, path):
    text = project.text(path)
    # Code keeps its line count and loses its characters, so that '#' and '](' in it mean nothing.
    prose = FENCE.sub(lambda m: "\n" * m[0].count("\n"), text)
    prose = CODE_SPAN.sub("``", prose)
    titles = [line_of(prose, m.start()) for m in TITLE.finditer(prose)]
    if len(titles) != 1:
        project.report(path, titles[1] if titles else 1, "markdown-title",
                       f"{len(titles)} titles; have exactly one line that begins with \"# \"")
    for match in LINK.finditer(prose):
        target = match[1].split("#")[0]
        if not target or re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        base = "" if target.startswith("/") else os.path.dirname(path)
        where = os.path.normpath(os.path.join(base, target.lstrip("/")))
        if where.startswith("..") or not project.exists(where):
            project.report(path, line_of(prose, match.start()), "markdown-link",
                           f"{target} does not exist; relative links start at the file's folder")
