"""HTTP calls whose answers end by a deadline and below a cap, and are asked for again where that can help.

A timeout bounds one read of the socket; a server that sends a byte a second
stays within it for hours, in its headers, in a chunk's length or in its body.
Here each read waits at most until the deadline.
"""

from __future__ import annotations

import http.client
import io
import math
import random
import re
import socket
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from .errors import DcsAnswerGarbled, DcsError, DcsThrottled, DcsUnavailable, clean_request_id

POOL_SIZE = 32
# Seconds before the first and the second repetition; the vendor advises 2 to 5 where it throttles.
PAUSES = (0.5, 2.0)
THROTTLED_PAUSE = 2.0
_RETRIED_STATUS = frozenset({429, 502, 503, 504})

Result = TypeVar("Result")

_deadline: ContextVar[float] = ContextVar("deadline")


def _seconds_left() -> float:
    return max(_deadline.get() - time.monotonic(), 0.001)


class BodyTooLong(requests.ConnectionError):
    """The body has more bytes than were allowed; of `response` only the status and the headers are there."""


class DeadlineAdapter(HTTPAdapter):
    """The transport of `requests`, where a call ends after `seconds` in all, its body included.

    Raises BodyTooLong where the body has more than `most_bytes`, unpacked, and what
    `requests` raises; whatever was not read costs the connection.
    """

    def __init__(self, *, seconds: float, most_bytes: int) -> None:
        super().__init__(pool_maxsize=POOL_SIZE)
        self._seconds = seconds
        self._most_bytes = most_bytes

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *options: Any,
        deadline: float | None = None,
        **named: Any,
    ) -> requests.Response:
        """Send a request and read its whole answer.

        `timeout` is the seconds to connect and for each read; `deadline`, a value of
        time.monotonic(), stands instead of `seconds` from now.
        """
        ends = time.monotonic() + self._seconds if deadline is None else deadline
        _deadline.set(ends)
        left = _seconds_left()
        connect, read = timeout if isinstance(timeout, tuple) else (left, left)
        response = super().send(request, True, (min(connect, left), min(read, left)), *options, **named)
        with response:
            parts, size = [], 0
            for part in response.iter_content(65536):
                parts.append(part)
                size += len(part)
                if size > self._most_bytes:
                    raise BodyTooLong("the answer is too long", response=response)
            response._content = b"".join(parts)
        return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return a pool, directly or through a proxy, that opens connections of ours."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = _Https if pool.scheme == "https" else _Http
        return pool


class _DeadlineReader(io.RawIOBase):
    """What a socket sends, each read of which waits until the deadline at most."""

    def __init__(self, sock: socket.socket, raw: Any) -> None:
        self._sock = sock
        self._raw = raw
        self._patience = sock.gettimeout() or math.inf
        self._deadline = _deadline.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        self._sock.settimeout(min(left, self._patience))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))


class _Http(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """Connect; a proxy's tunnel and the handshake of TLS have what that leaves of the time."""
        sock = super()._new_conn()
        sock.settimeout(min(_seconds_left(), sock.gettimeout() or math.inf))
        return sock


class _Https(_Http, HTTPSConnection):
    pass


# Failures --------------------------------------------------------------------

FAILURES = (requests.RequestException, HTTPError, OSError, ValueError)
# Kind and meaning, the narrower ones first; their own texts name hosts and paths.
_MEANINGS: tuple[tuple[type[Exception], str, str], ...] = (
    (requests.ReadTimeout, "timed_out", "no answer within the time allowed"),
    (TimeoutError, "timed_out", "no answer within the time allowed"),
    (requests.exceptions.ChunkedEncodingError, "cut_short", "the connection ended before the answer did"),
    (requests.ConnectTimeout, "unreachable", "no connection within the time allowed"),
    (requests.exceptions.SSLError, "unreachable", "no secure connection"),
    (requests.exceptions.ProxyError, "unreachable", "no connection through the proxy"),
    (OSError, "unreachable", "no connection"),
    (HTTPError, "unreachable", "no connection"),
    (ValueError, "unreachable", "the call could not be made"),
)


def failure_of(error: Exception) -> DcsError:
    """Return the DcsError of one of FAILURES, which a call raised before its whole answer was there."""
    if isinstance(error, BodyTooLong) and (answer := error.response) is not None:
        text = "its answer is larger than any page can be"
        return DcsAnswerGarbled(text, http_status=answer.status_code, request_id=request_id_of(answer))
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return DcsAnswerGarbled("its answer could not be decompressed")
    if type(error) is OSError:  # what requests raises before it connects
        return DcsUnavailable("no secure connection: the CA bundle could not be found", kind="unreachable")
    if error.args and isinstance(error.args[0], ReadTimeoutError):  # amid the body
        error = requests.ReadTimeout()
    kind, meaning = next((kind, meaning) for of, kind, meaning in _MEANINGS if isinstance(error, of))
    reason = reason_of(error) if kind == "unreachable" else ""
    return DcsUnavailable(f"{meaning} ({reason})" if reason else meaning, kind=kind)


def reason_of(error: BaseException | None) -> str:
    """Return the operating system's own words for what went wrong, such as "Connection refused"."""
    words = ""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            words = getattr(error, "verify_message", "") or error.strerror
        error = error.__cause__ or error.__context__
    return words


# Repetitions -----------------------------------------------------------------


def with_retries(
    ask: Callable[[], Result],
    pauses: Sequence[float],
    sleep: Callable[[float], None],
    deadline: float,
    throttled: Lock,
) -> Result:
    """Return what DCS answers, asking again after each pause where that can help and time allows.

    Of the calls that are throttled together one holds `throttled` and is made again; the others are not.
    """
    holds = False
    try:
        for pause in pauses:
            try:
                return ask()
            except DcsError as error:
                wait = _seconds_before_retry(error, pause)
                if wait is None or time.monotonic() + wait >= deadline:
                    raise
                if isinstance(error, DcsThrottled):
                    holds = holds or throttled.acquire(blocking=False)
                    if not holds:
                        raise
            sleep(wait)
        return ask()
    finally:
        if holds:
            throttled.release()


def _seconds_before_retry(error: DcsError, pause: float) -> float | None:
    """Return the seconds to wait before asking again, None where asking again is wrong."""
    if isinstance(error, DcsThrottled):
        return THROTTLED_PAUSE if error.retry_after is None else error.retry_after
    if not isinstance(error, DcsUnavailable):
        return None
    if error.http_status in _RETRIED_STATUS or error.kind in ("unreachable", "cut_short"):
        return max(pause, error.retry_after or 0.0) * random.uniform(1.0, 1.25)
    return None


# Headers ----------------------------------------------------------------------


def request_id_of(answer: requests.Response) -> str:
    return clean_request_id(answer.headers.get("X-Request-Id", ""))


def retry_after_of(answer: requests.Response) -> float | None:
    """Read Retry-After, whole seconds or an HTTP date, as seconds from now."""
    header = answer.headers.get("Retry-After", "")
    if re.fullmatch(r" *[0-9]{1,9} *", header):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
        # One without a zone is in UTC.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
