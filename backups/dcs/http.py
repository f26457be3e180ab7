"""HTTP calls whose answers end by a deadline and below a cap, and are asked for again where that can help.

A timeout bounds one read of the socket; a server that sends a byte a second
stays within it for hours, in its headers, in a chunk's length or in its body.
Here each read waits at most until the deadline.
"""

from __future__ import annotations

import http.client
import io
import random
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from .errors import DcsAnswerGarbled, DcsError, DcsThrottled, DcsUnavailable

POOL_SIZE = 32
# Seconds before the first and the second repetition; the vendor advises 2 to 5 where it throttles.
PAUSES = (0.5, 2.0)
THROTTLED_PAUSE = 2.0
_RETRIED_STATUS = frozenset({429, 502, 503, 504})

Result = TypeVar("Result")

_deadline: ContextVar[float] = ContextVar("deadline")


class BodyTooLong(requests.ConnectionError):
    """The body has more bytes than were allowed; of `response` only the status and the headers are there."""

    response: requests.Response


class DeadlineAdapter(HTTPAdapter):
    """The transport of `requests`, with an end to each answer."""

    def read(
        self, request: requests.PreparedRequest, *, deadline: float, most_bytes: int, **options: Any
    ) -> requests.Response:
        """Send a request and read its whole answer by `deadline`, a value of time.monotonic().

        Raises BodyTooLong where the body has more than `most_bytes`, unpacked, and
        what `requests` raises; whatever was not read costs the connection.
        """
        token = _deadline.set(deadline)
        try:
            response = super().send(request, stream=True, **options)
        finally:
            _deadline.reset(token)
        with response:
            parts, size = [], 0
            for part in response.iter_content(65536):
                parts.append(part)
                size += len(part)
                if size > most_bytes:
                    raise BodyTooLong("the answer is too long", response=response)
            response._content = b"".join(parts)
        return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return a pool, directly or through a proxy, that opens connections of ours."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = _Https if pool.scheme == "https" else _Http
        return pool


class BoundedAdapter(DeadlineAdapter):
    """Mounted in a session of `requests`, it ends every call after `seconds` in all, the body included."""

    def __init__(self, *, seconds: float, most_bytes: int) -> None:
        super().__init__()
        self._seconds = seconds
        self._most_bytes = most_bytes

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        options |= {"timeout": self._seconds, "deadline": time.monotonic() + self._seconds}
        del options["stream"]
        return self.read(request, most_bytes=self._most_bytes, **options)


class Transport:
    """GET requests to one server, over connections that are kept. Safe to share between threads.

    HTTPS_PROXY, NO_PROXY and REQUESTS_CA_BUNDLE are looked up once. No redirect,
    cookie or .netrc file comes between, since no session of `requests` does.
    """

    def __init__(self, origin: str, *, most_bytes: int) -> None:
        self._origin = origin
        self._most_bytes = most_bytes
        self._adapter = DeadlineAdapter(pool_maxsize=POOL_SIZE)
        self._environment: dict[str, Any] = {}

    def get(
        self, target: str, headers: Mapping[str, str], *, timeouts: tuple[float, float], deadline: float
    ) -> requests.Response:
        """Ask for a path with its query, which are sent as they are. See `failure_of` for what it raises.

        `timeouts` are the seconds to connect and for each read.
        """
        request = requests.PreparedRequest()
        request.method, request.url = "GET", self._origin + target
        request.headers = CaseInsensitiveDict(headers)
        if not self._environment:
            found = requests.Session().merge_environment_settings(self._origin, {}, None, None, None)
            self._environment = {"verify": found["verify"], "proxies": found["proxies"]}
        return self._adapter.read(
            request,
            deadline=deadline,
            most_bytes=self._most_bytes,
            timeout=timeouts,
            **self._environment,
        )

    def close(self) -> None:
        """Close the connections that are kept open; a later call opens new ones."""
        self._environment = {}
        self._adapter.close()


# Failures --------------------------------------------------------------------

FAILURES = (requests.RequestException, HTTPError, OSError, ValueError)
# What they mean, the narrower ones first; their own texts name hosts and paths.
_MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (requests.ConnectTimeout, "no connection within the time allowed"),
    (requests.exceptions.SSLError, "no secure connection"),
    (requests.exceptions.ProxyError, "no connection through the proxy"),
    (OSError, "no connection"),
    (HTTPError, "no connection"),
    (ValueError, "the call could not be made"),
)


def failure_of(error: Exception) -> DcsError:
    """Return the DcsError of one of FAILURES, which a call raised before its whole answer was there."""
    cause = error.args[0] if error.args else None
    if isinstance(error, (requests.ReadTimeout, TimeoutError)) or isinstance(cause, ReadTimeoutError):
        return DcsUnavailable("no answer within the time allowed", kind="timed_out")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return DcsAnswerGarbled("its answer could not be decompressed")
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return DcsUnavailable("the connection ended before the answer did", kind="cut_short")
    if type(error) is OSError:  # what requests raises before it connects
        return DcsUnavailable("no secure connection: the CA bundle could not be found", kind="unreachable")
    meaning = next(meaning for kind, meaning in _MEANINGS if isinstance(error, kind))
    reason = _reason(error)
    return DcsUnavailable(f"{meaning} ({reason})" if reason else meaning, kind="unreachable")


def _reason(error: BaseException | None) -> str:
    """Return the operating system's own words for what went wrong, such as "Connection refused"."""
    words = ""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            words = getattr(error, "verify_message", "") or error.strerror
        error = error.__cause__ or error.__context__
    return words


# Repetitions -----------------------------------------------------------------


def with_retries(
    ask: Callable[[], Result | DcsError],
    *,
    pauses: Sequence[float],
    sleep: Callable[[float], None],
    deadline: float,
) -> Result:
    """Return what DCS answers, asking again after each pause where that can help and time allows.

    Raises DcsError.
    """
    outcome = ask()
    for pause in pauses:
        wait = _seconds_before_retry(outcome, pause)
        if wait is None or time.monotonic() + wait >= deadline:
            break
        sleep(wait)
        outcome = ask()
    if isinstance(outcome, DcsError):
        # Raised here, so that no frame of its traceback holds a header that was sent or echoed.
        raise outcome
    return outcome


def _seconds_before_retry(outcome: object, pause: float) -> float | None:
    """Return the seconds to wait before asking again, None where asking again is wrong."""
    if isinstance(outcome, DcsThrottled):
        return THROTTLED_PAUSE if outcome.retry_after is None else outcome.retry_after
    if not isinstance(outcome, DcsUnavailable):
        return None
    if outcome.http_status in _RETRIED_STATUS:
        return max(pause, outcome.retry_after or 0.0) * random.uniform(1.0, 1.25)
    return pause * random.uniform(1.0, 1.25) if outcome.kind in ("unreachable", "cut_short") else None


def retry_after(header: str) -> float | None:
    """Read Retry-After, whole seconds or an HTTP date, as seconds from now."""
    if re.fullmatch(r" *[0-9]{1,9} *", header):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
        # One without a zone is in UTC.
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


# Connections with a deadline --------------------------------------------------


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
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        source: Any = _Source(sock)
        super().__init__(source, *args, **options)


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
