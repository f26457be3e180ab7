"""DCS as fast as Python can be: the emulator's records, rendered once, no signature verified.

Every instance `records-N…` has the emulator's bulk history of N records; no other one exists, and the list of
all of them is empty. What it does wrong is told by POST /_stub/ with JSON:

    {"latency": 0.03}                            each answer comes that many seconds later
    {"fault": "failing", "of": "records-…"}      calls of such instances are answered 500 (DCS.5000),
             "unavailable", "throttling"         503, 429 with Retry-After: 2,
             "hanging"                           or not before there is no fault any more
    {"fault": null}                              all is well again

GET /_stub/ tells what was asked since the last time: {instance: {"walks", "pages", "shows"}}, where a
walk is a call at offset 0.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter, OrderedDict
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from backups.emulator.fleet import BULK_HISTORY_ID, Fleet, instance_details

from .processes import HOST

PROJECT = "0123456789abcdef0123456789abcdef"
_COUNT = re.compile(r"records-(\d+)")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_BULK = BULK_HISTORY_ID.encode()

_FAULTS = {
    "failing": (500, "", {"error_code": "DCS.5000", "error_msg": "Internal service error."}),
    "unavailable": (503, "", {"error_code": "APIGW.0201", "error_msg": "Backend unavailable."}),
    "throttling": (
        429,
        "Retry-After: 2\r\n",
        {"error_code": "APIGW.0308", "error_msg": "The throttling threshold has been reached."},
    ),
}


class Stub:
    MOST_BYTES = 100_000_000

    def __init__(self) -> None:
        self.latency = 0.0
        self.fault = ""
        self.faulty = ""
        self.asked: dict[str, Counter[str]] = {}
        self.calls = 0
        self._hanging: list[tuple[_Connection, bytes]] = []
        self._pages: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._size = 0

    def take(self, connection: _Connection, method: str, target: str, body: bytes) -> None:
        if target == "/_stub/":
            connection.send(self._control(json.loads(body)) if method == "POST" else self._told())
            return
        self.calls += 1
        if target.partition("?")[0].endswith("/instances"):
            self._later(connection, _message(200, b'{"instance_num":0,"instances":[]}'))
            return
        instance_id, limit, offset = _parsed(target)
        asked = self.asked.setdefault(instance_id, Counter())
        if limit >= 0:
            asked["pages"] += 1
            asked["walks"] += offset == 0
        else:
            asked["shows"] += 1
        if self.fault and instance_id.startswith(self.faulty):
            self._go_wrong(connection, instance_id, limit, offset)
        else:
            self._later(connection, self._answer(instance_id, limit, offset))

    def _go_wrong(self, connection: _Connection, instance_id: str, limit: int, offset: int) -> None:
        if self.fault == "hanging":
            self._hanging.append((connection, self._answer(instance_id, limit, offset)))
            return
        status, headers, error = _FAULTS[self.fault]
        self._later(connection, _message(status, json.dumps(error).encode(), headers))

    def _later(self, connection: _Connection, message: bytes) -> None:
        if self.latency:
            asyncio.get_running_loop().call_later(self.latency, connection.send, message)
        else:
            connection.send(message)

    def _answer(self, instance_id: str, limit: int, offset: int) -> bytes:
        key = instance_id, limit, offset
        message = self._pages.get(key)
        if message is None:
            message = _rendered(*key)
            self._pages[key] = message
            self._size += len(message)
            while self._size > self.MOST_BYTES:
                self._size -= len(self._pages.popitem(last=False)[1])
        # The id of each call has a length of its own, so the rendered answer has room for it.
        return message.replace(b"stub-00000000", b"stub-%08d" % self.calls, 1)

    def _control(self, order: dict[str, Any]) -> bytes:
        self.latency = order.get("latency", self.latency)
        if "fault" in order:
            self.fault, self.faulty = order["fault"] or "", order.get("of", "")
        if self.fault != "hanging":
            for connection, message in self._hanging:
                connection.send(message)
            self._hanging.clear()
        return _message(200, b"{}")

    def _told(self) -> bytes:
        told = json.dumps(self.asked).encode()
        self.asked = {}
        return _message(200, told)


class _Connection(asyncio.Protocol):
    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = None if head.startswith(b"GET") else _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self._stub.take(self, method, target, body)

    def send(self, message: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(message)


@lru_cache(maxsize=10_000)
def _parsed(target: str) -> tuple[str, int, int]:
    """Return instance, limit and offset of a call for a list; they are -1 where it is for the instance."""
    path, _, query = target.partition("?")
    _, _, _, _, instance_id, *rest = path.split("/")
    if rest != ["backups"]:
        return instance_id, -1, -1
    values = parse_qs(query)
    return instance_id, int(values["limit"][0]), int(values["offset"][0])


@lru_cache(maxsize=8)
def _records(count: int) -> list[bytes]:
    return [row.text for row in Fleet(bulk_records=count).backups(BULK_HISTORY_ID)]


def _rendered(instance_id: str, limit: int, offset: int) -> bytes:
    found = _COUNT.match(instance_id)
    if found is None:
        return _message(404, b'{"error_code":"DCS.3022","error_msg":"The DCS instance does not exist."}')
    if limit < 0:
        return _shown(instance_id)
    records = _records(int(found[1]))
    rows = b",".join(records[offset : offset + limit]).replace(_BULK, instance_id.encode())
    return _message(200, b'{"total_num":%d,"backup_record_response":[%s]}' % (len(records), rows))


def _shown(instance_id: str) -> bytes:
    bulk = Fleet().primary.instances[BULK_HISTORY_ID]
    return _message(200, json.dumps(instance_details(bulk)).encode().replace(_BULK, instance_id.encode()))


def _message(status: int, body: bytes, headers: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nX-Request-Id: stub-00000000\r\n"
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


async def _serve() -> None:
    stub = Stub()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(stub), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"endpoint": f"http://{HOST}:{port}"}) + "\n")
    sys.stdout.flush()
    # It ends with whoever reads its first line.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
