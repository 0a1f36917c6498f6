# SPDX-License-Identifier: MIT
"""Nothing is acknowledged before it is durable: after a power cut every lease that was granted is
held. The control runs the same on a disk that lies about fsync, and must find leases missing."""
import os
import pathlib
import shutil
import threading
import time

from baton_server import Server, wait_for

LIBRARY = pathlib.Path(os.environ.get("BATON_BUILD", "build/dev")) / "lib/libpower_cut.so"
CLIENTS = 8


class Machine:
    """A server on a disk of which a power cut leaves what was synced."""

    def __init__(self, folder):
        self.copies, self.lies = folder / "copies", folder / "lies"
        self.copies.mkdir(parents=True)
        self.server = Server(folder / "server")
        self.server.extra_env = {
            "LD_PRELOAD": str(LIBRARY), "POWER_CUT_ROOT": str(self.server.data),
            "POWER_CUT_COPIES": str(self.copies), "POWER_CUT_LIES": str(self.lies),
            "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.granted = {}

    def work(self, seconds):
        """Clients take leases for good; what they were told is remembered."""
        end = time.monotonic() + seconds
        lock = threading.Lock()

        def client(number):
            count = 0
            while time.monotonic() < end:
                count += 1
                name = f"env-{number}-{len(self.granted)}-{count}"
                try:
                    answer = self.server.post("/api/v1/leases", {
                        "environment": name, "holder": {"name": f"client {number}"}, "ttl": "1h"})
                except OSError:
                    return  # the power is gone
                if answer.status == 201:
                    with lock:
                        self.granted[answer.json["id"]] = answer.json["fence"]
        threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads

    def cut(self):
        self.server.kill()
        # What was removed meanwhile stays so: SQLite syncs the folder when it removes a journal.
        for path in list(self.server.data.glob("baton.db*")):
            path.unlink()
            if (self.copies / path.name).exists() and not path.name.endswith("-shm"):
                shutil.copy(self.copies / path.name, path)

    def missing(self):
        """Of what was granted: what the server does not hold with its fence."""
        found = []
        for lease, fence in self.granted.items():
            answer = self.server.get(f"/api/v1/leases/{lease}")
            if answer.status != 200 or answer.json["state"] != "held" or answer.json["fence"] != fence:
                found.append(lease)
        return found


def test_what_was_granted_survives_a_power_cut(tmp_path):
    machine = Machine(tmp_path)
    try:
        machine.server.start()
        for _ in range(3):
            threads = machine.work(30)
            wanted = len(machine.granted) + 60
            wait_for(lambda: len(machine.granted) >= wanted, 30, "granted leases")
            machine.cut()
            for thread in threads:
                thread.join()
            machine.server.start()
            assert machine.missing() == []
            after = machine.server.api("POST", "/leases", {"environment": "next", "holder": {"name": "me"},
                                                           "wait": "0s", "ttl": "1s"}, expect=201)
            assert after["fence"] > max(machine.granted.values())
            machine.server.api("DELETE", f"/leases/{after['id']}")
    finally:
        machine.server.stop()


def test_control_a_disk_that_lies_is_found_out(tmp_path):
    machine = Machine(tmp_path)
    try:
        machine.server.start()
        threads = machine.work(30)
        wait_for(lambda: len(machine.granted) >= 30, 30, "granted leases")
        machine.lies.touch()
        wait_for(lambda: len(machine.granted) >= 90, 30, "more granted leases")
        machine.cut()
        for thread in threads:
            thread.join()
        machine.lies.unlink()
        machine.server.start()
        assert machine.missing(), "a disk without fsync lost nothing: the test proves nothing"
    finally:
        machine.server.stop()
