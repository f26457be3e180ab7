"""The certified npm oidc-provider on loopback: installed once under var/, with PKCE required."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "provider"
INSTALLED = Path(__file__).resolve().parents[2] / "var" / "tests" / "provider"


@dataclass
class Certified:
    issuer: str
    people_file: Path

    def person(self, subject: str, **claims: Any) -> None:
        people = json.loads(self.people_file.read_text()) if self.people_file.exists() else {}
        self.people_file.write_text(json.dumps(people | {subject: claims}))


@contextlib.contextmanager
def running(portal: str, people_file: Path) -> Iterator[Certified]:
    """Serve it for a portal at that address until the block is left."""
    _install()
    certified = Certified(f"http://127.0.0.1:{_free_port()}", people_file)
    certified.person("ada", name="Ada Novak", email="ada@example.com", groups=["dcs-all"])
    environment = {"ISSUER": certified.issuer, "PORTAL": portal, "PEOPLE": str(people_file)}
    with subprocess.Popen(
        ["node", "server.js"],
        cwd=INSTALLED,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert any("listening" in line for line in process.stdout)
            yield certified
        finally:
            process.kill()


def _install() -> None:
    wanted = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    stamp = INSTALLED / "installed"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for file in SOURCE.iterdir():
        shutil.copy(file, INSTALLED)
    if not stamp.exists() or stamp.read_text() != wanted:
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True)
        stamp.write_text(wanted)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
