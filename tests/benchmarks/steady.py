"""Viewers who look at one page after the other, whatever happens, and keep what they saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, cycle

import requests

from .http import BROWSER
from .processes import Failed
from .truth import Page

# Each viewer begins to look so often, if the page before has come.
EVERY = 0.3
# Seconds after which a viewer closes the page that does not come.
PATIENCE = 60.0
# How often in a row each of the pages must be right for all to be well.
WELL_ROUNDS = 2
SIGNED_OUT, BROKEN = "signed out", "broken"
_TO_SIGN_IN = (302, 401)


@dataclass(frozen=True)
class Portal:
    """Where viewers look, and the cookie of each; `certificate` is what they trust."""

    url: str
    cookies: tuple[str, ...]
    certificate: str = ""


@dataclass(frozen=True)
class Look:
    """`outcome` is a status, SIGNED_OUT, BROKEN or "silent"; `wrong` tells what was wrong with a page."""

    page: str
    began: float
    ended: float
    outcome: str
    wrong: str = ""

    @property
    def well(self) -> bool:
        return self.outcome == "200" and not self.wrong

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Viewers:
    """They look until the block is left. `pages` are those of each viewer."""

    def __init__(self, portal: Portal, pages: Iterable[tuple[Page, ...]]) -> None:
        self._portal = portal
        self._pages = list(pages)
        self._looks: list[list[Look]] = [[] for _ in self._pages]
        self._leave = threading.Event()
        self._more = threading.Condition()
        self._threads = [
            threading.Thread(target=self._stay, args=(viewer,), daemon=True)
            for viewer in range(len(self._pages))
        ]

    def __enter__(self) -> Viewers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._leave.set()
        for thread in self._threads:
            thread.join()

    @property
    def looks(self) -> list[Look]:
        return [look for own in self._looks for look in list(own)]

    def wait_for_rounds(self, rounds: int) -> None:
        """Wait until each viewer has looked at each page so often from now on."""
        goals = [len(own) + rounds * len(pages) for own, pages in self._each()]
        if not self._wait(
            lambda: all(len(own) >= goal for own, goal in zip(self._looks, goals, strict=True)), 2 * PATIENCE
        ):
            raise Failed("not every viewer got an answer")

    def wait_until_well(self, since: float, *, within: float) -> float:
        """Return the seconds from then until nothing but right pages came, `within` if that was never so."""
        if not self._wait(lambda: all(_is_well(*one, since) for one in self._each()), within):
            return within
        late = [look.ended for look in self.looks if not (look.well and look.began > since)]
        return max(0.0, max(late, default=since) - since)

    def _each(self) -> Iterator[tuple[list[Look], tuple[Page, ...]]]:
        return zip(self._looks, self._pages, strict=True)

    def _wait(self, happened: Callable[[], bool], within: float) -> bool:
        with self._more:
            return self._more.wait_for(happened, within)

    def _stay(self, viewer: int) -> None:
        with requests.Session() as browser:
            browser.trust_env = False
            browser.verify = self._portal.certificate
            browser.headers = BROWSER | {"Accept-Encoding": "gzip", "Cookie": self._portal.cookies[viewer]}
            # Not all of them at the same page in the same moment.
            pages = cycle(chain(self._pages[viewer][viewer % 4 :], self._pages[viewer][: viewer % 4]))
            self._leave.wait(EVERY * viewer / len(self._pages))
            while not self._leave.is_set():
                look = self._look(browser, next(pages))
                with self._more:
                    self._looks[viewer].append(look)
                    self._more.notify_all()
                self._leave.wait(max(0.0, EVERY - look.seconds))

    def _look(self, browser: requests.Session, page: Page) -> Look:
        began = time.monotonic()
        wrong = ""
        try:
            answer = browser.get(self._portal.url + page.path, timeout=PATIENCE, allow_redirects=False)
        except requests.Timeout:
            outcome = "silent"
        except requests.RequestException:
            # Before the answer, or in the middle of it.
            outcome = BROKEN
        else:
            outcome = SIGNED_OUT if answer.status_code in _TO_SIGN_IN else str(answer.status_code)
            wrong = _wrong(page, answer) if outcome == "200" else ""
        return Look(page.name, began, time.monotonic(), outcome, wrong)


def _wrong(page: Page, answer: requests.Response) -> str:
    try:
        return page.wrong(answer)
    except (ValueError, LookupError, TypeError) as error:
        return f"cannot be read: {error}"


def _is_well(looks: list[Look], pages: tuple[Page, ...], since: float) -> bool:
    count = WELL_ROUNDS * len(pages)
    last = looks[-count:]
    return len(last) == count and last[0].began > since and all(look.well for look in last)
