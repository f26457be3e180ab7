"""Many viewers who open one page at the same moment, each with a session and a connection of their own.

Takes orders as lines of JSON: where (`port`, `path`), who (`headers`, one for each viewer), and how long they
have patience (`seconds`). A page that says it is being read is fetched again as its own script does; with
`insists`, any 503 is asked again after its Retry-After. Told is what each waited until the last answer.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .http import Answer, get, whole_answer
from .load import percentile
from .processes import HOST, orders

_ROW = b"data-backup-id="
_FETCHES_ITSELF = re.compile(rb'hx-trigger="(load delay:|every )([0-9.]+)(m?s)')
_SCRIPT = {"HX-Request": "true", "Sec-Fetch-Mode": "cors"}


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
        request = get(self.order["port"], self.order["path"], headers)
        again = get(self.order["port"], self.order["path"], headers | _SCRIPT)
        script = None
        try:
            while True:
                self.requests += 1
                writer.write(again if script else request)
                answer = await _received(reader)
                script = _Script.of(answer) or (script if script and script.goes_on(answer) else None)
                pause = script.pause if script else self._patience(answer)
                if pause is None:
                    return answer
                await asyncio.sleep(pause)
        finally:
            writer.close()

    def _patience(self, answer: Answer) -> float | None:
        """Return the seconds after which a viewer loads a page again that does not do so itself."""
        if self.order.get("insists") and answer.status == 503:
            return float(answer.header("Retry-After") or 1)
        return None


@dataclass(frozen=True)
class _Script:
    """What a page that is being read does by itself: it asks again after a `pause`, once or for ever."""

    pause: float
    repeats: bool

    @classmethod
    def of(cls, answer: Answer) -> _Script | None:
        found = None if _ROW in answer.body else _FETCHES_ITSELF.search(answer.body)
        if found is None:
            return None
        return cls(float(found[2]) / (1000 if found[3] == b"ms" else 1), found[1] == b"every ")

    def goes_on(self, answer: Answer) -> bool:
        """Whether an answer without a page (204: nothing new yet) leaves the script as it was."""
        return self.repeats and answer.status == 204


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
