"""The emulator: a WSGI app that answers as DCS does.

    emulator = Emulator()
    with running(emulator) as endpoint:      # backups.emulator.server
        …                                    # ask it with a signed request
        emulator.fail_with(503, times=2)     # backups.emulator.faults lists all faults
        emulator.heal()

It speaks the four read-only calls of dcs-api.md over the fleet's data, verifies
every signature, and keeps a log of the calls. It shares no record, client or
error class with the portal: a misreading on both sides would pass every test.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from . import control
from .exchange import (
    Answer,
    ApiError,
    Request,
    WsgiEnvironment,
    gateway_error,
    json_answer,
    json_bytes_answer,
)
from .faults import Fault, Faults
from .fleet import (
    GONE_INSTANCE_ID,
    Fleet,
    Instance,
    Project,
    Row,
    instance_details,
    instance_summary,
    utc_now,
)
from .gateway import Gateway
from .inventory import row
from .parameters import matching_instances, page_of, rows_within

StartResponse = Callable[[str, list[tuple[str, str]]], object]

LOGGED_HEADERS = ("user-agent", "x-project-id", "x-sdk-date", "accept", "accept-encoding")
MOST_CALLS_KEPT = 100_000

_PATH = re.compile(r"/v2/(?P<project>[^/]*)(?P<rest>/.*)")
_CALL = re.compile(r"/instances(?:/(?P<instance>[^/]+)(?:/(?P<list>backups|restores))?)?/?")
_PROJECT_ID = re.compile(r"[0-9a-f]{32}")
_INSTANCE_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(slots=True)
class Call:
    """One call as the log keeps it. `status` is None while it is under way, or hangs."""

    method: str
    path: str
    query: str
    request_id: str
    headers: dict[str, str]
    status: int | None = None


class Emulator(Faults):
    """DCS as a WSGI app. Thread-safe. `clock` is the gateway's, `fleet.now` that of the records."""

    def __init__(self, fleet: Fleet | None = None, *, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__()
        self.fleet = fleet or Fleet()
        self.clock = clock
        self.latency = 0.0  # seconds that every answer takes, faults aside
        self._gateway = Gateway(self.fleet.projects, lambda: self.clock())
        self._calls: deque[Call] = deque(maxlen=MOST_CALLS_KEPT)
        self._call_lock = threading.Lock()
        # What tests change beside the faults.
        self.set_records = self.fleet.set_records
        self.insert_record = self.fleet.insert_record
        self.remove_record = self.fleet.remove_record

    def __call__(self, environ: WsgiEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request.read(environ)
        request_id = uuid.uuid4().hex
        if control.owns(request):
            answer = control.answer(self, request)
        else:
            answer = self._logged_answer(request, request_id)
        answer = answer.with_header("X-Request-Id", request_id)
        start_response(answer.status_line, answer.wire_headers)
        return answer.pieces or [answer.body]

    # What tests look at.

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls so far, oldest first, those under way included."""
        with self._call_lock:
            return tuple(self._calls)

    def count(self, path_contains: str = "", *, status: int | None = None, method: str | None = None) -> int:
        """Return how many calls there were of this path, status and method."""
        return sum(
            path_contains in call.path and status in (None, call.status) and method in (None, call.method)
            for call in self.calls
        )

    def clear_calls(self) -> None:
        with self._call_lock:
            self._calls.clear()

    def reset(self) -> None:
        """Heal, unlock all keys, forget the calls, undo every change to the fleet."""
        self.heal()
        self._gateway.unlock()
        self.clear_calls()
        self.fleet.restore()

    # How a call is answered.

    def _logged_answer(self, request: Request, request_id: str) -> Answer:
        headers = {name: request.headers[name] for name in LOGGED_HEADERS if name in request.headers}
        call = Call(request.method, request.path, request.query, request_id, headers)
        with self._call_lock:
            self._calls.append(call)
        answer = self._answer(request, request_id)
        call.status = answer.status
        return answer

    def _answer(self, request: Request, request_id: str) -> Answer:
        try:
            match = _PATH.fullmatch(request.path)
            if match is None or request.method != "GET":
                raise gateway_error(404, "APIGW.0101", "The API does not exist or has not been published.")
            project = self._gateway.admit(request)
            return self._with_faults(request, request_id, project, match)
        except ApiError as refusal:
            return refusal.answer(request_id)

    def _with_faults(
        self, request: Request, request_id: str, project: Project, match: re.Match[str]
    ) -> Answer:
        faults = self._take(request.path)
        self._wait(self.latency)
        for fault in faults:
            if fault.before:
                fault.before()
        answered = next((fault.answer for fault in faults if fault.answer), None)
        try:
            answer = answered(request_id) if answered else self._dcs_answer(request, project, match, faults)
        except ApiError as refusal:
            answer = refusal.answer(request_id)
        for fault in faults:
            answer = fault.reshape(answer) if fault.reshape else answer
        return answer

    def _dcs_answer(
        self, request: Request, project: Project, match: re.Match[str], faults: list[Fault]
    ) -> Answer:
        """Answer one of the four calls: ListBackupRecords.md, and dcs-api.md section 4."""
        _check_project_id(match["project"], project)
        call = _CALL.fullmatch(match["rest"])
        if call is None:
            raise ApiError(404, "DCS.4001", "The requested URL does not exist.")
        given = dict(request.parameters)
        limit, offset = page_of(given)
        limit = min([limit, *(fault.page_cap for fault in faults if fault.page_cap is not None)])
        page, of_page = slice(offset, offset + limit), any(fault.page_total for fault in faults)
        if call["instance"] is None:
            summaries = [instance_summary(one) for one in self.fleet.instances(project)]
            found = matching_instances(summaries, given)
            total = len(found[page]) if of_page else len(found)
            return json_answer({"instance_num": total, "instances": found[page]})
        instance = self._instance(project, call["instance"])
        if call["list"] is None:
            return json_answer(instance_details(instance))
        rows = self.fleet.backups(instance) if call["list"] == "backups" else _restores(instance)
        rows = rows_within(rows, given)
        if not rows:
            return Answer(204)
        shown = rows[page]
        # The rows' own JSON, joined: a page of 1000 costs no serialising.
        listed = b",".join(one.text for one in shown)
        field = b"backup_record_response" if call["list"] == "backups" else b"restore_record_response"
        total = len(shown) if of_page else len(rows)
        return json_bytes_answer(b'{"total_num":%d,"%s":[%s]}' % (total, field, listed))

    def _instance(self, project: Project, instance_id: str) -> Instance:
        if not _INSTANCE_ID.fullmatch(instance_id):
            raise ApiError(400, "DCS.4061", "Invalid instance ID format.")
        if instance_id == GONE_INSTANCE_ID:
            raise ApiError(404, "DCS.3022", "This DCS instance does not exist.")
        found = self.fleet.instance(project, instance_id)
        if found is None:
            raise ApiError(400, "DCS.4119", "The instance does not exist.")
        return found


def _restores(instance: Instance) -> list[Row]:
    return [row(one, datetime.fromisoformat(one["created_at"])) for one in instance.restores]


def _check_project_id(project_id: str, project: Project) -> None:
    if not _PROJECT_ID.fullmatch(project_id):
        raise ApiError(400, "DCS.4002", "Invalid project ID format.")
    if project_id != project.project_id:
        raise ApiError(401, "DCS.1004", "The project ID in the URL does not match that of the token.")
