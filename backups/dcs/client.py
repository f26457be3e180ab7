"""One method per API call of DCS, over one pool of connections.

    client = DcsClient(endpoint="https://dcs.eu-west-101.myhuaweicloud.com", project_id=…, credentials=…)
    page = client.list_backup_records(instance_id, limit=1000, offset=0)

Every call ends: each socket operation has its timeout, the whole call with its
retries a deadline, the body a cap. Redirects are not followed, HTTPS_PROXY and
REQUESTS_CA_BUNDLE are honoured. All that goes wrong is a DcsError.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote, urlsplit

import requests

from .errors import (
    DcsAnswerGarbled,
    DcsError,
    DcsNotFound,
    DcsUnavailable,
    clean_request_id,
    error_from_answer,
    is_error,
)
from .http import FAILURES, PAUSES, BodyTooLong, Transport, failure_of, retry_after, with_retries
from .pages import Page, backup_page, decode, instance_answer, instance_page
from .records import BackupRecord, Instance
from .signing import Credentials, Signer, canonical_query

USER_AGENT = "dcs-backup-portal/1.0"
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
MAX_LIMIT = 1000
# A page of 1000 records with the longest remarks stays far below this.
MAX_BODY_BYTES = 16 * 1024 * 1024

Result = TypeVar("Result")


@dataclass(frozen=True)
class Asked:
    """One HTTP request to DCS and how it ended: `outcome` is "ok" or the kind of its DcsError."""

    call: str
    outcome: str
    http_status: int | None
    error_code: str
    request_id: str
    seconds: float


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
        self._pauses = tuple(pauses)
        self._sleep = sleep
        self._observe = observe
        self._signer = Signer(credentials, project_id, url.netloc, clock)
        self._transport = Transport(f"{url.scheme}://{url.netloc}", most_bytes=max_body_bytes)

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
        retry: bool = True,
    ) -> Page[BackupRecord]:
        """Ask for one page of an instance's backup records (ListBackupRecords).

        `offset` counts records from 0. The times must be aware; they filter by
        an undocumented timestamp. An empty history is a page without records.
        Without `retry` it is asked once.
        """
        query = [("limit", str(limit)), ("offset", str(offset))]
        if begin_time is not None:
            query.append(("begin_time", _compact(begin_time)))
        if end_time is not None:
            query.append(("end_time", _compact(end_time)))
        path = f"/{_segment(instance_id)}/backups"
        return self._ask("ListBackupRecords", backup_page, path, query, deadline, retry=retry)

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
    ) -> Page[Instance]:
        """Ask for one page of the project's instances (ListInstances).

        `name` is a part of the name, `name_equal` the whole; `tags` is `key=value,…`.
        """
        given = {
            "name": name,
            "name_equal": name_equal,
            "instance_id": instance_id,
            "status": status,
            "include_failure": "" if include_failure is None else str(include_failure).lower(),
            "include_delete": "" if include_delete is None else str(include_delete).lower(),
            "tags": tags,
            "ip": ip,
        }
        query = [("limit", str(limit)), ("offset", str(offset))]
        query += [(key, text) for key, text in given.items() if text]
        return self._ask("ListInstances", instance_page, "", query, deadline)

    def show_instance(self, instance_id: str, *, deadline: float | None = None) -> Page[Instance]:
        """Ask for one instance with its cache mode and backup policy (ShowInstance), as a list of one."""
        return self._ask("ShowInstance", instance_answer, f"/{_segment(instance_id)}", [], deadline)

    # One call ----------------------------------------------------------------

    def _ask(
        self,
        call: str,
        read: Callable[[bytes, str], Result],
        path: str,
        query: list[tuple[str, str]],
        deadline: float | None,
        *,
        retry: bool = True,
    ) -> Result:
        ends = time.monotonic() + self._call_budget if deadline is None else deadline
        path, parameters = self._base + path, canonical_query(query)

        def once() -> Result | DcsError:
            began = time.monotonic()
            if began >= ends:
                return DcsUnavailable("there was no time left to ask", kind="timed_out")
            answer = self._answer(path, parameters, ends, ends - began)
            found = answer if isinstance(answer, DcsError) else self._meaning(answer, read)
            self._observe(_asked(call, answer, found, time.monotonic() - began))
            return found

        pauses = self._pauses if retry else ()
        return with_retries(once, pauses=pauses, sleep=self._sleep, deadline=ends)

    def _answer(self, path: str, query: str, deadline: float, left: float) -> requests.Response | DcsError:
        connect, read = self._timeouts
        try:
            return self._transport.get(
                f"{path}?{query}" if query else path,
                _HEADERS | self._signer.headers(path, query),
                timeouts=(min(connect, left), min(read, left)),
                deadline=deadline,
            )
        except BodyTooLong as error:
            return DcsAnswerGarbled(
                "its answer is larger than any page can be",
                http_status=error.response.status_code,
                request_id=_request_id(error.response),
            )
        except FAILURES as error:
            return failure_of(error)

    def _meaning(self, answer: requests.Response, read: Callable[[bytes, str], Result]) -> Result | DcsError:
        """Return what `read` makes of an answer, or the error that it is."""
        status, request_id = answer.status_code, _request_id(answer)
        body = b"" if status == 204 else answer.content
        message = ""
        if status == 204 or (status == 200 and body):
            try:
                return read(body, request_id)
            except DcsAnswerGarbled as garbled:
                message = garbled.message
        try:
            json = decode(body)
        except DcsAnswerGarbled:
            json = None
        if message and json is not None and not is_error(json):
            return DcsAnswerGarbled(message, http_status=status, request_id=request_id)
        return error_from_answer(
            http_status=status,
            answer=json,
            request_id=request_id,
            retry_after=retry_after(answer.headers.get("Retry-After", "")),
            secrets=self._credentials.secrets,
        )


def _request_id(answer: requests.Response) -> str:
    return clean_request_id(answer.headers.get("X-Request-Id", ""))


def _asked(call: str, answer: requests.Response | DcsError, found: object, seconds: float) -> Asked:
    kind, code = (found.kind, found.error_code) if isinstance(found, DcsError) else ("ok", "")
    if isinstance(answer, DcsError):
        return Asked(call, kind, answer.http_status, code, answer.request_id, seconds)
    request_id = found.request_id if isinstance(found, DcsError) else _request_id(answer)
    return Asked(call, kind, answer.status_code, code, request_id, seconds)


def _segment(instance_id: str) -> str:
    """Return an id as a segment of a path; one that would lead elsewhere belongs to no instance."""
    if instance_id in ("", ".", ".."):
        raise DcsNotFound("no instance has such an id")
    return quote(instance_id, safe="")


def _compact(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")
