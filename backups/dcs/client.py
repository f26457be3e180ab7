"""One method per API call of DCS, over one pool of connections.

    client = DcsClient(endpoint="https://dcs.eu-west-101.myhuaweicloud.com", project_id=…, credentials=…)
    page = client.list_backup_records(instance_id, limit=1000, offset=0)

Every call ends: each socket operation has its timeout, the whole call with its
retries a deadline, the body a cap. Redirects are not followed, HTTPS_PROXY and
REQUESTS_CA_BUNDLE are honoured. All that goes wrong is a DcsError.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote, urlsplit

from urllib3.exceptions import HTTPError

from .answers import Answer, answer_of, failure_of, meaning_of
from .errors import DcsError, DcsNotFound, DcsUnavailable
from .pages import InstanceAnswer, InstancePage, RecordPage, backup_page, instance_answer, instance_page
from .signing import Credentials, Signer, canonical_query
from .transport import Transport
from .tries import PAUSES, Tried

USER_AGENT = "dcs-backup-portal/1.0"
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
MAX_LIMIT = 1000
# A page of 1000 records with the longest remarks stays far below this.
MAX_BODY_BYTES = 16 * 1024 * 1024
# With the page that each of some walks needs, this stays within the connections that are kept.
SPARE_CALLS = 16

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
        self._max_body_bytes = max_body_bytes
        self._pauses = tuple(pauses)
        self._sleep = sleep
        self._observe = observe
        self._signer = Signer(credentials, project_id, url.netloc, clock)
        self._transport = Transport(f"{url.scheme}://{url.netloc}")
        # What all walks of this client together may ask for ahead (see walk_ahead).
        self.spare_calls = threading.Semaphore(SPARE_CALLS)

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
        again: bool = True,
    ) -> Tried[RecordPage]:
        """Ask as `list_backup_records` does, but once; the rest is done where the result is asked for.

        Without `again` there is no rest: a call that failed is not tried again.
        """
        query = [("limit", str(limit)), ("offset", str(offset))]
        if begin_time is not None:
            query.append(("begin_time", _compact(begin_time)))
        if end_time is not None:
            query.append(("end_time", _compact(end_time)))
        path = f"/{_segment(instance_id)}/backups"
        return self._try("ListBackupRecords", backup_page, path, query, deadline, again=again)

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
        return self._try("ShowInstance", instance_answer, path, [], deadline).result()

    # One call ----------------------------------------------------------------

    def _try(
        self,
        call: str,
        read: Callable[[bytes, str], Result],
        path: str,
        query: list[tuple[str, str]],
        deadline: float | None,
        *,
        again: bool = True,
    ) -> Tried[Result]:
        ends = time.monotonic() + self._call_budget if deadline is None else deadline
        path, parameters = self._base + path, canonical_query(query)

        def ask() -> Result | DcsError:
            began = time.monotonic()
            if began >= ends:
                return DcsUnavailable("there was no time left to ask", kind="timed_out")
            answer = self._answer(path, parameters, ends, ends - began)
            found = (
                answer
                if isinstance(answer, DcsError)
                else meaning_of(answer, read, self._credentials.secrets)
            )
            self._observe(_asked(call, answer, found, time.monotonic() - began))
            return found

        return Tried(ask, self._pauses if again else (), self._sleep, ends)

    def _answer(self, path: str, query: str, deadline: float, left: float) -> Answer | DcsError:
        connect, read = self._timeouts
        begun = False
        try:
            with self._transport.get(
                f"{path}?{query}" if query else path,
                _HEADERS | self._signer.headers(path, query),
                timeouts=(min(connect, left), min(read, left)),
                deadline=deadline,
            ) as response:
                begun = True
                return answer_of(response, self._max_body_bytes)
        except (HTTPError, OSError, ValueError) as error:
            return failure_of(error, begun)


def _asked(call: str, answer: Answer | DcsError, found: object, seconds: float) -> Asked:
    kind, code = (found.kind, found.error_code) if isinstance(found, DcsError) else ("ok", "")
    ended = found if isinstance(found, DcsError) else answer
    return Asked(call, kind, answer.http_status, code, ended.request_id, seconds)


def _segment(instance_id: str) -> str:
    """Return an id as a segment of a path; one that would lead elsewhere belongs to no instance."""
    if instance_id in ("", ".", ".."):
        raise DcsNotFound("no instance has such an id")
    return quote(instance_id, safe="")


def _compact(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")
