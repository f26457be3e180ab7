"""Just enough HTTP/1.1 to ask a server over a kept connection, at little cost to the machine both share."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from .processes import HOST

BROWSER = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en",
    "Sec-Fetch-Mode": "navigate",
    "User-Agent": "bench",
}
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class Answer:
    status: int
    head: bytes
    body: bytes

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return len(self.head) + len(self.body)

    def header(self, name: str) -> str:
        found = re.search(rb"(?i)\r\n" + name.encode() + rb": *([^\r\n]*)", self.head)
        return found[1].decode() if found else ""


class Connection:
    """One kept connection; a server that has closed it is asked anew, unless that is what is looked for."""

    def __init__(
        self, port: int, *, timeout: float = 60.0, asks_again: bool = True, tls: ssl.SSLContext | None = None
    ) -> None:
        self._port = port
        self._timeout = timeout
        self._asks_again = asks_again
        self._tls = tls
        self._open()

    def ask(self, request: bytes) -> Answer:
        try:
            self._socket.sendall(request)
            return self._received()
        except (BrokenPipeError, ConnectionResetError):
            if not self._asks_again:
                raise
            self.close()
            self._open()
            self._socket.sendall(request)
            return self._received()

    def close(self) -> None:
        self._socket.close()

    def _open(self) -> None:
        self._socket = socket.create_connection((HOST, self._port), timeout=self._timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            self._socket = self._tls.wrap_socket(self._socket)

    def _received(self) -> Answer:
        received = bytearray()
        while (whole := whole_answer(received)) is None:
            part = self._socket.recv(262_144)
            if not part:
                raise ConnectionResetError("the server closed the connection")
            received += part
        return whole


def unverified() -> ssl.SSLContext:
    """TLS with whoever answers: it is this machine."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def whole_answer(received: bytes | bytearray) -> Answer | None:
    """Return the answer, None while there is more to come. A chunked body stays as it was sent."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[: end + 2])
    status = int(head[9:12])
    if status in _WITHOUT_BODY:
        return Answer(status, head, b"")
    if _CHUNKED.search(head):
        return Answer(status, head, bytes(received[end + 4 :])) if received.endswith(b"0\r\n\r\n") else None
    length = _LENGTH.search(head)
    whole = end + 4 + (int(length[1]) if length else 0)
    return Answer(status, head, bytes(received[end + 4 : whole])) if len(received) >= whole else None


def get(port: int, path: str, headers: dict[str, str]) -> bytes:
    return request("GET", port, path, headers)


def request(method: str, port: int, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1"]
    fields = {"Host": f"{HOST}:{port}"} | headers
    if method != "GET":
        fields["Content-Length"] = str(len(body))
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def template(port: int, path: str, headers: dict[str, str]) -> Callable[[int], bytes]:
    """Return what makes the n-th request: `{n}` in the path is that number, so that each can be another."""
    if "{n}" not in path:
        request = get(port, path, headers)
        return lambda number: request
    before, after = get(port, path, headers).split(b"{n}")
    return lambda number: b"%s%d%s" % (before, number, after)
