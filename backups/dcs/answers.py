"""What came back over HTTP: an answer within its bounds, what it means, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as http

from .errors import DcsAnswerGarbled, DcsError, DcsUnavailable, clean_request_id, error_from_answer, is_error
from .pages import decode

Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """`body` is None where it was larger than any page can be; `retry_after` is in seconds."""

    http_status: int
    request_id: str
    retry_after: float | None
    body: bytes | None


def answer_of(response: BaseHTTPResponse, most: int) -> Answer:
    """Read an answer whose body may have `most` bytes."""
    return Answer(
        response.status,
        clean_request_id(response.headers.get("X-Request-Id", "")),
        _seconds(response.headers.get("Retry-After")),
        _body_of(response, most),
    )


def meaning_of(
    answer: Answer, read: Callable[[bytes, str], Result], secrets: Iterable[str]
) -> Result | DcsError:
    """Return what `read(body, request_id)` makes of an answer, or the error that it is."""
    status, request_id, body = answer.http_status, answer.request_id, answer.body
    if body is None:
        message = "its answer is larger than any page can be"
        return DcsAnswerGarbled(message, http_status=status, request_id=request_id)
    if status == 204:
        body = b""
    message = ""
    if status == 204 or (status == 200 and body):
        try:
            return read(body, request_id)
        except DcsAnswerGarbled as garbled:
            message = garbled.message
    json = _json_or_none(body)
    if message and json is not None and not is_error(json):
        return DcsAnswerGarbled(message, http_status=status, request_id=request_id)
    return error_from_answer(
        http_status=status,
        answer=json,
        request_id=request_id,
        retry_after=answer.retry_after,
        secrets=secrets,
    )


def _json_or_none(body: bytes) -> Any:
    try:
        return decode(body)
    except DcsAnswerGarbled:
        return None


def _body_of(response: BaseHTTPResponse, most: int) -> bytes | None:
    """Read and unpack the body; None where it is larger than `most` bytes."""
    left = response.length_remaining
    if left is not None and left > most:
        return None
    if left is None or "Content-Encoding" in response.headers:
        return _unpacked(response, most)
    # The usual answer, which says its length: read into one piece of memory.
    parts = []
    while part := response.read(max(left, 1), decode_content=False):
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpacked(response: BaseHTTPResponse, most: int) -> bytes | None:
    parts, size = [], 0
    while part := response.read1(65536, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > most:
            return None
    return b"".join(parts)


# What the exceptions from below mean, the narrower ones first; their own texts name hosts and paths.
_MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (http.NewConnectionError, "no connection"),
    (http.ConnectTimeoutError, "no connection within the time allowed"),
    (http.SSLError, "no secure connection"),
    (http.ProxyError, "no connection through the proxy"),
    (http.HTTPError, "no connection"),
    (OSError, "no connection"),
    (ValueError, "the call could not be made"),
)


def failure_of(error: Exception, begun: bool) -> DcsError:
    """Return the DcsError of what was raised below, before or after an answer had begun."""
    if isinstance(error, (http.ReadTimeoutError, TimeoutError)):
        return DcsUnavailable("no answer within the time allowed", kind="timed_out")
    if isinstance(error, http.DecodeError):
        return DcsAnswerGarbled("its answer could not be decompressed")
    if begun and isinstance(error, http.ProtocolError):
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


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After: whole seconds or an HTTP date."""
    if not retry_after:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
        # One without a zone is in UTC.
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
