"""One portal with SQLite and the embedded cache, on a disk of its own that is full for a while.

The disk is a small file system in memory in place of `var/`, in a mount namespace of that server: where the
kernel lets users have namespaces, this needs no rights.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from .effort import Effort
from .installation import PROJECTS, emulated, portal_server, production
from .portal import prepared
from .processes import HOST, ROOT, Failed, free_port
from .programs import Program
from .scene import Seen, play, settle
from .steady import EVERY, PATIENCE, Portal, Viewers
from .truth import Truth

NAME = "the disk is full (one server, SQLite)"
VAR = ROOT / "var"
MEGABYTES = 64
_OWN_DISK = f'mount -t tmpfs -o size={MEGABYTES}m portal "$0" && exec "$@"'
_BEFORE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _OWN_DISK, str(VAR))
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(.*?)"')


def is_possible() -> bool:
    """Tell whether this system lets us have a disk of our own."""
    VAR.mkdir(exist_ok=True)
    return subprocess.run([*_BEFORE, "true"], capture_output=True, check=False).returncode == 0


def measure(effort: Effort) -> Seen:
    with TemporaryDirectory(prefix="portal-bench-") as folder, ExitStack() as stack:
        emulator, endpoint = stack.enter_context(emulated())
        port = free_port()
        url = f"http://{HOST}:{port}"
        # The demo's sign-in needs no provider, and writes a session.
        own = {"PORTAL_URL": url, "DCS_DEMO": "on", "SSO_ISSUER": "", "SSO_CLIENT_ID": ""}
        environment = production(Path(folder), emulator, endpoint, **own)
        server = stack.enter_context(portal_server(Path(folder), environment, port, *_BEFORE))
        inside = ("nsenter", "--target", str(server.pid), "--user", "--preserve-credentials")
        inside += ("--mount", f"--wd={ROOT}")
        cookies = prepared("signed_in", str(effort.steady_viewers), environment=environment, before=inside)
        truth = Truth(emulator.fleet, PROJECTS)
        pages = [truth.pages_of(viewer) for viewer in range(effort.steady_viewers)]
        viewers = stack.enter_context(Viewers(Portal(url, tuple(cookies)), pages))
        settle(viewers)
        sign_ins = SignIns(url)
        sign_ins.try_once(303)
        seen = play(
            NAME,
            lambda: _fill(server),
            lambda: _filler(server).unlink(),
            viewers,
            effort,
            meanwhile=sign_ins.go_on,
        )
        sign_ins.try_once(303)
        return replace(seen, note=sign_ins.told)


def _filler(server: Program) -> Path:
    """The file that fills the server's disk, as it is found from outside."""
    return Path(f"/proc/{server.pid}/root{VAR}/filler")


def _fill(server: Program) -> None:
    block = b"\0" * 4096
    with _filler(server).open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(block)


class SignIns:
    """Somebody who signs in, which needs a place for the session."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._statuses: Counter[int] = Counter()

    def go_on(self, seconds: float) -> None:
        """Sign in again and again, and count how that was answered."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self._statuses[self._sign_in()] += 1
            time.sleep(min(EVERY, left))

    def try_once(self, wanted: int) -> None:
        if (status := self._sign_in()) != wanted:
            raise Failed(f"a sign-in was answered {status}, not {wanted}")

    @property
    def told(self) -> str:
        told = ", ".join(f"{count} x {status}" for status, count in self._statuses.items())
        return f"Sign-ins while the disk is full: {told}."

    def _sign_in(self) -> int:
        with requests.Session() as browser:
            browser.trust_env = False
            form = browser.get(f"{self._url}/sign-in/", timeout=PATIENCE)
            token = _TOKEN.search(form.text)
            fields = {"person": "ada", "next": "/", "csrfmiddlewaretoken": token[1] if token else ""}
            answer = browser.post(f"{self._url}/sign-in/", fields, timeout=PATIENCE, allow_redirects=False)
            return answer.status_code
