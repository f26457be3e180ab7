"""Many viewers who open one page at the same moment, each with a session and a connection of their own.

Takes orders as lines of JSON: where (`port`, `path`), who (`headers`, one for each viewer), and how long they
have patience (`seconds`). A page that is being read asks again as its own script does; viewers who `insist`
leave also a page open that says that DCS does not answer. Told is what each waited until the last answer.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .http import Answer, get, whole_answer
from .load import percentile
from .processes import HOST, ROOT, orders

_ROW = b"data-backup-id="
_LIVE = re.compile(rb'data-live="([a-z]+)"[^>]*?(?:data-after="([0-9.]+)"|>)')
_SCRIPT = {"HX-Request": "true", "Sec-Fetch-Mode": "cors"}


LIVE_SCRIPT = (ROOT / "static" / "js" / "live.js").read_text()


def live_spread() -> float:
    """The part of a pause by which pages that wait for a list ask apart from each other."""
    found = re.search(r"const SPREAD = ([0-9.]+);", LIVE_SCRIPT)
    assert found, "live.js names no spread"
    return float(found[1])


def live_pauses() -> dict[str, list[float]]:
    """The seconds before each try while DCS is read or fails, as the script of the pages has them."""
    line = re.search(r"const PAUSES = \{(.*)\};", LIVE_SCRIPT)
    found = re.findall(r"(\w+): (\[[^]]*\])", line[1]) if line else []
    pauses: dict[str, list[float]] = {name: json.loads(numbers) for name, numbers in found}
    return {name: pauses[name] for name in ("reading", "retrying")}


@dataclass
class Crowd:
    order: dict[str, Any]
    waited: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    with_content: int = 0
    requests: int = 0
    impatient: int = 0

    async def run(self) -> dict[str, Any]:
        await asyncio.gather(*(self._viewer(headers) for headers in self.order["headers"]))
        return {
            "p50": statistics.median(self.waited),
            "p99": percentile(self.waited, 0.99),
            "most": max(self.waited),
            "statuses": dict(self.statuses),
            "with_content": self.with_content,
            "requests": self.requests,
            "impatient": self.impatient,
        }

    async def _viewer(self, headers: dict[str, str]) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.order["seconds"]):
                answer = await self._last_answer(headers)
        except TimeoutError:
            self.impatient += 1
        else:
            self.statuses[answer.status] += 1
            self.with_content += answer.status == 200 and _ROW in answer.body
        self.waited.append(time.perf_counter() - began)

    async def _last_answer(self, headers: dict[str, str]) -> Answer:
        reader, writer = await asyncio.open_connection(HOST, self.order["port"])
        script = PageScript()
        try:
            while True:
                self.requests += 1
                writer.write(get(self.order["port"], self.order["path"], headers | script.headers))
                answer = await _received(reader)
                pause = script.pause_after(answer)
                if answer.status != 204 and _ROW in answer.body:
                    return answer
                if pause is None or (script.state == "retrying" and not self.order["insists"]):
                    return answer
                await asyncio.sleep(pause)
        finally:
            writer.close()


class PageScript:
    """What static/js/live.js does with a page: when it asks again, and what it says that it shows."""

    _pauses = live_pauses()
    _spread = live_spread()

    def __init__(self) -> None:
        self.state = "quiet"
        self.headers: dict[str, str] = {}
        self._tries = dict.fromkeys(self._pauses, 0)

    def pause_after(self, answer: Answer) -> float | None:
        """Return the seconds until the page asks again, None where it expects nothing newer."""
        if answer.status == 204:
            told = json.loads(answer.header("HX-Trigger"))["live:told"]
            state, after = told["state"], float(told["after"])
        else:
            found = _LIVE.search(answer.body)
            state, after = found[1].decode() if found else "quiet", float(found[2] or 0) if found else 0.0
            self.headers = _SCRIPT | {"X-Shown-Generation": answer.header("X-Shown-Generation")}
        if state == "reading" != self.state:
            self._tries["reading"] = 0
        self.state = state
        if state not in self._pauses:
            return None
        pauses = self._pauses[state]
        pause = pauses[min(self._tries[state], len(pauses) - 1)]
        self._tries[state] += 1
        spread = pause * self._spread if state == "reading" else 0.0
        return max(pause, after) + random.random() * spread


async def _received(reader: asyncio.StreamReader) -> Answer:
    received = bytearray()
    while (whole := whole_answer(received)) is None:
        part = await reader.read(262_144)
        if not part:
            raise ConnectionResetError("the server closed the connection")
        received += part
    return whole


if __name__ == "__main__":
    for given, give in orders():
        give(asyncio.run(Crowd(given).run()))
