# SPDX-License-Identifier: MIT
"""A private authority, made by `openssl` when it is needed, for fakes that speak TLS:

    authority = Authority(tmp_path / "ca")
    hooks.tls = authority.server("IP:127.0.0.1")  # before hooks starts; and ca_file: authority.file
"""
from __future__ import annotations

import pathlib
import ssl
import subprocess
from typing import Any

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """Signs certificates; `file` is its own, in PEM."""

    def __init__(self, folder: Any) -> None:
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.file = str(self.folder / "authority.pem")
        self._key = self.folder / "authority.key"
        self._count = 0
        _openssl("req", "-x509", *EC, "-keyout", self._key, "-out", self.file, "-days", "2",
                 "-subj", f"/CN={self.folder.name}", "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign")

    def server(self, name: str, days: int = 2) -> ssl.SSLContext:
        """What a server needs to be that name ("localhost", "IP:127.0.0.1"); negative days have passed
        since its certificate expired."""
        self._count += 1
        key, file = (self.folder / f"{self._count}.{kind}" for kind in ("key", "pem"))
        alternative = name if name.startswith("IP:") else f"DNS:{name}"
        asked = _openssl("req", *EC, "-keyout", key, "-subj", "/CN=fake", "-addext",
                         f"subjectAltName={alternative}")
        _openssl("x509", "-req", "-CA", self.file, "-CAkey", self._key, "-CAcreateserial",
                 "-copy_extensions", "copyall", "-days", str(days), "-out", file, data=asked)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file, key)
        return context


def _openssl(*words: Any, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True, check=True).stdout
