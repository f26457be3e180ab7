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
from threading import Lock
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from .errors import DcsAnswerGarbled, DcsError, DcsNotFound, DcsUnavailable, error_from_answer, is_error
from .http import FAILURES, PAUSES, DeadlineAdapter, failure_of, request_id_of, retry_after_of, with_retries
from .pages import Item, Page, backup_page, decode, instance_answer, instance_page, restore_page
from .records import BackupRecord, Instance, RestoreRecord
from .signing import Credentials, Signer, canonical_query

USER_AGENT = "dcs-backup-portal/1.0"
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
MAX_LIMIT = 1000
# A page of 1000 records with the longest remarks stays far below this.
MAX_BODY_BYTES = 16 * 1024 * 1024
# What a call with its retries may take where the caller gives no deadline.
CALL_SECONDS = 10.0

Query = dict[str, str]


@dataclass(frozen=True)
class Asked:
    """One HTTP request to DCS and how it ended: `outcome` is "ok" or the kind of its DcsError."""

    call: str
    seconds: float
    outcome: str
    http_status: int | None
    error_code: str
    request_id: str


class DcsClient:
    """Asks DCS about one project. Safe to share between threads.

    Timeouts are in seconds per socket operation; a `deadline` is a value of
    time.monotonic(), which a call with its retries keeps to. Only the look-up of
    the host's name and a connection that tries several addresses can exceed it.
    `pauses` are the seconds before each repetition; `sleep` waits them. `observe`
    is told of every request once it has ended, repetitions included.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        project_id: str,
        credentials: Credentials,
        connect_timeout: float = 3.0,
        read_timeout: float = 8.0,
        max_body_bytes: int = MAX_BODY_BYTES,
        pauses: Sequence[float] = PAUSES,
        sleep: Callable[[float], None] = time.sleep,
        observe: Callable[[Asked], None] = lambda asked: None,
    ) -> None:
        url = urlsplit(endpoint.rstrip("/"))
        self._endpoint = endpoint
        self._origin = f"{url.scheme}://{url.netloc}"
        self._base = f"{url.path}/v2/{quote(project_id, safe='')}/instances"
        self._credentials = credentials
        self._timeout = (connect_timeout, read_timeout)
        self._pauses = pauses
        self._sleep = sleep
        self._throttled = Lock()
        self._observe = observe
        self._signer = Signer(credentials, project_id, url.netloc)
        # An adapter without a session: no redirect, cookie or .netrc file comes between.
        self._adapter = DeadlineAdapter(seconds=CALL_SECONDS, most_bytes=max_body_bytes)
        found = requests.Session().merge_environment_settings(self._origin, {}, None, None, None)
        self._environment: dict[str, Any] = {"verify": found["verify"], "proxies": found["proxies"]}

    def __repr__(self) -> str:
        return f"DcsClient({self._endpoint}, {self._credentials!r})"

    def close(self) -> None:
        """Close the connections that are kept open; a later call opens new ones."""
        self._adapter.close()

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
        query = _page_at(offset, limit)
        for name, moment in (("begin_time", begin_time), ("end_time", end_time)):
            if moment:
                query[name] = moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")
        path = f"/{_segment(instance_id)}/backups"
        return self._ask("ListBackupRecords", backup_page, path, query, deadline, retry)

    def list_restore_records(
        self, instance_id: str, *, limit: int = MAX_LIMIT, offset: int = 0, deadline: float | None = None
    ) -> Page[RestoreRecord]:
        """Ask for one page of the restores into an instance (ListRestoreRecords)."""
        path = f"/{_segment(instance_id)}/restores"
        return self._ask("ListRestoreRecords", restore_page, path, _page_at(offset, limit), deadline)

    def list_instances(
        self, *, limit: int = MAX_LIMIT, offset: int = 0, deadline: float | None = None
    ) -> Page[Instance]:
        """Ask for one page of the project's instances (ListInstances)."""
        return self._ask("ListInstances", instance_page, "", _page_at(offset, limit), deadline)

    def show_instance(self, instance_id: str, *, deadline: float | None = None) -> Page[Instance]:
        """Ask for one instance with its cache mode and backup policy (ShowInstance), as a list of one."""
        return self._ask("ShowInstance", instance_answer, f"/{_segment(instance_id)}", {}, deadline)

    # One call ----------------------------------------------------------------

    def _ask(
        self,
        call: str,
        read: Callable[[bytes, str], Page[Item]],
        path: str,
        query: Query,
        deadline: float | None,
        retry: bool = True,
    ) -> Page[Item]:
        ends = time.monotonic() + CALL_SECONDS if deadline is None else deadline

        def once() -> Page[Item]:
            began = time.monotonic()
            if began >= ends:
                raise DcsUnavailable("there was no time left to ask", kind="timed_out")

            def tell(*outcome: Any) -> None:
                self._observe(Asked(call, time.monotonic() - began, *outcome))

            try:
                answer = self._get(self._base + path, canonical_query(query.items()), ends)
                page = self._page(answer, read)
            except DcsError as error:
                tell(error.kind, error.http_status, error.error_code, error.request_id)
                raise
            tell("ok", answer.status_code, "", page.request_id)
            return page

        try:
            pauses = self._pauses if retry else ()
            return with_retries(once, pauses, self._sleep, ends, self._throttled)
        except DcsError as error:
            # No frame of its traceback may hold a header that was sent or echoed.
            raise error.with_traceback(None) from None

    def _get(self, path: str, query: str, deadline: float) -> requests.Response:
        request = requests.PreparedRequest()
        request.method = "GET"
        request.url = self._origin + (f"{path}?{query}" if query else path)
        signed = self._signer.headers(path, query, now=datetime.now(UTC))
        request.headers = CaseInsensitiveDict(_HEADERS | signed)
        try:
            return self._adapter.send(request, timeout=self._timeout, deadline=deadline, **self._environment)
        except FAILURES as error:
            failure = failure_of(error)
        raise failure  # here, so that nothing of the error of `requests` hangs on to it

    def _page(self, answer: requests.Response, read: Callable[[bytes, str], Page[Item]]) -> Page[Item]:
        """Return what `read` makes of an answer. Raises the DcsError that it is instead."""
        status, request_id = answer.status_code, request_id_of(answer)
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
            raise DcsAnswerGarbled(message, http_status=status, request_id=request_id)
        raise error_from_answer(
            http_status=status,
            answer=json,
            request_id=request_id,
            retry_after=retry_after_of(answer),
            secrets=self._credentials.secrets,
        )


def _segment(instance_id: str) -> str:
    """Return an id as a segment of a path; one that would lead elsewhere belongs to no instance."""
    if instance_id in ("", ".", ".."):
        raise DcsNotFound("no instance has such an id")
    return quote(instance_id, safe="")


def _page_at(offset: int, limit: int) -> Query:
    return {"limit": str(limit), "offset": str(offset)}
