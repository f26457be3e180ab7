"""Viewers of a soak: each asks one thing after another over its own connections, and judges the answers."""

from __future__ import annotations

import random
import re
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from .errands import FETCHED, LIVE, Errand, Menu
from .http import BROWSER, Answer, Connection, request
from .processes import HOST

PATIENCE = 60.0
_COOKIE = re.compile(rb"(?i)\r\nset-cookie: *([^=;\r\n]+)=([^;\r\n]*)")
CSRF, SESSION = "portal_csrf", "portal_session"
PEOPLE = ("ada", "ben", "cleo")


@dataclass
class Tally:
    """What all viewers were answered."""

    waited: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    while_dcs: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    undocumented: list[dict[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, errand: Errand, answer: Answer, seconds: float, *, dcs: str) -> None:
        with self._lock:
            self.waited[errand.kind].append(seconds)
            self.answers[errand.kind][answer.status] += 1
            if errand.asks_dcs:
                self.while_dcs[dcs][answer.status] += 1
        if what := errand.wrong(answer):
            self.wrong(errand, what, dcs=dcs, request_id=answer.header("X-Request-ID"))

    def wrong(self, errand: Errand, what: str, *, dcs: str, request_id: str = "") -> None:
        with self._lock:
            self.undocumented.append(
                {
                    "what": what,
                    "kind": errand.kind,
                    "dcs": dcs,
                    "path": errand.path[:160],
                    "request_id": request_id,
                }
            )


class Wanderer(threading.Thread):
    """One viewer, who asks about once in `pause` seconds until `ends` is set, and not while `rests` is."""

    def __init__(
        self,
        number: int,
        port: int,
        menu: Menu,
        tally: Tally,
        ends: threading.Event,
        rests: threading.Event,
        *,
        cookie: str = "",
        pause: float,
        dcs: Callable[[], str],
    ) -> None:
        super().__init__(name=f"viewer-{number}", daemon=True)
        self.chance = random.Random(number)
        self.failed: BaseException | None = None
        self._port, self._menu, self._tally = port, menu, tally
        self._ends, self._rests = ends, rests
        self._pause, self._dcs = pause, dcs
        self._cookies = dict([cookie.split("=", 1)]) if cookie else {}
        self._connection: Connection | None = None

    def run(self) -> None:
        try:
            while not self._ends.wait(self.chance.uniform(0, 2 * self._pause)):
                if self._rests.is_set():
                    self._hang_up()
                else:
                    self.turn()
        except BaseException as error:
            self.failed = error
            raise
        finally:
            self._hang_up()

    def turn(self) -> None:
        errand = self._menu.any(self.chance)
        answer = self.ask(errand)
        if answer and errand.kind in ("history", "one backup", "recovery point", "project"):
            self._keep_current(errand, answer)

    def _keep_current(self, errand: Errand, answer: Answer) -> None:
        """Ask for what is newer, as the page's script does."""
        mark = answer.header("X-Shown-Generation")
        if mark and self.chance.random() < 0.5:
            fine = errand.fine | {204}
            headers = LIVE | {"X-Shown-Generation": mark}
            self.ask(Errand("live fragment", errand.path, fine, asks_dcs=True, headers=headers))

    def ask(self, errand: Errand) -> Answer | None:
        dcs, began = self._dcs(), time.perf_counter()
        try:
            answer = self._answer(errand)
        except (OSError, ssl.SSLError) as error:
            self._hang_up()
            self._tally.wrong(errand, f"no answer: {error!r}", dcs=dcs)
            return None
        self._tally.answered(errand, answer, time.perf_counter() - began, dcs=dcs)
        self._menu.noticed(errand, answer)
        self._take_cookies(answer)
        # Browsers come and go; and what is refused is often the end of its connection.
        if answer.status >= 400 or self.chance.random() < 0.1:
            self._hang_up()
        return answer

    def _answer(self, errand: Errand) -> Answer:
        headers = BROWSER | errand.headers
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        body = b""
        if errand.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = f"http://{HOST}:{self._port}"
            body = urlencode(errand.form | {"csrfmiddlewaretoken": self._cookies.get(CSRF, "")}).encode()
        if self._connection is None:
            self._connection = Connection(self._port, timeout=PATIENCE, asks_again=False)
        method = "GET" if errand.form is None else "POST"
        return self._connection.ask(request(method, self._port, errand.path, headers, body))

    def _take_cookies(self, answer: Answer) -> None:
        for name, value in _COOKIE.findall(answer.head):
            self._cookies.pop(name.decode(), None)
            if value not in (b"", b'""'):
                self._cookies[name.decode()] = value.decode()

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


class Commuter(Wanderer):
    """Signs in by the form, looks around, signs out, and looks again."""

    def turn(self) -> None:
        self.ask(Errand("sign-in page", "/sign-in/"))
        form = {"person": self.chance.choice(PEOPLE), "next": "/"}
        self.ask(Errand("sign-in", "/sign-in/", frozenset({303}), limited=True, form=form))
        if SESSION not in self._cookies:
            return  # too many at once: refused, and said so
        for path in ("/", "/find/", "/keyboard/"):
            self.ask(Errand("home", path))
        self.ask(Errand("sign-out", "/sign-out/", frozenset({303}), form={}))
        self.ask(Errand("signed out", "/signed-out/"))
        self.ask(Errand("page without a session", "/projects/eu-prod/", frozenset({302})))
        fetched = FETCHED | {"HX-Request": "true"}
        self.ask(Errand("fetch without a session", "/projects/eu-prod/", frozenset({401}), headers=fetched))
