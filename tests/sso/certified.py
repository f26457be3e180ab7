"""The certified npm oidc-provider on loopback: installed once under var/, with PKCE required."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..npm import installed
from ..servers.served import free_port

SOURCE = Path(__file__).parent / "provider"


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
    folder = installed(SOURCE)
    certified = Certified(f"http://127.0.0.1:{free_port()}", people_file)
    certified.person("ada", name="Ada Novak", email="ada@example.com", groups=["dcs-all"])
    environment = {"ISSUER": certified.issuer, "PORTAL": portal, "PEOPLE": str(people_file)}
    with subprocess.Popen(
        ["node", "server.js"],
        cwd=folder,
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
