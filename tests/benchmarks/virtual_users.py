"""Viewers who look at pages over kept connections, and how long they wait."""

import ssl
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from .servers import Child, production, temporary_folder

CONNECTIONS, EVERY = 4, 0.4
BROWSER = {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Mode": "navigate"}


@contextmanager
def visited(endpoint, number, *, port=0, patience=60.0, **settings):
    """Serve the portal by two workers, and yield it with viewers who have signed in."""
    from tests.servers.served import free_port, serving  # only here: it brings Django and pytest along

    with ExitStack() as stack:
        port = port or free_port()
        environment = production(stack.enter_context(temporary_folder()), endpoint, port, **settings)
        portal = stack.enter_context(serving(environment, "--workers", "2", port=port))
        with Child("portal", **environment) as signing_in:
            cookies = signing_in.ask("cookies", number=number)
        url = environment["PORTAL_URL"]
        yield portal, [Viewer(url, cookie, port=port, patience=patience) for cookie in cookies]


@dataclass(frozen=True)
class Look:
    """One page as a viewer got it; status 0 is a connection that broke. Times are of time.monotonic()."""

    path: str
    began: float
    ended: float
    status: int = 0
    body: bytes = b""
    retry_after: str = ""

    @property
    def seconds(self):
        return self.ended - self.began


class Viewer:
    """Asks over one connection, directly as a proxy would that took the call for `url`, or by https."""

    def __init__(self, url, cookie="", *, port=0, patience=60.0):
        self.cookie = cookie
        scheme, _, host = url.partition("://")
        self._headers = BROWSER | {"Cookie": cookie, "Host": host, "X-Forwarded-Proto": scheme}
        self._connection = HTTPConnection("127.0.0.1", port, timeout=patience)
        if not port:
            unverified = ssl._create_unverified_context()
            self._connection = HTTPSConnection(host, timeout=patience, context=unverified)

    def get(self, path, *, due=None):
        """Look at a page; what is waited counts from when it was `due`."""
        began = due or time.monotonic()
        for again in (True, False):  # one that the server has closed meanwhile is opened anew
            try:
                self._connection.request("GET", path, headers=self._headers)
                answer = self._connection.getresponse()
                body, retry_after = answer.read(), answer.headers.get("Retry-After", "")
                return Look(path, began, time.monotonic(), answer.status, body, retry_after)
            except (OSError, HTTPException) as error:
                self._connection.close()
                if not again or isinstance(error, TimeoutError):
                    break
        return Look(path, began, time.monotonic())


def look_regularly(viewers, paths, seconds):
    """Let each viewer look at a page every EVERY seconds, one path after another."""

    def look(place):
        looks, began = [], time.monotonic() + place * EVERY / len(viewers)
        for turn in range(max(1, round(seconds / EVERY))):
            due = began + turn * EVERY
            time.sleep(max(0.0, due - time.monotonic()))
            looks.append(viewers[place].get(paths[(place + turn) % len(paths)], due=due))
        return looks

    return side_by_side(look, len(viewers))


def side_by_side(work, count):
    """Run `work(0)` to `work(count - 1)` in threads of their own, and return all that they saw."""
    with ThreadPoolExecutor(count) as pool:
        return [look for looks in pool.map(work, range(count)) for look in looks]


def percentile(waited, share):
    """Return the seconds that are not exceeded by this share of the looks, or of what was timed."""
    seconds = sorted(one.seconds if isinstance(one, Look) else one for one in waited)
    return seconds[min(len(seconds) - 1, int(share * len(seconds)))]


def against_quiet(look, harm, rounds):
    """Return the p95 of what `look` returns while `harm()` is entered against that in quiet, in turns."""
    taken = {False: [], True: []}
    look()
    for harmed in (False, True) * rounds:
        with harm() if harmed else nullcontext():
            taken[harmed].append(percentile(look(), 0.95))
    # What else the machine does for a moment spoils one round, not the others.
    return statistics.median(taken[True]) / statistics.median(taken[False])
