"""Clients who do a server ill, in a process of their own that costs the machine as little as they can.

Takes orders as lines of JSON: where (`port`, `tls`, `host`), which of SIEGES (`sieges`), for how many
`seconds`, and the `cookie` of a viewer who does it with an account.
Says so (`begun`) once all have come, and at the end how they fared and what processor time they cost.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .http import unverified
from .processes import HOST, orders

HALF_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: "
HALF_BODY = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nperson="
LONG_LINE = b"GET /find/?q=" + b"a" * 8192 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG_HEADER = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 1_000_000 + b"\r\n\r\n"
ENDLESS = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
# {host}, {cookie} and {id} are filled in at each visit; the id is another one each time.
SIGN_IN = (
    b"GET /sso/start/?next=%2Fprojects%2Fdefault%2F HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n"
    b"Sec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n"
)
MADE_UP_ID = (
    b"GET /projects/default/instances/{id}/ HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n"
    b"Accept: text/html\r\nConnection: close\r\n\r\n"
)
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


@dataclass(frozen=True)
class Siege:
    """`many` at once send `first`; `goes_on` sends more of it. Who is let go comes again after `pause` s."""

    many: int
    first: bytes
    pause: float
    goes_on: bytes = b""


SIEGES = {
    "idle": Siege(500, b"", 5.0),
    "half heads": Siege(200, HALF_HEAD, 5.0),
    "half bodies": Siege(200, HALF_BODY, 5.0),
    "long lines": Siege(4, LONG_LINE, 0.5),
    "long headers": Siege(4, LONG_HEADER, 0.5),
    "endless bodies": Siege(4, ENDLESS, 0.5, CHUNK),
    "sign-ins": Siege(40, SIGN_IN, 0.5),
    "made-up ids": Siege(64, MADE_UP_ID, 0.5),
}
# How long a besieger waits for an answer before it hangs up; a server lets go sooner.
PATIENCE = 30.0
# Seconds in which all of them come, at most.
LONGEST_ARRIVAL = 1.5


@dataclass
class Besiegers:
    port: int
    tls: bool
    sieges: list[Siege]
    host: str
    cookie: str
    told: Counter[str] = field(default_factory=Counter)

    async def run(self, begun: Callable[[], None], seconds: float) -> None:
        context, arrival = unverified() if self.tls else None, min(LONGEST_ARRIVAL, seconds)
        tasks = [
            asyncio.create_task(self._one(siege, context, number / siege.many * arrival))
            for siege in self.sieges
            for number in range(siege.many)
        ]
        await asyncio.sleep(arrival)
        begun()
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, siege: Siege, context: ssl.SSLContext | None, wait: float) -> None:
        # They come one by one, so that their arrival is no siege of its own.
        await asyncio.sleep(wait)
        while True:
            try:
                await self._visit(siege, context)
            except (OSError, TimeoutError):
                self.told["cut off"] += 1
            # Nor is their return.
            await asyncio.sleep(siege.pause * random.uniform(0.5, 1.5))

    async def _visit(self, siege: Siege, context: ssl.SSLContext | None) -> None:
        reader, writer = await asyncio.open_connection(HOST, self.port, ssl=context)
        self.told["connections"] += 1
        answer = asyncio.create_task(reader.read(64))
        try:
            writer.write(self._filled_in(siege.first))
            async with asyncio.timeout(PATIENCE):
                while siege.goes_on and not answer.done():
                    writer.write(siege.goes_on)
                    await writer.drain()
                    await asyncio.sleep(0.05)
                head = await answer
            self.told[head[9:12].decode(errors="replace") if head else "let go"] += 1
        finally:
            answer.cancel()
            writer.close()

    def _filled_in(self, request: bytes) -> bytes:
        for name, value in (("host", self.host), ("cookie", self.cookie), ("id", f"{uuid.uuid4()}")):
            request = request.replace(b"{%s}" % name.encode(), value.encode())
        return request


def besiege(order: dict[str, Any], give: Callable[[dict[str, Any]], None]) -> None:
    sieges = [SIEGES[name] for name in order["sieges"]]
    besiegers = Besiegers(order["port"], order["tls"], sieges, order["host"], order["cookie"])
    began = time.process_time()

    def begun() -> None:
        nonlocal began
        began = time.process_time()
        give({"begun": True})

    asyncio.run(besiegers.run(begun, order["seconds"]))
    give({"told": dict(besiegers.told), "cpu": time.process_time() - began})


if __name__ == "__main__":
    for given, answer in orders():
        besiege(given, answer)
