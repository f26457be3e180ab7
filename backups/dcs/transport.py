"""GET requests to one server, over connections that are kept; their answers end by a given moment.

    with transport.get(target, headers, timeouts=(3, 8), deadline=…) as answer: …

So does every answer to a session of `requests` that has a `BoundedAdapter` mounted.

A timeout bounds one read of the socket; a server that sends a byte a second
stays within it for hours, in its headers, in a chunk's length or in its body.
Here each read waits at most until the deadline.

`requests` finds the way once, as it does for every program of the installation:
HTTPS_PROXY, NO_PROXY and REQUESTS_CA_BUNDLE. The calls themselves go straight
to the pool of urllib3 that it gives: no redirect, cookie, .netrc file or
repetition comes between, and a call costs a quarter of the time.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection

POOL_SIZE = 32
_NEVER = Retry(total=False, redirect=False)

_deadline: ContextVar[float] = ContextVar("deadline")


class Transport:
    """The way to one server, `http://host:port` or `https://…`. Safe to share between threads."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._session = requests.Session()
        self._adapter = _Adapter(pool_maxsize=POOL_SIZE)
        self._way: tuple[Any, str] | None = None

    @contextlib.contextmanager
    def get(
        self, target: str, headers: Mapping[str, str], *, timeouts: tuple[float, float], deadline: float
    ) -> Iterator[BaseHTTPResponse]:
        """Ask for a path with its query. Whatever was not read of the answer costs its connection.

        `timeouts` are the seconds to connect and for each read; `deadline` is a
        value of time.monotonic(). Raises urllib3's HTTPError, OSError or ValueError.
        """
        pool, prefix = self._way or self._find_way()
        connect, read = timeouts
        token = _deadline.set(deadline)
        try:
            answer = pool.urlopen(
                "GET",
                prefix + target,
                headers=headers,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                retries=_NEVER,
                timeout=Timeout(connect=connect, read=read),
            )
        finally:
            _deadline.reset(token)
        try:
            yield answer
        finally:
            answer.close()
            answer.release_conn()

    def close(self) -> None:
        """Close the connections that are kept open; a later call opens new ones."""
        self._way = None
        self._adapter.close()

    def _find_way(self) -> tuple[Any, str]:
        """Return the pool of connections, and what goes before a path: a proxy for http takes whole URLs."""
        request = requests.Request("GET", self._origin + "/").prepare()
        url = str(request.url)
        found = self._session.merge_environment_settings(url, {}, None, None, None)
        pool = self._adapter.get_connection_with_tls_context(request, found["verify"], found["proxies"])
        self._adapter.cert_verify(pool, url, found["verify"], None)  # type: ignore[no-untyped-call]
        whole = self._adapter.request_url(request, found["proxies"]) != "/"
        self._way = pool, self._origin if whole else ""
        return self._way


class _Reader(io.RawIOBase):
    """What a socket sends, each read of which waits until the deadline at most."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._patience = sock.gettimeout()
        # Keeps the socket open until this is closed.
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        if self._patience is None or left < self._patience:
            self._sock.settimeout(left)
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Source:
    """Stands for the socket where http.client makes the file that it reads an answer from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, _deadline.get()))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        source: Any = _Source(sock)
        super().__init__(source, *args, **kwargs)


def _until_the_deadline(sock: socket.socket) -> socket.socket:
    """Let a proxy's tunnel and the handshake of TLS have what connecting has left of the time."""
    left = max(_deadline.get() - time.monotonic(), 0.001)
    patience = sock.gettimeout()
    sock.settimeout(left if patience is None else min(patience, left))
    return sock


class _Http(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _until_the_deadline(super()._new_conn())


class _Https(HTTPSConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _until_the_deadline(super()._new_conn())


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool, directly or through a proxy, that opens connections of ours."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _Https if pool.scheme == "https" else _Http
        return pool


class BoundedAdapter(_Adapter):
    """Mounted in a session of `requests`, it ends every call after `seconds` in all, the body included.

    A body longer than `most_bytes`, unpacked, fails as one that comes too late does.
    """

    def __init__(self, *, seconds: float, most_bytes: int) -> None:
        super().__init__()
        self._seconds = seconds
        self._most_bytes = most_bytes

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        token = _deadline.set(time.monotonic() + self._seconds)
        try:
            response = super().send(request, *args, **options | {"stream": True, "timeout": self._seconds})
        finally:
            _deadline.reset(token)
        with response:
            response._content = self._body(response)
        return response

    def _body(self, response: requests.Response) -> bytes:
        body = b""
        for chunk in response.iter_content(16 * 1024):
            body += chunk
            if len(body) > self._most_bytes:
                raise requests.ConnectionError("the answer is too long")
        return body
