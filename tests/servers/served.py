"""The portal as `./run serve` runs it, in processes of its own, over the emulator."""

import contextlib
import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from backups.emulator.fleet import ORDERS_CACHE_ID

from ..conftest import ROOT, SETTINGS, shell_environment, wait_for

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
SECRET_KEY = "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Served:
    """One server that listens. `logs` are the lines that it wrote to stdout so far."""

    def __init__(self, process, port):
        self.process, self.port, self.url = process, port, f"http://127.0.0.1:{port}"
        self.logs, self.errors = [], []
        for stream, lines in ((process.stdout, self.logs), (process.stderr, self.errors)):
            threading.Thread(target=self._collect, args=(stream, lines), daemon=True).start()

    def _collect(self, stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    @property
    def events(self):
        return [json.loads(line) for line in list(self.logs)]

    def get(self, path, **options):
        return browser().get(self.url + path, timeout=30, allow_redirects=False, **options)

    def signed_in(self, person="ada"):
        """Return a browser in which a demo person has signed in."""
        session = browser()
        form = session.get(f"{self.url}/sign-in/", timeout=30)
        fields = {"person": person, "next": "/", "csrfmiddlewaretoken": token_of(form)}
        answer = session.post(f"{self.url}/sign-in/", fields, timeout=30, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return session

    def connect(self):
        """Return a raw connection, for what no client library would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def wait_until_it_answers(self):
        def answers():
            assert self.process.poll() is None, "\n".join(["it has ended", *self.errors])
            with contextlib.suppress(requests.ConnectionError):
                return self.get("/healthz").status_code == 200
            return False

        wait_for(answers)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def workers(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@contextlib.contextmanager
def asking(ask, viewers=1):
    """Let so many viewers ask again and again until the block is left, and count the statuses they get."""
    seen, leave = Counter[int](), threading.Event()

    def look(viewer):
        while not leave.wait(0.05):  # a script would be told to ask less often
            seen[ask(viewer)] += 1

    with ThreadPoolExecutor(viewers) as pool:
        looks = [pool.submit(look, viewer) for viewer in range(viewers)]
        try:
            yield seen
        finally:
            leave.set()
        for one in looks:
            one.result()


def token_of(page):
    token = re.search(r'name="csrfmiddlewaretoken" value="(.*?)"', page.text)
    assert token, page.text
    return token[1]


def ids_of(page):
    return re.findall(r'data-backup-id="([^"]*)"', page)


def browser():
    session = requests.Session()
    session.trust_env = False  # this machine is not behind the proxy of its environment
    return session


def environment_of(emulator, endpoint, **own):
    """Return the settings of a demo over the first project of this emulator, served as in production."""
    project = emulator.fleet.primary
    settings = {"ENV_FILE": "", "SECRET_KEY": SECRET_KEY, "DCS_DEMO": "on", "COLLECT": "off"}
    settings |= {"DCS_PROJECT_NAME": project.name, "DCS_REGION": project.region, "DCS_ENDPOINT": endpoint}
    settings |= {"DCS_PROJECT_ID": project.project_id, "DCS_AK": project.ak, "DCS_SK": project.sk}
    return settings | {"LOG_FORMAT": "json", "ALLOWED_HOSTS": "", "NO_PROXY": "127.0.0.1"} | own


def free_port():
    """Return a port below those that the system hands out by itself: nothing else takes it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextlib.contextmanager
def serving(environment, *arguments, port=0):
    """Run `serve` with this environment until the block is left."""
    port = port or free_port()
    # What the tests' own settings say must not win over a file of settings.
    shell = {name: value for name, value in shell_environment().items() if name not in SETTINGS}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{port}", *arguments],
        cwd=ROOT,
        env=shell | {"PORTAL_URL": f"http://127.0.0.1:{port}"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = Served(process, port)
    try:
        server.wait_until_it_answers()
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
