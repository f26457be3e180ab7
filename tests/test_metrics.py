"""`/metrics`: who may read it, what it tells, and that it adds up over worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from backups.emulator.fleet import ORDERS_CACHE_ID
from dcsportal.metrics import SIGN_IN_OUTCOMES
from dcsportal.metrics_files import RESERVED_BYTES
from dcsportal.sso.failures import PAGES

from .conftest import shell_environment

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "a-token-for-prometheus"


def value_of(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"dcs_portal_{name}" and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


# --- Who may read it -------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer x", f"Bearer {TOKEN}x", "Bearer ключ"]
)
def test_without_the_token_the_numbers_are_closed(client: Client, settings: Settings, header: str) -> None:
    settings.METRICS_TOKEN = TOKEN

    response = client.get("/metrics", headers={"Authorization": header} if header else {})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert b"dcs_portal" not in response.content


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_token_they_are_open(client: Client, settings: Settings, scheme: str) -> None:
    settings.METRICS_TOKEN, settings.ON_LOOPBACK = TOKEN, False

    response = client.get("/metrics", headers={"Authorization": f"{scheme} {TOKEN}"})

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")


def test_on_loopback_no_token_is_needed(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN, settings.ON_LOOPBACK = "", True

    assert client.get("/metrics").status_code == 200


def test_elsewhere_they_stay_closed_without_one_wherever_the_request_comes_from(
    client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN, settings.ON_LOOPBACK = "", False

    response = client.get("/metrics", REMOTE_ADDR="127.0.0.1")

    assert response.status_code == 403
    assert "METRICS_TOKEN" in response.content.decode()


def test_prometheus_may_ask_by_the_machine_s_own_address(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["backups.example.com"]

    assert client.get("/metrics", headers={"Host": "10.0.0.7:8000"}).status_code == 200


# --- What it tells ---------------------------------------------------------------


def test_requests_are_told_by_view_method_and_status(
    portal: Settings, client_of: Callable[[str], Client]
) -> None:
    client = client_of("ada")
    client.get(f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/")
    client.get("/no/such/page/with/a-secret-name")
    client.generic("BREW", "/signed-out/")

    text = client.get("/metrics").content.decode()

    assert value_of(text, "requests_total", view="history", method="GET", status="200")
    assert value_of(text, "requests_total", view="none", method="GET", status="404")
    assert value_of(text, "requests_total", view="signed-out", method="other", status="405")
    assert value_of(text, "request_seconds_count", view="history")
    assert value_of(text, "sign_ins_total", outcome="ok")
    assert value_of(text, "requests_in_progress") == 1  # the one that asks
    assert "a-secret-name" not in text


def test_addresses_that_do_not_exist_make_no_series_of_their_own(client: Client) -> None:
    def series() -> int:
        return sum(len(family.samples) for family in REGISTRY.collect())

    client.get("/no-such-page-0")
    before = series()
    for number in range(20):
        client.get(f"/no-such-page-{number}")

    assert series() == before


def test_a_failed_sign_in_is_told_by_its_kind(db: None, client: Client, settings: Settings) -> None:
    settings.SSO_ISSUER = "https://sso.example.com"
    before = REGISTRY.get_sample_value("dcs_portal_sign_ins_total", {"outcome": "expired"}) or 0

    client.get("/sso/callback/?state=x&code=y")

    assert REGISTRY.get_sample_value("dcs_portal_sign_ins_total", {"outcome": "expired"}) == before + 1


def test_every_way_in_which_a_sign_in_can_fail_is_known_beforehand() -> None:
    assert set(SIGN_IN_OUTCOMES) == {"ok", *PAGES}


# --- Several workers -------------------------------------------------------------

WORKER = """
import os, sys
from dcsportal.metrics_files import reserve_files
reserve_files()
from dcsportal import metrics
for _ in range(int(sys.argv[1])):
    metrics.request_began()
    metrics.request_answered("history", "GET", 200, 0.02)
print("counted", flush=True)
sys.stdin.read()
"""


class Workers:
    """Processes that count as workers do, until they are ended."""

    def __init__(self, folder: Path) -> None:
        self.environment = shell_environment() | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
        self.running: list[subprocess.Popen[str]] = []

    def start(self, requests: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(requests)],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.running.remove(process)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "metrics"
    path.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(path))
    return path


@pytest.fixture
def workers(folder: Path) -> Iterator[Workers]:
    made = Workers(folder)
    yield made
    for process in list(made.running):
        made.kill(process)


def told(client: Client) -> tuple[float | None, float | None, float | None]:
    text = client.get("/metrics").content.decode()
    return (
        value_of(text, "requests_total", view="history"),
        value_of(text, "request_seconds_bucket", view="history", le="0.025"),
        value_of(text, "requests_in_progress"),
    )


def test_the_workers_numbers_are_added_up(client: Client, workers: Workers) -> None:
    workers.start(3)
    workers.start(4)

    assert told(client) == (7, 7, 7)


def test_what_a_dead_worker_counted_stays_and_what_it_was_doing_does_not(
    client: Client, workers: Workers, folder: Path
) -> None:
    workers.start(3)
    for count in (4, 5):
        workers.kill(workers.start(count))
        told(client)

    assert told(client) == (12, 12, 3)
    # However many die, what they counted is in one file of each kind.
    assert len(list(folder.glob("*.db"))) == 3 + 2


def test_a_worker_that_dies_again_and_again_fills_no_disk_though_nobody_asks(
    client: Client, workers: Workers, folder: Path
) -> None:
    for _ in range(4):
        workers.kill(workers.start(1))

    assert len(list(folder.glob("*.db"))) <= 3 + 2
    assert told(client)[0] == 4


def test_a_worker_s_files_have_their_place_on_the_disk_from_the_start(workers: Workers, folder: Path) -> None:
    workers.start(1)

    for file in folder.glob("*.db"):
        assert file.stat().st_blocks * 512 >= RESERVED_BYTES


def test_without_a_place_for_files_a_worker_counts_for_itself(tmp_path: Path) -> None:
    script = WORKER + "print(metrics.collected().decode())"
    result = subprocess.run(
        [sys.executable, "-c", script, "2"],
        cwd=ROOT,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "missing" / "folder")},
        capture_output=True,
        input="",
        text=True,
        check=True,
    )

    assert value_of(result.stdout.removeprefix("counted\n"), "requests_total", view="history") == 2
    assert "tells of one process only" in result.stderr
