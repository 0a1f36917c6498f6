# SPDX-License-Identifier: MIT
"""Rules about C++: includes, sizes of functions, words that break the architecture."""
import bisect
import re

from tidylib.project import visible_rooms
from tidylib.text_rules import line_of
from tidylib.words import WORDS

FUNCTION_LINES_MAX = 70
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
# Numbers come before characters, because 1'000 is not the start of a character literal.
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^\s()\\]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|\b\d(?:'?[\w.])*|'(?:\\.|[^'\\\n])+'", re.S)


def blank_out(text):
    """The code without comments and literals; every line stays where it is."""
    def replace(match):
        token = match[0]
        if token[0].isdigit():
            return token
        newlines = "\n" * token.count("\n")
        return newlines if token[0] == "/" else '""' + newlines
    return TOKEN.sub(replace, text)


def check(project):
    visible = {room: visible_rooms(project.rooms, room) for room in project.rooms}
    for path in project.code():
        text = project.text(path)
        if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.M):
            project.report(path, 1, "pragma-once", "add `#pragma once` below the SPDX line")
        check_includes(project, path, text, visible)
        code = blank_out(text)
        check_functions(project, path, code)
        check_words(project, path, code)


def check_includes(project, path, text, visible):
    room = project.room_of(path)
    for match in INCLUDE.finditer(text):
        line, target = line_of(text, match.start()), match[2]
        if ".." in target.split("/"):
            project.report(path, line, "parent-include",
                           "include it as \"room/file.h\"; ../ goes around the layering")
            continue
        parts = target.split("/")
        owner = parts[0] if len(parts) > 1 and parts[0] in project.rooms else None
        if room is None or owner is None:
            continue
        if owner not in visible.get(room, set()):
            uses = " ".join(project.rooms.get(room, (0, []))[1])
            project.report(path, line, "room-include",
                           f"room {room} sees only itself and: {uses}; move the code or the type")
        elif "internal" in parts[1:-1] and owner != room:
            project.report(path, line, "internal-include",
                           f"{owner}/internal belongs to {owner}; use its public headers")


def check_functions(project, path, code):
    for start, end in functions(code):
        if end - start + 1 > FUNCTION_LINES_MAX:
            project.report(path, start, "function-length",
                           f"{end - start + 1} lines; split it below {FUNCTION_LINES_MAX}")


BRACES = re.compile(r"[{};]")
TYPE = re.compile(r"\b(class|struct|union|enum)\b[^()]*$")
SPACE = re.compile(r"\b(namespace\b|extern\s*\"\")[^()=;]*$")


def functions(code):
    """(first line, last line) of each function body that is not inside another one."""
    newlines = [m.start() for m in re.finditer("\n", code)]
    open_scopes = 0  # namespaces and types around
    depth = 0  # braces within the function, 0 outside
    first = 0
    head_from = 0
    for match in BRACES.finditer(code):
        at, brace = match.start(), match[0]
        if depth > 0:
            if brace == "{":
                depth += 1
            elif brace == "}":
                depth -= 1
                if depth == 0 and first >= 0:
                    yield first, bisect.bisect(newlines, at) + 1
        elif brace == "{":
            head = code[head_from:at]
            if SPACE.search(head) or TYPE.search(head):
                open_scopes += 1
            else:
                depth = 1
                # Initialisers ("= {", "member_{") have a body too, but no parameters.
                lead = len(head) - len(head.lstrip())
                is_function = "(" in head and not head.rstrip().endswith("=")
                first = bisect.bisect(newlines, head_from + lead) + 1 if is_function else -1
        elif brace == "}":
            open_scopes = max(0, open_scopes - 1)
        if depth == 0:
            head_from = at + 1


ANY_WORD = re.compile("|".join(f"(?P<w{i}>{w.pattern})" for i, w in enumerate(WORDS)))


def check_words(project, path, code):
    for match in ANY_WORD.finditer(code):
        word = WORDS[int(match.lastgroup[1:])]
        if word.applies(path):
            project.report(path, line_of(code, match.start()), f"banned-{word.name}", word.instead)
