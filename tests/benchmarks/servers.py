"""What a benchmark measures: the portal as `./run serve` serves it, and processes that answer orders."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from .report import Row

ROOT = Path(__file__).resolve().parent.parent.parent


def history(instance_id, query="", page=""):
    return f"/projects/default/instances/{instance_id}/{page}" + (f"?{query}" if query else "")


def production(folder, endpoint, port=8000, **changes):
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


def keys_of(project):
    """The settings that open an emulated project."""
    keys = {"DCS_PROJECT_ID": project.project_id, "DCS_REGION": project.region}
    return keys | {"DCS_AK": project.ak, "DCS_SK": project.sk}


def temporary_folder():
    return TemporaryDirectory(prefix="portal-bench-")


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


def on_each_database(measured):
    """Return the rows of `measured(url)` for SQLite, then for PostgreSQL."""
    rows = []
    with temporary_folder() as folder, postgresql(Path(folder)) as postgres:
        urls = {"SQLite": f"sqlite:///{folder}/portal.sqlite3"}
        if postgres:
            urls["PostgreSQL"] = postgres.url
        else:
            rows.append(Row("PostgreSQL: the same", None, why_not="PostgreSQL is not installed"))
        measured_rows = [
            replace(row, what=f"{name}: {row.what}") for name, url in urls.items() for row in measured(url)
        ]
    return measured_rows + rows


class Child:
    """A Python process of ours, which does what a function of a module does; leaving the block ends it."""

    def __init__(self, module, **environment):
        settings = f"{__package__}.settings" if environment else ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.child", module],
            cwd=ROOT,
            env=os.environ | environment | {"DJANGO_SETTINGS_MODULE": settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do, **order):
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.communicate()
