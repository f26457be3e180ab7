"""Other processes of the portal, and other servers: each answers on its own what a viewer of it would get.

with process(project, endpoint, DATABASE_URL=…) as one: one.view(ORDERS)
"""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """A process of the portal; what it is asked runs in threads of its own, like requests."""

    def __init__(self, process):
        self.process = process
        self._answers = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def begin(self, instance_id, **options):
        """Let a viewer come to a history; the answer is awaited with .result()."""
        answer = Future()
        with self._lock:
            number = len(self._answers)
            self._answers[number] = answer
            asked = {"number": number, "instance": instance_id, **options}
            print(json.dumps(asked), file=self.process.stdin, flush=True)
        return answer

    def start_anew(self, empty_the_database, **settings):
        """Be as if it had just been started with these settings, once it has read what it reads."""
        self.begin("", empty=empty_the_database, settings=settings).result(timeout=120)

    def view(self, instance_id, **options):
        return self.begin(instance_id, **options).result(timeout=60)

    def _listen(self):
        for line in self.process.stdout or ():
            answer = json.loads(line)
            self._answers[answer.pop("number")].set_result(answer)


@contextmanager
def process(project, endpoint, **environment):
    """Start a process that reads one project; those with the same DATABASE_URL are of one portal."""
    own = {
        "DJANGO_SETTINGS_MODULE": "dcsportal.settings",
        "ENV_FILE": "",
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-0123456789",
        "DCS_PROJECT_NAME": "eu-prod",
        "DCS_REGION": project.region,
        "DCS_PROJECT_ID": project.project_id,
        "DCS_ENDPOINT": endpoint,
        "DCS_AK": project.ak,
        "DCS_SK": project.sk,
        "DCS_READ_BUDGET": "60",
        "DCS_READ_TIMEOUT": "60",
        "LOG_FORMAT": "text",
    }
    inherited = {name: value for name, value in os.environ.items() if name not in own}
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.services.processes"],
        cwd=ROOT,
        env={**inherited, **own, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Process(running)
    finally:
        running.kill()
        running.wait()


# In the other process ----------------------------------------------------------


def _main():
    import django

    django.setup()
    with ThreadPoolExecutor(64) as viewers:
        for line in sys.stdin:
            viewers.submit(_answer, **json.loads(line))


def _answer(number, instance, after=0, empty=False, settings=None):
    from django.db import connection

    from backups.services import listings
    from backups.services.projects import configured_projects

    if settings is not None:
        _start_anew(empty, settings)
        _say(number=number)
        return
    project, now = configured_projects()["eu-prod"], datetime.now(UTC) + timedelta(seconds=after)
    seen = dict.fromkeys(("source", "total", "generation"))
    try:
        listing = listings.instance_backups(project, instance, now=now)
        problem = listing.problem
        seen = {name: getattr(listing, name) for name in seen}
        seen["remarks"] = sorted({record.description for record in listing.records})
    except listings.NothingToShow as nothing:
        problem = nothing.problem
    connection.close()
    progress = problem.progress.pages_read if problem and problem.progress else None
    _say(number=number, **seen, problem=problem and problem.kind, progress=progress)


def _start_anew(empty, changes):
    from django.conf import settings
    from django.core.management import call_command

    from backups.services.listings import clients, generations, guard, reader, store

    assert reader.wait_for_readers()
    for remembered in (clients._last, generations._memory, guard._accepted, store._unwritten):
        remembered.clear()
    if empty:
        call_command("flush", interactive=False, verbosity=0)
    for name, value in changes.items():
        setattr(settings, name, value)


def _say(**answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main()
