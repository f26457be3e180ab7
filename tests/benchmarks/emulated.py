"""The emulator as a benchmark uses it: in a process of its own, with faults that are told it over HTTP."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backups.emulator.fleet import Fleet
from backups.management.commands.demo import write_projects

from .processes import HOST, answers, clean_environment, free_port, logged, wait_until

# What its people are in, who see every project.
GROUP = "dcs-all"


class Emulated:
    """The emulator that listens at `endpoint`; `fleet` is its data as it began."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.port = int(endpoint.rpartition(":")[2])
        self.fleet = Fleet(bulk_records=0)
        self._direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def go_wrong(self, *faults: dict[str, Any]) -> None:
        """Begin these faults, each as `POST /_emulator/faults` takes it."""
        for fault in faults:
            self._ask("faults", "POST", fault)

    def heal(self) -> int:
        """End all faults, and return how many calls they touched."""
        hits: int = sum(fault["hits"] for fault in self._ask("", "GET")["faults"])
        self._ask("faults", "DELETE")
        return hits

    def write_projects(self, folder: Path) -> str:
        """Return the path of a DCS_PROJECTS_FILE of all its projects."""
        return str(write_projects(folder, self.endpoint))

    def _ask(self, path: str, method: str, value: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.endpoint}/_emulator/{path}",
            data=None if value is None else json.dumps(value).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with self._direct.open(request, timeout=30) as response:
            return json.loads(response.read() or b"null")


@contextmanager
def emulated(folder: Path, *, records: int) -> Iterator[Emulated]:
    """Serve the emulator, with so many records in its long history."""
    port = free_port()
    command = [sys.executable, "manage.py", "emulator", "--bind", f"{HOST}:{port}", "--records", str(records)]
    endpoint = f"http://{HOST}:{port}"
    with logged(command, folder / "emulator.log", clean_environment(DCS_DEMO="on")) as process:
        wait_until(lambda: answers(f"{endpoint}/_emulator/"), "the emulator", alive=process)
        yield Emulated(endpoint)
