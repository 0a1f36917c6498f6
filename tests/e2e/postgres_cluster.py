# SPDX-License-Identifier: MIT
"""A PostgreSQL cluster of its own in a scratch folder, for tests that need Baton on it."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time


def programs():
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert folders, "PostgreSQL is not installed: run ./dev setup"
    return folders[-1].parent


class PostgresCluster:
    """durable=False swallows fsync: for tests in which the database does not crash."""

    def __init__(self, durable=False):
        # Short: the path of a Unix socket may have 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="baton-pg-", dir="/tmp"))
        self.user = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            self.user = dict(user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        data = self.folder / "data"
        self._call("initdb", "-D", data, "-U", "baton", "-A", "trust", "-E", "UTF8",
                   "--locale=C.UTF-8", "--no-sync")
        settings = ["-c", "listen_addresses=", "-c", "max_connections=100"]
        if not durable:
            settings += ["-c", "fsync=off", "-c", "full_page_writes=off"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [programs() / "postgres", "-D", data, "-k", self.folder, *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, **self.user)
        end = time.monotonic() + 60
        while subprocess.run([programs() / "pg_isready", "-q", "-h", self.folder], check=False).returncode:
            assert self.process.poll() is None and time.monotonic() < end, "PostgreSQL does not start"
            time.sleep(0.05)

    @property
    def url(self):
        return f"postgres://baton@/postgres?host={self.folder}"

    def database(self, name):
        """Makes another database; its URL."""
        self._call("createdb", "-h", self.folder, "-U", "baton", name)
        return f"postgres://baton@/{name}?host={self.folder}"

    def _call(self, program, *words):
        subprocess.run([programs() / program, *words], check=True, capture_output=True,
                       cwd=self.folder, **self.user)

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
