"""`./run serve`: it starts once, stops in order, and tells its operators what it does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import get_finder
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.management import starting

from ..conftest import shell_environment
from .conftest import Environment
from .served import ROOT, Served, serving

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"

STATIC = ROOT / "var" / "static" / "current"


def wait_for(condition: object, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < ends, "it does not come true"
        time.sleep(0.02)


# --- The end ---------------------------------------------------------------------


@pytest.mark.parametrize("door", ["itself", "a sign-in proxy"])
def test_a_stop_finishes_the_requests_in_flight_and_takes_no_new_ones(
    emulator: Emulator, environment: Environment, door: str
) -> None:
    proxied = (
        {} if door == "itself" else {"SSO_PROXY_USER_HEADER": "X-User", "SSO_TRUSTED_PROXIES": "127.0.0.1"}
    )
    headers = {"X-User": "ada"} if proxied else {}
    with serving(environment(DCS_DEMO="on", DCS_PROJECT_GROUPS="", **proxied)) as server:
        session = server.signed_in() if not proxied else None
        get = session.get if session else server.get
        address = (server.url if session else "") + HISTORY
        emulator.hang(path_contains="/backups", times=1)
        with ThreadPoolExecutor(1) as viewers:
            waiting = viewers.submit(lambda: get(address, headers=headers))
            wait_for(lambda: emulator.count("/backups"))

            server.process.terminate()
            wait_for(lambda: not _accepts(server))
            emulator.heal()
            response = waiting.result(timeout=30)

        assert response.status_code == 200, server.logs + server.errors
        assert "orders-cache" in response.text
        assert server.process.wait(timeout=30) == 0


def _accepts(server: Served) -> bool:
    try:
        server.connect().close()
    except ConnectionError:
        return False
    return True


def test_ctrl_c_is_a_stop_like_any_other(environment: Environment) -> None:
    with serving(environment()) as server:
        assert server.stop(signal.SIGINT) == 0
        assert server.errors == []


# --- Workers ---------------------------------------------------------------------


def test_the_workers_of_a_killed_server_finish_and_leave_its_port_to_the_next(
    emulator: Emulator, environment: Environment
) -> None:
    """Else they would go on with nobody to replace or stop them, and the server could not start again."""
    with serving(environment(), "--workers", "2") as server:
        session = server.signed_in()
        workers = server.workers()
        emulator.hang(path_contains="/backups", times=1)
        with ThreadPoolExecutor(1) as viewers:
            waiting = viewers.submit(session.get, server.url + HISTORY, timeout=30)
            wait_for(lambda: emulator.count("/backups"))

            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
            with serving(environment(), "--workers", "2", port=server.port) as again:
                assert again.process.poll() is None
                emulator.heal()
                assert waiting.result(timeout=30).status_code == 200
                wait_for(lambda: not any(map(_lives, workers)))
                assert session.get(again.url + HISTORY, timeout=30).status_code == 200


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_worker_is_replaced_and_its_numbers_stay(environment: Environment) -> None:
    with serving(environment(), "--workers", "2") as server:
        for _ in range(20):
            server.get("/sign-in/")
        counted = _counted(server)
        first, second = server.workers()

        os.kill(first, signal.SIGKILL)
        wait_for(lambda: first not in server.workers() and len(server.workers()) == 2)

        assert second in server.workers()
        wait_for(lambda: server.get("/healthz").status_code == 200)
        assert _counted(server) == counted == 20


def _counted(server: Served) -> float:
    families = text_string_to_metric_families(server.get("/metrics").text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "dcs_portal_requests_total" and sample.labels["view"] == "sign-in"
    )


def test_all_workers_count_into_one_answer(served: Served) -> None:
    before = _counted(served)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: served.get("/sign-in/"), range(40)))

    assert {_counted(served) for _ in range(10)} == {before + 40}


def test_the_threads_of_a_worker_take_memory_from_two_places(served: Served) -> None:
    for worker in served.workers():
        environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        assert b"MALLOC_ARENA_MAX=2" in environment


def test_a_server_that_starts_again_counts_from_nothing(environment: Environment) -> None:
    with serving(environment()) as server:
        server.get("/sign-in/")
        port = server.port
        assert server.stop() == 0
    with serving(environment(), port=port) as again:
        assert _counted(again) == 0


def test_a_stop_while_a_worker_is_still_starting_is_not_waited_for(environment: Environment) -> None:
    with serving(environment(), "--workers", "2") as server:
        first = server.workers()[0]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: first not in server.workers() and len(server.workers()) == 2)
        began = time.monotonic()

        assert server.stop() == 0

    assert time.monotonic() - began < 20  # granian kills what has not ended after 30 s


def test_new_keys_are_taken_without_a_stop(
    emulator: Emulator, environment: Environment, tmp_path: Path
) -> None:
    """As operators rotate an access key: the new one into its place, SIGHUP, then the old one is deleted."""
    values = environment()
    file = tmp_path / "env"

    def write(sk: str) -> None:
        file.write_text(f"DCS_AK={values['DCS_AK']}\nDCS_SK={sk}\n")

    write("not-the-right-secret-key")
    inherited = {name: value for name, value in values.items() if name not in ("DCS_AK", "DCS_SK")}
    answers: list[int] = []
    leave = threading.Event()

    with serving(inherited | {"ENV_FILE": str(file)}) as server:
        session = server.signed_in()
        assert session.get(server.url + HISTORY).status_code == 503
        old = server.workers()
        emulator.reset()

        def look() -> None:
            while not leave.is_set():
                answers.append(server.get("/sign-in/").status_code)

        viewer = threading.Thread(target=look)
        viewer.start()
        write(values["DCS_SK"])
        server.process.send_signal(signal.SIGHUP)
        _wait_for_others(server, old)
        leave.set()
        viewer.join()

        assert session.get(server.url + HISTORY).status_code == 200
    assert set(answers) == {200}


def test_a_new_secret_key_signs_nobody_out(environment: Environment, tmp_path: Path) -> None:
    """As operators rotate it: the new key in its place, the old one a fallback, SIGHUP; later no fallback."""
    values = environment()
    file = tmp_path / "env"
    old, new = values.pop("SECRET_KEY"), "a-new-key-" * 6
    file.write_text(f"SECRET_KEY={old}\n")

    with serving(values | {"ENV_FILE": str(file)}) as server:
        before = server.signed_in()
        cookie = before.cookies["portal_session"]
        _reload(server, file, f"SECRET_KEY={new}\nSECRET_KEY_FALLBACKS={old}\n")

        assert before.get(f"{server.url}/", allow_redirects=False).status_code == 200
        # A tab that asks at the same moment still sends it.
        assert before.cookies["portal_session"] == cookie
        since = server.signed_in("ben")
        _reload(server, file, f"SECRET_KEY={new}\n")

        # The others are over by then, if the fallback stayed for SSO_SESSION_HOURS.
        assert since.get(f"{server.url}/", allow_redirects=False).status_code == 200


def _reload(server: Served, file: Path, content: str) -> None:
    workers = server.workers()
    file.write_text(content)
    server.process.send_signal(signal.SIGHUP)
    _wait_for_others(server, workers)


def _wait_for_others(server: Served, workers: list[int]) -> None:
    """Wait until none of these workers is left."""
    wait_for(lambda: server.workers() and not set(server.workers()) & set(workers))


# --- Logs ------------------------------------------------------------------------


def test_every_line_of_the_logs_is_json_and_names_its_request(served: Served) -> None:
    session = served.signed_in()
    response = session.get(f"{served.url}{HISTORY}?q=a-secret-search")
    id = response.headers["X-Request-ID"]

    wait_for(
        lambda: [
            event
            for event in served.events
            if event.get("request_id") == id and event["logger"] == "dcsportal.requests"
        ]
    )
    ours = [event for event in served.events if event.get("request_id") == id]

    assert {event["event"] for event in ours if "event" in event} >= {"request", "view"}
    assert not any("a-secret-search" in line for line in served.logs)
    assert served.errors == []


def test_a_request_id_of_a_stranger_is_not_taken(served: Served) -> None:
    assert (
        served.get("/healthz", headers={"X-Request-ID": "forged-forged"}).headers["X-Request-ID"]
        != "forged-forged"
    )


def test_a_request_id_of_a_trusted_proxy_is_taken(environment: Environment) -> None:
    with serving(environment(TRUSTED_PROXIES="127.0.0.1")) as server:
        answer = server.get("/healthz", headers={"X-Request-ID": "0123456789abcdef"})

    assert answer.headers["X-Request-ID"] == "0123456789abcdef"


# --- The start -------------------------------------------------------------------


def test_several_servers_that_start_at_once_on_an_empty_database_all_come_up(
    environment: Environment,
) -> None:
    settings = environment()
    servers: list[Served] = []
    leave = threading.Event()

    def one() -> None:
        with serving(settings) as server:
            servers.append(server)
            leave.wait(60)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(servers) == 3, seconds=60)
        session = servers[0].signed_in()
        pages = [session.get(f"{server.url}/").status_code for server in servers]
        errors = [
            line for server in servers for line in server.errors if "Waiting for another server" not in line
        ]
    finally:
        leave.set()
        for thread in threads:
            thread.join()

    assert pages == [200, 200, 200]
    assert errors == []


def test_static_files_that_a_server_uses_are_never_taken_away_by_the_start_of_another(
    environment: Environment,
) -> None:
    """collectstatic writes files anew by taking them away first."""
    with serving(environment()) as first:
        used = STATIC.resolve()
        before = {path: path.stat().st_mtime_ns for path in used.rglob("*") if path.is_file()}
        with serving(environment()) as second:
            sheet = re.search(r"/static/[^\"]*\.css", second.get("/sign-in/").text)
            assert sheet
            assert first.get(sheet[0]).status_code == second.get(sheet[0]).status_code == 200
        assert STATIC.resolve() == used
        assert {path: path.stat().st_mtime_ns for path in used.rglob("*") if path.is_file()} == before


def test_a_new_version_collects_its_static_files_beside_those_in_use(
    settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_LINK = tmp_path / "static" / "current"
    (tmp_path / "static").mkdir()
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    sheets = tmp_path / "sheets"
    sheets.mkdir()
    settings.STATICFILES_DIRS = [sheets]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    versions = []
    for number in range(6):
        (sheets / "page.css").write_text(f"p {{ top: {number}px }}")
        get_finder.cache_clear()
        starting.collect_static_files()
        versions.append(settings.STATIC_LINK.resolve())
        assert f"top: {number}px" in (versions[-1] / "page.css").read_text()
        assert (versions[-1] / "staticfiles.json").is_file()

    assert len(set(versions)) == 6
    assert [version.is_dir() for version in versions] == [False] * 3 + [True] * 3


def test_a_database_that_cannot_be_used_is_one_sentence(environment: Environment, tmp_path: Path) -> None:
    values = environment(DATABASE_URL=f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.sqlite3'}")
    result = subprocess.run(
        [sys.executable, "manage.py", "serve", "--bind", "127.0.0.1:1"],
        cwd=ROOT,
        env=shell_environment() | values,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 1
    assert result.stderr.startswith(("The database cannot be used: ", "Port 1 "))
    assert result.stderr.count("\n") == 1


def test_the_doctor_tells_a_postgresql_that_is_away_without_its_password(environment: Environment) -> None:
    address = "postgresql://portal:a-secret-word@127.0.0.1:1/portal"
    result = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT,
        env=shell_environment() | environment(DATABASE_URL=address, PORTAL_URL="http://127.0.0.1:8000"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = " ".join(result.stdout.split())

    assert result.returncode == 1
    assert "WRONG database: PostgreSQL at 127.0.0.1, database portal, cannot be used: " in said
    assert "Connection refused" in said
    assert "-> Check DATABASE_URL" in said
    assert "a-secret-word" not in result.stdout + result.stderr
