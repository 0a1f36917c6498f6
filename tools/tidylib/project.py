# SPDX-License-Identifier: MIT
"""What the checks know of the project: its files, its room table, and how a finding is told."""
import os
import re
import subprocess

SKIPPED_FOLDERS = {".git", "build", "node_modules", "baton-data", "__pycache__", "dist"}
TEXT_SUFFIXES = (
    ".h", ".cc", ".md", ".cmake", ".txt", ".py", ".sh", ".json", ".yaml", ".yml", ".js", ".mjs",
    ".ts", ".tsx", ".css", ".html", ".sql", ".service",
)
CODE_SUFFIXES = (".h", ".cc")


# What tests read and what tools leave behind is data, whatever it looks like.
DATA = re.compile(
    r"(^|/)(corpus|golden|data|testdata|fixtures|test-results)/|package-lock\.json$")


class Project:
    """The files under `root`, read once, and the findings about them."""

    def __init__(self, root):
        self.root = root
        self.paths = sorted(p for p in list_files(root) if not DATA.search(p))
        self.findings = []
        self._texts = {}
        self.rooms = read_rooms(self.text("CMakeLists.txt"))

    def text(self, path):
        if path not in self._texts:
            try:
                with open(os.path.join(self.root, path), "rb") as file:
                    self._texts[path] = file.read().decode("utf-8", "replace")
            except OSError:
                self._texts[path] = ""
        return self._texts[path]

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def report(self, path, line, rule, fix):
        self.findings.append((path, line, rule, fix))

    def code(self):
        return [p for p in self.paths if p.endswith(CODE_SUFFIXES)]

    def room_of(self, path):
        parts = path.split("/")
        return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def list_files(root):
    """Tracked and new files; all files where there is no git (a release archive)."""
    try:
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, check=True).stdout.decode().split("\0")
        return {p for p in listed if p and os.path.isfile(os.path.join(root, p))}
    except (OSError, subprocess.CalledProcessError):
        return set(walk(root))


def walk(root):
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


def is_text(path):
    name = os.path.basename(path)
    return path.endswith(TEXT_SUFFIXES) or "." not in name or name.startswith(".clang")


ROOM_LINE = re.compile(r"^baton_room\((\w+)\s+FLOOR\s+(\d+)(?:\s+USES\s+([\w\s]+?))?\s*\)", re.M)


def read_rooms(cmake_lists):
    """{room: (floor, [rooms it lists])} in the order of the table."""
    return {
        m[1]: (int(m[2]), (m[3] or "").split()) for m in ROOM_LINE.finditer(cmake_lists)
    }


def visible_rooms(rooms, name):
    """The rooms whose headers `name` may include: itself, what it lists, and what those list."""
    seen = set()
    waiting = [name]
    while waiting:
        room = waiting.pop()
        if room not in seen and room in rooms:
            seen.add(room)
            waiting.extend(rooms[room][1])
    return seen
