"""`./run serve`: it starts once, stops in order, reloads without a gap, and tells what goes wrong."""

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import get_finder
from django.core.management import call_command
from prometheus_client.parser import text_string_to_metric_families

from backups.management import starting
from backups.management.server import COUNTS_BYTES

from ..conftest import python
from .served import HISTORY, ROOT, asking, free_port, serving, wait_for

# --- The end ---------------------------------------------------------------------


def test_a_stop_finishes_the_requests_in_flight_and_takes_no_new_ones(emulator, environment):
    with serving(environment(), "--workers", "2") as server, ThreadPoolExecutor(1) as viewers:
        session = server.signed_in()
        emulator.hang(path_contains="/backups", times=1)
        waiting = viewers.submit(session.get, server.url + HISTORY)
        wait_for(lambda: emulator.count("/backups"))

        server.process.terminate()
        wait_for(lambda: not _accepts(server))
        emulator.heal()

        response = waiting.result(timeout=30)
        assert response.status_code == 200, server.logs + server.errors
        assert "orders-cache" in response.text
        assert server.process.wait(timeout=30) == 0
        assert server.errors == []


def _accepts(server):
    try:
        server.connect().close()
    except ConnectionError:
        return False
    return True


def test_the_workers_of_a_killed_server_finish_and_leave_its_port_to_the_next(emulator, environment):
    """Else they would go on with nobody to replace or stop them. The next server counts from nothing."""
    patient = environment(DCS_READ_TIMEOUT="60", DCS_READ_BUDGET="60")  # until the next has started
    with serving(patient, "--workers", "2") as server, ThreadPoolExecutor(1) as viewers:
        session = server.signed_in()
        workers = server.workers()
        emulator.hang(path_contains="/backups", times=1)
        waiting = viewers.submit(session.get, server.url + HISTORY, timeout=60)
        wait_for(lambda: emulator.count("/backups"))

        server.stop(signal.SIGKILL)
        wait_for(lambda: not _accepts(server))
        with serving(environment(), port=server.port) as again:
            emulator.heal()
            assert waiting.result(timeout=60).status_code == 200
            wait_for(lambda: not any(map(_lives, workers)))
            assert session.get(again.url + HISTORY, timeout=30).status_code == 200
            assert _counted(again) == 0

            # Ctrl-C stops it even while a worker is starting.
            (first,) = again.workers()
            os.kill(first, signal.SIGKILL)
            wait_for(lambda: again.workers() not in ([], [first]))
            assert again.stop(signal.SIGINT) == 0
            assert again.errors == []


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


# --- Workers ---------------------------------------------------------------------


def test_all_workers_count_into_one_answer_and_a_killed_one_s_numbers_stay(served):
    before = _counted(served)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: served.get("/sign-in/"), range(40)))
    assert {_counted(served) for _ in range(10)} == {before + 40}

    first, second = served.workers()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: first not in served.workers() and len(served.workers()) == 2)

    assert second in served.workers()
    assert {_counted(served) for _ in range(10)} == {before + 40}
    assert _counted(served, "requests_in_progress", None) == 1  # what the killed one was doing is over
    assert any(f"The worker {first} has ended by itself" in line for line in served.logs)


def _counted(server, name="requests_total", view="sign-in"):
    families = text_string_to_metric_families(server.get("/metrics").text)
    samples = (sample for family in families for sample in family.samples)
    wanted = f"dcs_portal_{name}", view
    return sum(one.value for one in samples if (one.name, one.labels.get("view")) == wanted)


def test_counts_have_their_place_on_the_disk_from_the_start(served):
    """They are mapped into memory: a full disk would end the process that writes to them."""
    files = list((ROOT / "var" / "metrics" / f"127.0.0.1-{served.port}").glob("*.db"))
    assert len(files) == 2 * 3
    assert min(file.stat().st_blocks * 512 for file in files) >= COUNTS_BYTES


def test_behind_a_sign_in_proxy_no_header_but_its_own_names_the_viewer(environment):
    """A proxy that replaces X-Forwarded-User may let X_Forwarded_User of its viewer pass."""
    proxy = {"SSO_PROXY_USER_HEADER": "X-Forwarded-User", "SSO_TRUSTED_PROXIES": "127.0.0.1"}
    sent = [
        {"X-Forwarded-User": "ada", "X_Forwarded_User": "an-intruder"},
        {"X_Forwarded_User": "an-intruder", "X-Forwarded-User": "ada"},
        {"X_Forwarded_User": "an-intruder"},
        {"X-Forwarded_User": "an-intruder"},
    ]
    with serving(environment(DCS_DEMO="off", DCS_PROJECT_GROUPS="", **proxy)) as server:
        answers = [server.get("/", headers=headers) for headers in sent]

    assert [answer.status_code for answer in answers] == [200, 200, 302, 302]
    assert "ada" in answers[0].text
    assert not any("an-intruder" in answer.text for answer in answers)


# --- The reload ------------------------------------------------------------------


def test_new_keys_are_taken_without_a_stop(emulator, environment, tmp_path):
    """As operators rotate them: the new one in its place, SIGHUP; with a wrong one the old goes on."""
    values = environment()
    old, sk = values.pop("SECRET_KEY"), values.pop("DCS_SK")
    file = tmp_path / "env"

    def write(*lines):
        file.write_text("\n".join(lines))

    write("DCS_SK=not-the-right-secret-key", f"SECRET_KEY={old}")
    with serving(values | {"ENV_FILE": str(file)}) as server:
        session = server.signed_in()
        cookie = session.cookies["portal_session"]
        assert session.get(server.url + HISTORY).status_code == 503
        emulator.reset()

        new = "a-new-key-" * 6
        with asking(lambda _: server.get("/sign-in/").status_code) as seen:
            write(f"DCS_SK={sk}", f"SECRET_KEY={new}", f"SECRET_KEY_FALLBACKS={old}")
            _reload(server)
        assert set(seen) == {200}
        assert session.get(server.url + HISTORY).status_code == 200
        # A tab that asks at the same moment still sends it.
        assert session.cookies["portal_session"] == cookie

        # The others are over by then, if the fallback stayed for SSO_SESSION_HOURS.
        since = server.signed_in("ben")
        write(f"DCS_SK={sk}", f"SECRET_KEY={new}")
        _reload(server)
        assert since.get(f"{server.url}/", allow_redirects=False).status_code == 200

        write(f"DCS_SK={sk}", "SECRET_KEY=too-short")
        workers = server.workers()
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("before the reload go on" in line for line in server.logs))
        wait_for(lambda: server.workers() == workers)
        assert since.get(f"{server.url}/", allow_redirects=False).status_code == 200


def _reload(server):
    """Wait until none of today's workers is left."""
    workers = server.workers()
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.workers() and not set(server.workers()) & set(workers))


# --- Logs ------------------------------------------------------------------------


def test_every_line_of_the_logs_is_json_and_names_its_request(served):
    session, ids = served.signed_in(), []

    def is_shown():
        answer = session.get(f"{served.url}{HISTORY}?q=a-secret-search", timeout=30)
        ids.append(answer.headers["X-Request-ID"])
        return answer.status_code == 200

    def is_told():
        told = {event.get("event") for event in served.events if event.get("request_id") == ids[-1]}
        return told >= {"request", "view"}

    wait_for(is_shown)  # a busy machine's database may say no first
    wait_for(is_told)
    assert not any("a-secret-search" in line for line in served.logs)
    assert served.errors == []


# --- The start -------------------------------------------------------------------


def test_a_new_version_collects_its_static_files_beside_those_in_use(settings, tmp_path):
    settings.STATIC_LINK = tmp_path / "static" / "current"
    sheets = tmp_path / "sheets"
    for folder in (sheets, tmp_path / "static"):
        folder.mkdir()
    hashed = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": hashed}
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


def test_a_database_that_cannot_be_used_is_one_sentence(environment, tmp_path):
    missing = f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.sqlite3'}"
    bind = f"127.0.0.1:{free_port()}"
    result = python("manage.py", "serve", "--bind", bind, **environment(DATABASE_URL=missing))

    assert result.returncode == 1
    assert re.fullmatch(r"The database cannot be used: .+\n", result.stderr)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bind": "127.0.0.1"}, "--bind is '127.0.0.1', but must be an address and a port"),
        ({"workers": 65}, "--workers must be from 1 to 64."),
    ],
)
def test_wrong_options_are_one_sentence(options, sentence):
    with pytest.raises(SystemExit, match=f"^{sentence}"):
        call_command("serve", **options)


def test_the_doctor_tells_a_postgresql_that_is_away_without_its_password(environment):
    address = "postgresql://portal:a-secret-word@127.0.0.1:1/portal"
    settings = environment(DATABASE_URL=address, PORTAL_URL="http://127.0.0.1:8000")
    result = python("manage.py", "doctor", **settings)
    said = " ".join(result.stdout.split())

    assert result.returncode == 1
    assert "WRONG database: PostgreSQL at 127.0.0.1, database portal, cannot be used: " in said
    assert "Connection refused" in said
    assert "-> Check DATABASE_URL" in said
    assert "a-secret-word" not in result.stdout + result.stderr
