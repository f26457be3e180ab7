"""Times the portal against the official SDK and against itself. Machines differ; read the ratios.

./run bench [--rounds 7] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

os.environ.update(
    DJANGO_SETTINGS_MODULE="dcsportal.settings",
    ENV_FILE="",
    DEBUG="on",
    DCS_DEMO="on",
    LOG_FORMAT="text",
    DATABASE_URL="sqlite://:memory:",
)

BULK = "00000000-0000-4000-8000-00000000feed"
PATH = f"/projects/eu-prod/instances/{BULK}/"


def main() -> None:
    arguments = _arguments()
    import django

    django.setup()
    import logging

    logging.disable(logging.WARNING)
    from backups.emulator.api import Emulator
    from backups.emulator.server import running

    emulator = Emulator()
    with running(emulator) as endpoint:
        figures = {
            **_compared(_walks(emulator, endpoint), arguments.rounds),
            **_compared(_pages(emulator, endpoint), arguments.rounds * 3),
        }
    report = {"versions": _versions(), "seconds": figures, "ratios": _ratios(figures)}
    _print(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each figure is taken (default 7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    return parser.parse_args()


def _compared(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Run the tasks in turns, so that a busy moment of the machine falls on all; return the medians."""
    for task in tasks.values():
        task()
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _walks(emulator: object, endpoint: str) -> dict[str, Callable[[], object]]:
    """A walk of 10,000 records, 1000 a page: the portal's client and the official SDK in sequence."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkdcs.v2 import DcsClient as SdkClient
    from huaweicloudsdkdcs.v2 import ListBackupRecordsRequest

    from backups.dcs.client import DcsClient
    from backups.dcs.signing import Credentials
    from backups.dcs.walk import walk

    project = emulator.fleet.primary  # type: ignore[attr-defined]
    ours = DcsClient(
        endpoint=endpoint, project_id=project.project_id, credentials=Credentials(project.ak, project.sk)
    )
    credentials = BasicCredentials(project.ak, project.sk, project.project_id)
    sdk = SdkClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()

    def our_walk() -> None:
        found = walk(
            lambda offset, limit: ours.list_backup_records(BULK, offset=offset, limit=limit),
            page_size=1000,
            max_records=20_000,
        )
        assert len(found.records) == 10_000

    def sdk_walk() -> None:
        found: set[str] = set()
        while True:
            request = ListBackupRecordsRequest(instance_id=BULK, limit=1000, offset=len(found))
            answer = sdk.list_backup_records(request)
            found.update(record.backup_id for record in answer.backup_record_response or ())
            if len(found) >= answer.total_num:
                break
        assert len(found) == 10_000

    return {"walk of 10,000 records, portal": our_walk, "walk of 10,000 records, official SDK": sdk_walk}


def _pages(emulator: object, endpoint: str) -> dict[str, Callable[[], object]]:
    """Views of a cached history of 10,000 records, by Django's own test client."""
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from tests.conftest import project_settings

    settings.DCS_PROJECTS = project_settings(emulator, endpoint)  # type: ignore[arg-type]
    settings.DCS_FRESH_SECONDS = 3600
    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    client = Client()
    client.post("/sign-in/", {"person": "ada"})

    def view(path: str) -> Callable[[], object]:
        def asked() -> None:
            response = client.get(path)
            assert response.status_code == 200, (path, response.status_code)

        return asked

    return {
        "page of the projects": view("/"),
        "history, 50 rows, cached": view(PATH),
        "history, 200 rows, cached": view(f"{PATH}?per_page=200"),
        "history, filtered and sorted": view(f"{PATH}?status=succeed&type=auto&q=backup&sort=-size"),
        "backups.json, all 10,000": view(f"{PATH}backups.json"),
    }


def _ratios(seconds: dict[str, float]) -> dict[str, float]:
    def ratio(slow: str, fast: str) -> float:
        return round(seconds[slow] / seconds[fast], 2)

    ours = "walk of 10,000 records, portal"
    return {
        "the official SDK's walk against the portal's": ratio("walk of 10,000 records, official SDK", ours),
        "a walk against a cached history": ratio(ours, "history, 50 rows, cached"),
        "200 rows against 50": ratio("history, 200 rows, cached", "history, 50 rows, cached"),
        "filtered and sorted against plain": ratio(
            "history, filtered and sorted", "history, 50 rows, cached"
        ),
    }


def _versions() -> dict[str, str]:
    names = ("Django", "msgspec", "requests", "waitress", "huaweicloudsdkdcs")
    return {"Python": platform.python_version(), **{name: version(name) for name in names}}


def _print(report: dict[str, dict[str, object]]) -> None:
    out = sys.stdout.write
    out(", ".join(f"{name} {number}" for name, number in report["versions"].items()) + "\n\n")
    for name, seconds in report["seconds"].items():
        out(f"{name:<48} {float(str(seconds)) * 1000:>9.1f} ms\n")
    out("\n")
    for name, ratio in report["ratios"].items():
        out(f"{name:<48} {ratio:>9} x\n")


if __name__ == "__main__":
    main()
