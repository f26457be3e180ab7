"""The stub as a benchmark uses it: start it, tell it what to do, ask what it was asked."""

from __future__ import annotations

import json
import urllib.request
from types import TracebackType
from typing import Any

from .processes import Child, clean_environment, cpu_seconds


class Upstream:
    def __enter__(self) -> Upstream:
        self._child = Child(f"{__package__}.stub", environment=clean_environment()).__enter__()
        self.endpoint = str(self._child.answer()["endpoint"])
        self._direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.__exit__(kind, error, trace)

    def answer_after(self, seconds: float) -> None:
        self._ask({"latency": seconds})

    def go_wrong(self, fault: str, *, of: str) -> None:
        """Let every call of an instance whose id begins with `of` be "failing", "hanging", …"""
        self._ask({"fault": fault, "of": of})

    def heal(self) -> None:
        self._ask({"fault": None})

    def asked(self) -> dict[str, dict[str, int]]:
        """Return the calls since the last time by instance: "walks" begun, "pages", "shows"."""
        told: dict[str, dict[str, int]] = self._ask()
        return told

    def prepare(self, instance_id: str) -> None:
        """Let the stub make the records of such a history, so that no walk waits for that."""
        path = f"{self.endpoint}/v2/-/instances/{instance_id}/backups?limit=1&offset=0"
        self._direct.open(path, timeout=60).close()

    @property
    def cpu(self) -> float:
        return cpu_seconds(self._child.pid)

    def _ask(self, order: dict[str, Any] | None = None) -> Any:
        body = None if order is None else json.dumps(order).encode()
        with self._direct.open(f"{self.endpoint}/_stub/", data=body, timeout=30) as response:
            return json.load(response)
