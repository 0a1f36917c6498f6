# SPDX-License-Identifier: MIT
"""Fixtures: a server per test, stopped at its end whatever happens."""
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "testing"))  # for `fakes`

from baton_server import Server, processes_with  # noqa: E402


@pytest.fixture
def keep():
    """keep(server) says what a new server keeps its data in. Overridden by tests on PostgreSQL."""
    return lambda server: server


@pytest.fixture
def make_server(tmp_path, keep):
    """make_server(config=…, args=…) starts a server; several may run beside each other."""
    servers = []

    def make(config=None, start=True, name=None, **more):
        server = keep(Server(tmp_path / (name or f"server{len(servers)}"), config, **more))
        servers.append(server)
        return server.start() if start else server

    yield make
    for server in servers:
        try:
            server.stop()
        finally:
            # Runners are detached on purpose; those of this test end with it.
            for pid in processes_with(str(server.folder)):
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass


@pytest.fixture
def server(make_server):
    """A server without configuration."""
    return make_server()


@pytest.fixture(scope="session")
def binaries():
    """The folder of the built programs."""
    program = shutil.which(os.environ.get("BATON_PROGRAM", "baton"))
    assert program, "BATON_PROGRAM names no program"
    return pathlib.Path(program).parent
