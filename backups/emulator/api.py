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
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from wsgiref.types import StartResponse, WSGIEnvironment

from . import service
from .faults import Faults
from .fleet import Fleet
from .gateway import Gateway
from .http import Answer, ApiError, Request

LOGGED_HEADERS = ("user-agent", "x-project-id", "x-sdk-date", "accept", "accept-encoding")
MOST_CALLS_KEPT = 100_000


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
    """DCS as a WSGI app. Thread-safe. `clock` is the gateway's, that of the records is `fleet.now`."""

    def __init__(self, fleet: Fleet | None = None) -> None:
        super().__init__()
        self.fleet = fleet or Fleet()
        self.clock = self.fleet.now
        self._gateway = Gateway(self.fleet.projects)
        self._calls: deque[Call] = deque(maxlen=MOST_CALLS_KEPT)
        self.clear_calls = self._calls.clear
        # What tests change beside the faults.
        self.set_records = self.fleet.set_records
        self.insert_record = self.fleet.insert_record
        self.change_record = self.fleet.change_record
        self.remove_record = self.fleet.remove_record
        self.hide_instance = self.fleet.hide_instance
        self.remove_instance = self.fleet.remove_instance

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request.read(environ)
        request_id = uuid.uuid4().hex
        headers = {name: request.headers[name] for name in LOGGED_HEADERS if name in request.headers}
        call = Call(request.method, request.path, request.query, request_id, headers)
        self._calls.append(call)
        answer = self._answer(request, request_id)
        call.status = answer.status
        return answer.send(start_response, ("X-Request-Id", request_id))

    def _answer(self, request: Request, request_id: str) -> Answer:
        try:
            if request.method != "GET" or not re.fullmatch(r"/v2/[^/]*/.*", request.path):
                raise ApiError(404, "APIGW.0101", "The API does not exist or has not been published.")
            project = self._gateway.admit(request, self.clock())
        except ApiError as refusal:
            return refusal.answer(request_id)
        answer = partial(service.answer, self.fleet, project, request)
        return self._through_faults(request.path, request_id, answer)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls so far, oldest first, those under way included."""
        return tuple(self._calls)

    def count(self, path_contains: str = "", *, status: int | None = None) -> int:
        """Return how many calls there were of this path and status."""
        return sum(path_contains in call.path and status in (None, call.status) for call in self.calls)

    def reset(self) -> None:
        """Heal, unlock all keys, forget the calls, undo every change to the fleet."""
        self.heal()
        self._gateway = Gateway(self.fleet.projects)
        self.clear_calls()
        self.fleet.restore()
