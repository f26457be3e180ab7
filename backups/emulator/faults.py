"""Faults on request: what goes wrong between a client and DCS, chosen by a test or a demo.

Every fault takes the same scope: `times` (how many calls it spoils; None: until
healed), `path_contains` (only calls whose path holds this text, such as an
instance id or "/backups"), `after` (how many matching calls pass unharmed first).
Of several faults that answer, the oldest that still applies does; delays and the
like add up. Signatures are verified before any fault: a wrong key stays a wrong key.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .http import JSON_HEADERS, Answer, ApiError, Headers, Shape, json_bytes

_LIMIT = "policy ip over ratelimit,limit:200,time:1 second"
_CODES: dict[int, tuple[str, str]] = {
    400: ("DCS.4800", "Invalid parameter in the request."),
    401: ("APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail"),
    403: ("DCS.2003", "You do not have the permission to perform this operation."),
    404: ("DCS.3022", "This DCS instance does not exist."),
    429: ("APIGW.0308", f"The throttling threshold has been reached: {_LIMIT}"),
    500: ("DCS.5078", "Failed to query the backup record."),
    502: ("APIGW.0201", "Backend unavailable"),
    503: ("APIGW.0201", "Backend unavailable"),
    504: ("APIGW.0201", "Backend timeout."),
}
_HTML = (
    "<!DOCTYPE html><html><head><title>Proxy</title></head><body><h1>The proxy says hello</h1></body></html>"
)


@dataclass(eq=False)
class Fault:
    """One fault in force. `hits` counts the calls that it touched."""

    kind: str
    before: Callable[[], object] = lambda: None
    answer: Callable[[], Answer] | None = None
    reshape: Callable[[Answer], Answer] = lambda answer: answer
    times: int | None = None
    path_contains: str = ""
    after: int = 0
    hits: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.hits >= self.times

    def summary(self) -> dict[str, Any]:
        scope = {name: getattr(self, name) for name in ("times", "path_contains", "after", "hits")}
        return {"fault": self.kind, **scope}


class Faults:
    """The faults in force, and the methods that a test calls. `Emulator` inherits these."""

    def __init__(self) -> None:
        self.latency = 0.0  # seconds that every answer takes, faults aside
        self._faults: list[Fault] = []
        self._fault_lock = threading.Lock()
        self._healed = threading.Event()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that still apply."""
        with self._fault_lock:
            return tuple(fault for fault in self._faults if not fault.spent)

    def fail_with(
        self,
        status: int,
        code: str | None = None,
        message: str | None = None,
        *,
        retry_after: float | str | None = None,
        shape: Shape | None = None,
        **scope: Any,
    ) -> Fault:
        """Answer with this status; code and message default to the documented ones."""
        usual_code, usual_message = _CODES.get(status, ("DCS.5000", "Internal service error."))
        headers = () if retry_after is None else (("Retry-After", str(retry_after)),)

        def answer() -> Answer:
            raise ApiError(status, code or usual_code, message or usual_message, shape, headers)

        return self._add("fail_with", answer=answer, **scope)

    def throttle(self, retry_after: float | str | None = 2, **scope: Any) -> Fault:
        """429 APIGW.0308 from the gateway; None leaves the Retry-After out."""
        return self.fail_with(429, retry_after=retry_after, **scope)

    def delay(self, seconds: float, **scope: Any) -> Fault:
        """Answer that much later."""
        healed = self._healed
        return self._add("delay", before=lambda: healed.wait(seconds), **scope)

    def hang(self, **scope: Any) -> Fault:
        """Take the request and say nothing until `heal()`; then answer as if nothing had been."""
        return self._add("hang", before=self._healed.wait, **scope)

    def cut_body(self, at: int | None = None, **scope: Any) -> Fault:
        """Announce the whole body, send its first half (or `at` bytes), close the connection."""

        def reshape(answer: Answer) -> Answer:
            length = len(answer.body)
            return replace(answer, body=answer.body[: length // 2 if at is None else at], announced=length)

        return self._add("cut_body", reshape=reshape, **scope)

    def drip(self, seconds: float = 0.05, size: int = 1, **scope: Any) -> Fault:
        """Send `size` bytes every `seconds`: each read succeeds, the whole never ends in time."""
        healed = self._healed

        def drops(body: bytes) -> Iterator[bytes]:
            for start in range(0, len(body), size):
                yield body[start : start + size]
                healed.wait(seconds)

        return self._add("drip", reshape=lambda answer: replace(answer, pieces=drops(answer.body)), **scope)

    def answer_html(self, status: int = 200, **scope: Any) -> Fault:
        """Answer as a proxy would: HTML where JSON belongs."""
        return self.answer_body(_HTML.encode(), status, content_type="text/html; charset=utf-8", **scope)

    def answer_body(
        self,
        body: bytes,
        status: int = 200,
        *,
        content_type: str = JSON_HEADERS[0][1],
        headers: Headers = (),
        **scope: Any,
    ) -> Fault:
        """Answer with exactly these bytes; `headers` may redirect, for one."""
        answer = Answer(status, body, (("Content-Type", content_type), *headers))
        return self._add("answer_body", answer=lambda: answer, **scope)

    def cap_pages(self, at: int, **scope: Any) -> Fault:
        """Put no more than `at` items on a page, whatever limit was asked for."""
        return self._add("cap_pages", reshape=_page(lambda total, items: (total, items[:at])), **scope)

    def total_is_page_count(self, **scope: Any) -> Fault:
        """Let total_num be the number of records on the page, as its documentation words it."""
        reshape = _page(lambda total, items: (len(items), items))
        return self._add("total_is_page_count", reshape=reshape, **scope)

    def list_part(self, share: float, **scope: Any) -> Fault:
        """List only this share of the items, the first ones, as if there were no others; none is a 204."""

        def part(total: int, items: list[Any]) -> tuple[int, list[Any]]:
            most = int(len(items) * share)
            return most, items[:most]

        return self._add("list_part", reshape=_page(part, empty=Answer(204)), **scope)

    def after_calls(self, count: int, action: Callable[[], object], **scope: Any) -> Fault:
        """Run `action` once, right before the call that follows `count` matching ones.

        With `insert_record` and `remove_record`, records arrive and vanish during a walk.
        """
        return self._add("after_calls", before=action, after=count, **{"times": 1, **scope})

    def heal(self) -> None:
        """Remove every fault and let hanging requests go on."""
        with self._fault_lock:
            self._faults.clear()
            self._healed.set()
            self._healed = threading.Event()

    def _add(self, kind: str, **parts: Any) -> Fault:
        fault = Fault(kind, **parts)
        with self._fault_lock:
            self._faults.append(fault)
        return fault

    def _through_faults(self, path: str, request_id: str, answer: Callable[[], Answer]) -> Answer:
        """Answer a call of this path as the faults that touch it let it be answered."""
        faults = self._take(path)
        self._healed.wait(self.latency)
        for fault in faults:
            fault.before()
        try:
            made = next((fault.answer for fault in faults if fault.answer), answer)()
        except ApiError as refusal:
            made = refusal.answer(request_id)
        for fault in faults:
            made = fault.reshape(made)
        return made

    def _take(self, path: str) -> list[Fault]:
        """Return the faults that touch this call, and count it against their scope."""
        taken: list[Fault] = []
        with self._fault_lock:
            for fault in self._faults:
                answered = fault.answer and any(other.answer for other in taken)
                if fault.spent or answered or fault.path_contains not in path:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.hits += 1
                taken.append(fault)
        return taken


def _page(
    change: Callable[[int, list[Any]], tuple[int, list[Any]]], empty: Answer | None = None
) -> Callable[[Answer], Answer]:
    """Return what changes the total and the items of a list, `empty` where none are left; others stay."""

    def reshape(answer: Answer) -> Answer:
        try:
            (total_name, total), (items_name, items) = json.loads(answer.body).items()
        except (ValueError, AttributeError):
            return answer
        total, items = change(total, items)
        body = json_bytes({total_name: total, items_name: items})
        return replace(answer, body=body) if items or not empty else empty

    return reshape
