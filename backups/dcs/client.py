"""One method per API call of DCS, over one pool of connections.

    client = DcsClient(endpoint="https://dcs.eu-west-101.myhuaweicloud.com", project_id=…, credentials=…)
    page = client.list_backup_records(instance_id, limit=1000, offset=0)

Every call ends: each socket operation has its timeout, the whole call with its
retries a deadline, the body a cap. Redirects are not followed, a .netrc file
cannot replace the signature, HTTPS_PROXY and REQUESTS_CA_BUNDLE are honoured.
All that goes wrong is a DcsError.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from .errors import (
    DcsAnswerGarbled,
    DcsError,
    DcsThrottled,
    DcsUnavailable,
    clean_request_id,
    error_from_answer,
    is_error,
)
from .records import BackupRecord, Instance, decode, page_of
from .signing import Credentials, SignatureAuth, canonical_query

USER_AGENT = "dcs-backup-portal/1.0"
MAX_LIMIT = 1000
# A page of 1000 records with the longest remarks stays far below this.
MAX_BODY_BYTES = 16 * 1024 * 1024
# Seconds before the first and the second repetition; the vendor advises 2 to 5 where it throttles.
PAUSES = (0.5, 2.0)
THROTTLED_PAUSE = 2.0
_RETRIED_STATUS = frozenset({429, 502, 503, 504})


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
class _Answer:
    body: bytes
    request_id: str
    http_status: int


class DcsClient:
    """Asks DCS about one project. Safe to share between threads.

    Timeouts are in seconds: `connect_timeout` and `read_timeout` per socket
    operation, `call_budget` for one call with its retries where the caller
    gives no deadline of its own (a value of time.monotonic()).
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
        pauses: Sequence[float] = PAUSES,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._base = f"{endpoint.rstrip('/')}/v2/{quote(project_id, safe='')}/instances"
        self._credentials = credentials
        self._timeouts = (connect_timeout, read_timeout)
        self._call_budget = call_budget
        self._pauses = tuple(pauses)
        self._sleep = sleep
        self._auth = SignatureAuth(credentials, project_id, clock)
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        self._session.cookies.set_policy(_NoCookies())
        adapter = HTTPAdapter(pool_maxsize=16, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def __repr__(self) -> str:
        return f"DcsClient({self._base}, {self._credentials!r})"

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
        query = [("limit", str(limit)), ("offset", str(offset))]
        if begin_time is not None:
            query.append(("begin_time", _compact(begin_time)))
        if end_time is not None:
            query.append(("end_time", _compact(end_time)))
        answer = self._get(f"/{quote(instance_id, safe='')}/backups", query, deadline)
        return backup_page(answer.body, answer.request_id)

    def list_instances(
        self,
        *,
        limit: int = MAX_LIMIT,
        offset: int = 0,
        name: str = "",
        name_equal: bool | None = None,
        status: str = "",
        include_failure: bool | None = None,
        include_delete: bool | None = None,
        tags: str = "",
        ip: str = "",
        deadline: float | None = None,
    ) -> InstancePage:
        """Ask for one page of the project's instances (ListInstances). `name` is fuzzy unless name_equal."""
        query = [("limit", str(limit)), ("offset", str(offset))]
        query += [(key, text) for key, text in _named(name=name, status=status, tags=tags, ip=ip)]
        flags = {
            "name_equal": name_equal,
            "include_failure": include_failure,
            "include_delete": include_delete,
        }
        query += [(key, str(flag).lower()) for key, flag in flags.items() if flag is not None]
        answer = self._get("", query, deadline)
        return instance_page(answer.body, answer.request_id)

    def show_instance(self, instance_id: str, *, deadline: float | None = None) -> InstanceAnswer:
        """Ask for one instance with its cache mode and backup policy (ShowInstance)."""
        answer = self._get(f"/{quote(instance_id, safe='')}", [], deadline)
        return InstanceAnswer(instance_of(answer.body), answer.request_id, answer.body)

    # One call ----------------------------------------------------------------

    def _get(self, path: str, query: list[tuple[str, str]], deadline: float | None) -> _Answer:
        """Ask once, and at most len(pauses) times more where that can help and the deadline allows it."""
        if deadline is None:
            deadline = time.monotonic() + self._call_budget
        url = self._base + path + (f"?{canonical_query(query)}" if query else "")
        for pause in self._pauses:
            try:
                return self._get_once(url, deadline)
            except (DcsUnavailable, DcsThrottled) as error:
                wait = _pause_before_retry(error, pause)
                if wait is None or time.monotonic() + wait >= deadline:
                    raise
                self._sleep(wait)
        return self._get_once(url, deadline)

    def _get_once(self, url: str, deadline: float) -> _Answer:
        connect, read = self._timeouts
        left = deadline - time.monotonic()
        if left <= 0:
            raise DcsUnavailable("there was no time left to ask", kind="timed_out")
        try:
            with self._session.get(
                url,
                auth=self._auth,
                timeout=(min(connect, left), min(read, left)),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._answer(response, _body_of(response, deadline))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _wrapped(error) from error

    def _answer(self, response: requests.Response, body: bytes) -> _Answer:
        status = response.status_code
        request_id = clean_request_id(response.headers.get("X-Request-Id", ""))
        if status == 204:
            return _Answer(b"", request_id, status)
        json = _json_or_none(body)
        if status != 200 or json is None or is_error(json):
            raise error_from_answer(
                http_status=status,
                answer=json,
                request_id=request_id,
                retry_after=_seconds(response.headers.get("Retry-After")),
                secrets=self._credentials.secrets,
            )
        return _Answer(body, request_id, status)


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
    return Instance.from_api(answer)


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):  # type: ignore[name-defined,misc]
    """A gateway's cookies would tie calls together that are independent."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def _compact(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def _named(**values: str) -> list[tuple[str, str]]:
    return [(key, value) for key, value in values.items() if value]


def _body_of(response: requests.Response, deadline: float) -> bytes:
    """Read the body as it comes, so that a server that sends a byte a second is left at the deadline."""
    parts, size = [], 0
    while part := response.raw.read1(65536, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise DcsAnswerGarbled(
                "its answer is larger than any page can be", http_status=response.status_code
            )
        if time.monotonic() > deadline:
            raise DcsUnavailable("its answer did not end in time", kind="timed_out")
    return b"".join(parts)


def _json_or_none(body: bytes) -> Any:
    try:
        return decode(body)
    except DcsAnswerGarbled:
        return None


def _pause_before_retry(error: DcsError, pause: float) -> float | None:
    """Return the seconds to wait before asking again, None where asking again is wrong."""
    if isinstance(error, DcsThrottled):
        return max(THROTTLED_PAUSE if error.retry_after is None else error.retry_after, 0.0)
    if error.http_status in _RETRIED_STATUS:
        return max(pause, error.retry_after or 0.0) * random.uniform(1.0, 1.25)
    if error.kind in ("unreachable", "cut_short"):
        return pause * random.uniform(1.0, 1.25)
    return None


def _wrapped(error: Exception) -> DcsError:
    """Return the DcsError of what was raised below; those texts name hosts and paths, ours do not."""
    if isinstance(
        error, (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
    ):
        what = {
            requests.ConnectTimeout: "no connection within the time allowed",
            requests.exceptions.SSLError: "no secure connection: its certificate could not be verified",
            requests.exceptions.ProxyError: "no connection through the proxy",
        }
        return DcsUnavailable(
            next(text for kind, text in what.items() if isinstance(error, kind)), kind="unreachable"
        )
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return DcsUnavailable("no answer within the time allowed", kind="timed_out")
    if isinstance(error, (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError)):
        return DcsAnswerGarbled("its answer could not be decompressed")
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError)):
        return DcsUnavailable("the connection ended before the answer did", kind="cut_short")
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.HTTPError, OSError)):
        return DcsUnavailable("no connection", kind="unreachable")
    return DcsUnavailable("the call could not be made", kind="unreachable")


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After: whole seconds or an HTTP date."""
    if not retry_after:
        return None
    if re.fullmatch(r"\d{1,9}", retry_after.strip()):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
