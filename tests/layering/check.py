# SPDX-License-Identifier: MIT
"""The layering rule, asked of the compiler: check.py SOURCE_ROOT FOLDERS COMPILER.

For each room one source asks with __has_include for a header of every room; what it may see follows
from the room table. One real #include of an unlisted room shows what a contributor would meet.
"""
import glob
import os
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT, FOLDERS, COMPILER = sys.argv[1:4]
sys.path.insert(0, os.path.join(ROOT, "tools"))

from tidylib.project import read_rooms, visible_rooms  # noqa: E402


def a_header_of(room):
    headers = sorted(glob.glob(os.path.join(ROOT, "src", room, "*.h")))
    return f"{room}/{os.path.basename(headers[0])}" if headers else None


def compile_in(room, source):
    """What the compiler says about `source` as a file of `room`: "" when it compiles."""
    with open(os.path.join(FOLDERS, f"{room}.folders"), encoding="utf-8") as file:
        folders = [line for line in file.read().split("\n") if line]
    command = [COMPILER, "-std=c++20", "-fsyntax-only", "-x", "c++", "-"]
    command += [f"-I{folder}" for folder in folders]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    return done.stderr if done.returncode else ""


def probe(room, visible, headers):
    """One error per header that is found and should not be, or the other way round."""
    lines = []
    for other, header in headers.items():
        wrong = "" if other not in visible else "!"
        text = "sees" if other not in visible else "does not see"
        lines.append(f'#if {wrong}__has_include("{header}")')
        lines.append(f"#error room {room} {text} {other}")
        lines.append("#endif")
    return compile_in(room, "\n".join(lines) + "\n")


def main():
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        rooms = read_rooms(file.read())
    headers = {room: a_header_of(room) for room in rooms}
    headers = {room: header for room, header in headers.items() if header}
    wrong = [said for room in rooms if (said := probe(room, visible_rooms(rooms, room), headers))]

    planted = f'#include "{headers["store"]}"\n'
    if "No such file" not in compile_in("model", planted):
        wrong.append("model compiled with a header of store\n")
    if said := compile_in("store", planted):
        wrong.append(f"store did not compile with its own header: {said}")
    sys.stdout.write("".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
