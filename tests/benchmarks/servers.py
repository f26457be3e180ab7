"""What a benchmark measures: the portal as `./run serve` serves it, and children that answer orders."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS = 2


def history(instance_id, query="", page=""):
    return f"/projects/default/instances/{instance_id}/{page}" + (f"?{query}" if query else "")


def production(folder, endpoint, port, **changes):
    """The settings of an installation; nobody signs in anew, so its provider need not be there."""
    return {
        "DJANGO_SETTINGS_MODULE": "dcsportal.settings", "ENV_FILE": "", "LOG_FORMAT": "json",
        "SECRET_KEY": "only-for-benchmarks-only-for-benchmarks-0123456789",
        "ALLOWED_HOSTS": "", "DCS_DEMO": "off", "COLLECT": "off",
        "PORTAL_URL": f"http://127.0.0.1:{port}", "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite3",
        "SSO_ISSUER": "http://127.0.0.1:9", "SSO_CLIENT_ID": "portal", "DCS_PROJECT_NAME": "default",
        "DCS_REGION": "eu-west-101", "DCS_PROJECT_ID": "0123456789abcdef0123456789abcdef",
        "DCS_AK": "AKEXAMPLE0000000000", "DCS_SK": "SKexampleSecretKey0000000000000000000000",
        "DCS_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1",
    } | changes  # fmt: skip


@contextmanager
def served(environment, port, *, viewers):
    """Serve the portal, and yield it with the cookies of viewers who have signed in."""
    from tests.servers.served import serving  # only here: it brings Django and pytest along

    with serving(environment, "--workers", str(WORKERS), port=port) as portal:
        with Child("in_process", "cookies", **environment) as signing_in:
            cookies = signing_in.ask(number=viewers)["cookies"]
        yield portal, cookies


@contextmanager
def postgresql(folder):
    """Serve a PostgreSQL from this folder; None where it is not installed."""
    from tests.servers.postgresql import Postgres

    if not any(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")):
        yield None
        return
    folder.chmod(0o755)  # it gives up its rights
    postgres = Postgres(folder)
    yield postgres
    postgres.stop()


class Child:
    """A Python process of ours that answers each line of JSON with one; leaving the block ends it."""

    def __init__(self, module, *arguments, **environment):
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.{module}", *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **order):
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.communicate()


def answer_orders(begin):
    """In a child: answer by what `begin` returns until nobody asks any more.

    The log goes to stdout too, as in production: answers have that for themselves.
    """
    answers, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115
    answer = begin()
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), file=answers, flush=True)


def memory_of(key):
    """Return this process's resident memory in bytes: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))
