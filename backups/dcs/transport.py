"""A requests session whose answers end by a given moment, and that keeps nothing between calls.

    with ends_at(deadline), session.get(url, timeout=…, stream=True) as response: …

A timeout bounds one read of the socket; a server that sends a byte a second
stays within it for hours, in its headers, in a chunk's length or in its body.
Here each read waits at most until the deadline.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

POOL_SIZE = 16

_deadline: ContextVar[float] = ContextVar("deadline")


@contextlib.contextmanager
def ends_at(deadline: float) -> Iterator[None]:
    """Let every read of this thread's call end by `deadline`, a value of time.monotonic()."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


class PunctualSession(requests.Session):
    """Follows no redirect, keeps no cookie, retries nothing."""

    def __init__(self) -> None:
        super().__init__()
        # A gateway's cookies would tie calls together that are independent.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _PunctualAdapter(pool_maxsize=POOL_SIZE, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find none: even with allow_redirects=False, requests would read a redirect's body to its end."""
        return


class _PunctualReader(io.RawIOBase):
    """What a socket sends, each read of which waits until the deadline at most."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._patience = sock.gettimeout()
        self._deadline = deadline
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        self._sock.settimeout(left if self._patience is None else min(left, self._patience))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PunctualResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_PunctualReader(sock, _deadline.get()))


class _PunctualHttp(HTTPConnection):
    response_class = _PunctualResponse


class _PunctualHttps(HTTPSConnection):
    response_class = _PunctualResponse


class _PunctualAdapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool, directly or through a proxy, that opens connections of ours."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _PunctualHttps if pool.scheme == "https" else _PunctualHttp
        return pool
