"""One method per API call of DCS, over one pool of connections.

    client = DcsClient(endpoint="https://dcs.eu-west-101.myhuaweicloud.com", project_id=…, credentials=…)
    page = client.list_backup_records(instance_id, limit=1000, offset=0)

Every call ends: each socket operation has its timeout, the whole call with its
retries a deadline, the body a cap. Redirects are not followed, HTTPS_PROXY and
REQUESTS_CA_BUNDLE are honoured. All that goes wrong is a DcsError.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as http

from .errors import (
    DcsAnswerGarbled,
    DcsError,
    DcsNotFound,
    DcsThrottled,
    DcsUnavailable,
    clean_request_id,
    error_from_answer,
    is_error,
)
from .records import BackupRecord, Instance, decode, page_of
from .signing import Credentials, Signer, canonical_query
from .transport import Transport

USER_AGENT = "dcs-backup-portal/1.0"
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
MAX_LIMIT = 1000
# A page of 1000 records with the longest remarks stays far below this.
MAX_BODY_BYTES = 16 * 1024 * 1024
# Seconds before the first and the second repetition; the vendor advises 2 to 5 where it throttles.
PAUSES = (0.5, 2.0)
THROTTLED_PAUSE = 2.0
_RETRIED_STATUS = frozenset({429, 502, 503, 504})


Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True)
class RecordPage:
    """One answer of ListBackupRecords. `body` is what DCS sent, `length` the number of its rows."""

    records: tuple[BackupRecord, ...]
    total_num: int | None
    length: int
    request_id: str
    body: bytes


@dataclass(frozen=True)
class InstancePage:
    """One answer of ListInstances."""

    records: tuple[Instance, ...]
    total_num: int | None
    length: int
    request_id: str
    body: bytes


@dataclass(frozen=True)
class InstanceAnswer:
    """The answer of ShowInstance."""

    instance: Instance
    request_id: str
    body: bytes


@dataclass(frozen=True)
class Asked:
    """One HTTP request to DCS and how it ended: `outcome` is "ok" or the kind of its DcsError."""

    call: str
    outcome: str
    http_status: int | None
    error_code: str
    request_id: str
    seconds: float


@dataclass(frozen=True)
class _Answer:
    body: bytes
    request_id: str
    http_status: int


class Tried(Generic[Result]):
    """A call that was tried once; `failure` is what came of it, None where DCS answered."""

    def __init__(
        self,
        read: Callable[[bytes, str], Result],
        ask: Callable[[], _Answer | DcsError],
        pauses: Sequence[float],
        sleep: Callable[[float], None],
        deadline: float,
    ) -> None:
        self._read = read
        self._ask = ask
        self._pauses = pauses
        self._sleep = sleep
        self._deadline = deadline
        self._outcome = ask()

    @property
    def failure(self) -> DcsError | None:
        return self._outcome if isinstance(self._outcome, DcsError) else None

    def result(self) -> Result:
        """Return what DCS answered, asking at most len(pauses) times more where the deadline allows it.

        Raises DcsError.
        """
        for pause in self._pauses:
            wait = _pause_before_retry(self._outcome, pause)
            if wait is None or time.monotonic() + wait >= self._deadline:
                break
            self._sleep(wait)
            self._outcome = self._ask()
        answer = self._outcome
        if isinstance(answer, DcsError):
            # Raised here, so that no frame of its traceback holds a header that was sent or echoed.
            raise answer
        try:
            return self._read(answer.body, answer.request_id)
        except DcsAnswerGarbled as error:
            message = error.message
        raise DcsAnswerGarbled(message, http_status=answer.http_status, request_id=answer.request_id)


class DcsClient:
    """Asks DCS about one project. Safe to share between threads.

    Timeouts are in seconds: `connect_timeout` and `read_timeout` per socket
    operation, `call_budget` for one call with its retries where the caller
    gives no deadline of its own (a value of time.monotonic()). Only the look-up
    of the host's name and a connection that tries several addresses can exceed
    it. `pauses` are the seconds before each repetition; `sleep` waits them.
    `observe` is told of every request once it has ended, repetitions included.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        project_id: str,
        credentials: Credentials,
        connect_timeout: float = 3.0,
        read_timeout: float = 8.0,
        call_budget: float = 10.0,
        max_body_bytes: int = MAX_BODY_BYTES,
        pauses: Sequence[float] = PAUSES,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        observe: Callable[[Asked], None] = lambda asked: None,
    ) -> None:
        url = urlsplit(endpoint.rstrip("/"))
        self._endpoint = endpoint
        self._base = f"{url.path}/v2/{quote(project_id, safe='')}/instances"
        self._credentials = credentials
        self._timeouts = (connect_timeout, read_timeout)
        self._call_budget = call_budget
        self._max_body_bytes = max_body_bytes
        self._pauses = tuple(pauses)
        self._sleep = sleep
        self._observe = observe
        self._signer = Signer(credentials, project_id, url.netloc, clock)
        self._transport = Transport(f"{url.scheme}://{url.netloc}")

    def __repr__(self) -> str:
        return f"DcsClient({self._endpoint}, {self._credentials!r})"

    def close(self) -> None:
        """Close the connections that are kept open; a later call opens new ones."""
        self._transport.close()

    def list_backup_records(
        self,
        instance_id: str,
        *,
        limit: int = MAX_LIMIT,
        offset: int = 0,
        begin_time: datetime | None = None,
        end_time: datetime | None = None,
        deadline: float | None = None,
    ) -> RecordPage:
        """Ask for one page of an instance's backup records (ListBackupRecords).

        `offset` counts records from 0. The times must be aware; they filter by
        an undocumented timestamp. An empty history is a page without records.
        """
        return self.try_backup_records(
            instance_id,
            limit=limit,
            offset=offset,
            begin_time=begin_time,
            end_time=end_time,
            deadline=deadline,
        ).result()

    def try_backup_records(
        self,
        instance_id: str,
        *,
        limit: int = MAX_LIMIT,
        offset: int = 0,
        begin_time: datetime | None = None,
        end_time: datetime | None = None,
        deadline: float | None = None,
    ) -> Tried[RecordPage]:
        """Ask as `list_backup_records` does, but once; the rest is done where the result is asked for."""
        query = [("limit", str(limit)), ("offset", str(offset))]
        if begin_time is not None:
            query.append(("begin_time", _compact(begin_time)))
        if end_time is not None:
            query.append(("end_time", _compact(end_time)))
        path = f"/{_segment(instance_id)}/backups"
        return self._try("ListBackupRecords", backup_page, path, query, deadline)

    def list_instances(
        self,
        *,
        limit: int = MAX_LIMIT,
        offset: int = 0,
        name: str = "",
        name_equal: str = "",
        instance_id: str = "",
        status: str = "",
        include_failure: bool | None = None,
        include_delete: bool | None = None,
        tags: str = "",
        ip: str = "",
        deadline: float | None = None,
    ) -> InstancePage:
        """Ask for one page of the project's instances (ListInstances).

        `name` is a part of the name, `name_equal` the whole; `tags` is `key=value,…`.
        """
        given = {
            "name": name,
            "name_equal": name_equal,
            "instance_id": instance_id,
            "status": status,
            "tags": tags,
            "ip": ip,
        }
        flags = {"include_failure": include_failure, "include_delete": include_delete}
        query = [("limit", str(limit)), ("offset", str(offset))]
        query += [(key, text) for key, text in given.items() if text]
        query += [(key, str(flag).lower()) for key, flag in flags.items() if flag is not None]
        return self._try("ListInstances", instance_page, "", query, deadline).result()

    def show_instance(self, instance_id: str, *, deadline: float | None = None) -> InstanceAnswer:
        """Ask for one instance with its cache mode and backup policy (ShowInstance)."""
        path = f"/{_segment(instance_id)}"
        return self._try("ShowInstance", _instance_answer, path, [], deadline).result()

    # One call ----------------------------------------------------------------

    def _try(
        self,
        call: str,
        read: Callable[[bytes, str], Result],
        path: str,
        query: list[tuple[str, str]],
        deadline: float | None,
    ) -> Tried[Result]:
        ends = time.monotonic() + self._call_budget if deadline is None else deadline
        path, parameters = self._base + path, canonical_query(query)
        return Tried(read, lambda: self._ask(call, path, parameters, ends), self._pauses, self._sleep, ends)

    def _ask(self, call: str, path: str, query: str, deadline: float) -> _Answer | DcsError:
        began = time.monotonic()
        if began >= deadline:
            return DcsUnavailable("there was no time left to ask", kind="timed_out")
        outcome = self._outcome(path, query, deadline, deadline - began)
        self._observe(_asked(call, outcome, time.monotonic() - began))
        return outcome

    def _outcome(self, path: str, query: str, deadline: float, left: float) -> _Answer | DcsError:
        connect, read = self._timeouts
        answered = False
        try:
            with self._transport.get(
                f"{path}?{query}" if query else path,
                _HEADERS | self._signer.headers(path, query),
                timeouts=(min(connect, left), min(read, left)),
                deadline=deadline,
            ) as response:
                answered = True
                return self._answer(response, _body_of(response, self._max_body_bytes))
        except (http.HTTPError, OSError, ValueError) as error:
            return _wrapped(error, answered)

    def _answer(self, response: BaseHTTPResponse, body: bytes | None) -> _Answer | DcsError:
        status = response.status
        request_id = clean_request_id(response.headers.get("X-Request-Id", ""))
        if body is None:
            return DcsAnswerGarbled(
                "its answer is larger than any page can be", http_status=status, request_id=request_id
            )
        if status == 204:
            return _Answer(b"", request_id, status)
        json = _json_or_none(body)
        if status != 200 or json is None or is_error(json):
            return error_from_answer(
                http_status=status,
                answer=json,
                request_id=request_id,
                retry_after=_seconds(response.headers.get("Retry-After")),
                secrets=self._credentials.secrets,
            )
        return _Answer(body, request_id, status)


def _asked(call: str, outcome: _Answer | DcsError, seconds: float) -> Asked:
    kind, code = (outcome.kind, outcome.error_code) if isinstance(outcome, DcsError) else ("ok", "")
    return Asked(call, kind, outcome.http_status, code, outcome.request_id, seconds)


def backup_page(body: bytes, request_id: str = "") -> RecordPage:
    """Return the typed page of a body of ListBackupRecords, also of one that was cached."""
    items, total = page_of(body, items="backup_record_response", total="total_num") if body else ([], None)
    records = tuple(BackupRecord.from_api(item) for item in items if isinstance(item, dict))
    return RecordPage(records, total, len(items), request_id, body)


def instance_page(body: bytes, request_id: str = "") -> InstancePage:
    """Return the typed page of a body of ListInstances."""
    items, total = page_of(body, items="instances", total="instance_num") if body else ([], None)
    records = tuple(Instance.from_api(item) for item in items if isinstance(item, dict))
    return InstancePage(records, total, len(items), request_id, body)


def instance_of(body: bytes) -> Instance:
    """Return the typed instance of a body of ShowInstance."""
    answer = decode(body) if body else None
    if not isinstance(answer, dict):
        raise DcsAnswerGarbled("its answer is not a JSON object")
    if not answer.keys() & {"instance_id", "name"}:
        raise DcsAnswerGarbled("its answer is no instance")
    return Instance.from_api(answer)


def _instance_answer(body: bytes, request_id: str) -> InstanceAnswer:
    return InstanceAnswer(instance_of(body), request_id, body)


def _segment(instance_id: str) -> str:
    """Return an id as a segment of a path; one that would lead elsewhere belongs to no instance."""
    if instance_id in ("", ".", ".."):
        raise DcsNotFound("no instance has such an id")
    return quote(instance_id, safe="")


def _compact(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


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


def _json_or_none(body: bytes) -> Any:
    try:
        return decode(body)
    except DcsAnswerGarbled:
        return None


def _pause_before_retry(error: DcsError | _Answer, pause: float) -> float | None:
    """Return the seconds to wait before asking again, None where asking again is wrong."""
    if not isinstance(error, (DcsThrottled, DcsUnavailable)):
        return None
    if isinstance(error, DcsThrottled):
        return max(THROTTLED_PAUSE if error.retry_after is None else error.retry_after, 0.0)
    if error.http_status in _RETRIED_STATUS:
        return max(pause, error.retry_after or 0.0) * random.uniform(1.0, 1.25)
    if error.kind in ("unreachable", "cut_short"):
        return pause * random.uniform(1.0, 1.25)
    return None


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


def _wrapped(error: Exception, answered: bool) -> DcsError:
    """Return the DcsError of what was raised below, before or after an answer had begun."""
    if isinstance(error, (http.ReadTimeoutError, TimeoutError)):
        return DcsUnavailable("no answer within the time allowed", kind="timed_out")
    if isinstance(error, http.DecodeError):
        return DcsAnswerGarbled("its answer could not be decompressed")
    if answered and isinstance(error, http.ProtocolError):
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
