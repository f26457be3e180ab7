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
from functools import partial
from typing import Any

from .http import Answer, ApiError, Shape, json_bytes

LONGEST_HANG = 600.0

_CODES: dict[int, tuple[str, str]] = {
    400: ("DCS.4800", "Invalid parameter in the request."),
    401: ("APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail"),
    403: ("DCS.2003", "You do not have the permission to perform this operation."),
    404: ("DCS.3022", "This DCS instance does not exist."),
    429: (
        "APIGW.0308",
        "The throttling threshold has been reached: policy ip over ratelimit,limit:200,time:1 second",
    ),
    500: ("DCS.5078", "Failed to query the backup record."),
    502: ("APIGW.0201", "Backend unavailable"),
    503: ("APIGW.0201", "Backend unavailable"),
    504: ("APIGW.0201", "Backend timeout."),
}

HTML = (
    b"<!DOCTYPE html><html><head><title>Proxy</title></head><body><h1>The proxy says hello</h1></body></html>"
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
            raise ApiError(status, code or usual_code, message or usual_message, shape=shape, headers=headers)

        return self._add(Fault("fail_with", answer=answer, **scope))

    def throttle(self, retry_after: float | str | None = 2, **scope: Any) -> Fault:
        """429 APIGW.0308 from the gateway; None leaves the Retry-After out."""
        return self.fail_with(429, retry_after=retry_after, **scope)

    def delay(self, seconds: float, **scope: Any) -> Fault:
        """Answer that much later."""
        healed = self._healed
        return self._add(Fault("delay", before=lambda: healed.wait(seconds), **scope))

    def hang(self, **scope: Any) -> Fault:
        """Take the request and say nothing until `heal()`; then answer as if nothing had been."""
        healed = self._healed
        return self._add(Fault("hang", before=lambda: healed.wait(LONGEST_HANG), **scope))

    def cut_body(self, at: int | None = None, **scope: Any) -> Fault:
        """Announce the whole body, send its first half (or `at` bytes), close the connection."""

        def reshape(answer: Answer) -> Answer:
            sent = answer.body[: len(answer.body) // 2 if at is None else at]
            return replace(answer, body=sent, announced=len(answer.body))

        return self._add(Fault("cut_body", reshape=reshape, **scope))

    def drip(self, seconds: float = 0.05, size: int = 1, **scope: Any) -> Fault:
        """Send `size` bytes every `seconds`: each read succeeds, the whole never ends in time."""
        healed = self._healed

        def drops(body: bytes) -> Iterator[bytes]:
            for start in range(0, len(body), size):
                yield body[start : start + size]
                healed.wait(seconds)

        return self._add(
            Fault("drip", reshape=lambda answer: replace(answer, pieces=drops(answer.body)), **scope)
        )

    def answer_html(self, status: int = 200, **scope: Any) -> Fault:
        """Answer as a proxy would: HTML where JSON belongs."""
        return self.answer_body(HTML, status, content_type="text/html; charset=utf-8", **scope)

    def answer_body(
        self,
        body: bytes,
        status: int = 200,
        *,
        content_type: str | None = "application/json;charset=UTF-8",
        headers: tuple[tuple[str, str], ...] = (),
        **scope: Any,
    ) -> Fault:
        """Answer with exactly these bytes; `headers` may redirect, for one."""
        typed = (("Content-Type", content_type),) if content_type else ()
        answer = Answer(status, body, (*typed, *headers))
        return self._add(Fault("answer_body", answer=lambda: answer, **scope))

    def cap_pages(self, at: int, **scope: Any) -> Fault:
        """Put no more than `at` items on a page, whatever limit was asked for."""
        return self._add(Fault("cap_pages", reshape=partial(_with_page, most=at), **scope))

    def total_is_page_count(self, **scope: Any) -> Fault:
        """Let total_num be the number of records on the page, as its documentation words it."""
        reshape = partial(_with_page, counts_the_page=True)
        return self._add(Fault("total_is_page_count", reshape=reshape, **scope))

    def list_part(self, share: float, **scope: Any) -> Fault:
        """List only this share of the items, the first ones, as if there were no others; none is a 204."""
        return self._add(Fault("list_part", reshape=partial(_with_part, share=share), **scope))

    def after_calls(self, count: int, action: Callable[[], object], **scope: Any) -> Fault:
        """Run `action` once, right before the call that follows `count` matching ones.

        With `insert_record` and `remove_record`, records arrive and vanish during a walk.
        """
        return self._add(Fault("after_calls", before=action, after=count, **{"times": 1, **scope}))

    def heal(self) -> None:
        """Remove every fault and let hanging requests go on."""
        with self._fault_lock:
            self._faults.clear()
            self._healed.set()
            self._healed = threading.Event()

    def _add(self, fault: Fault) -> Fault:
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


def _with_page(answer: Answer, *, most: int | None = None, counts_the_page: bool = False) -> Answer:
    """Return a list with its first items only, or their number for its total; other answers as they are."""
    try:
        (total_name, total), (items_name, items) = json.loads(answer.body).items()
    except (ValueError, AttributeError):
        return answer
    shown = items[:most]
    body = {total_name: len(shown) if counts_the_page else total, items_name: shown}
    return replace(answer, body=json_bytes(body))


def _with_part(answer: Answer, *, share: float) -> Answer:
    """Return a list that ends early, and says so little that nobody can tell."""
    try:
        _, (_, items) = json.loads(answer.body).items()
    except (ValueError, AttributeError):
        return answer
    most = int(len(items) * share)
    return _with_page(answer, most=most, counts_the_page=True) if most else Answer(204)
