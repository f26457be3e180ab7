"""What all tests share: settings of their own, signed-in clients, and no silent skips in CI."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "dcsportal.settings",
    "ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-0123456789",
    "DCS_DEMO": "on",
    "COLLECT": "off",
    "DATABASE_URL": os.environ.get("TESTS_DATABASE_URL", "sqlite://:memory:"),
    "ALLOWED_HOSTS": "testserver, localhost, 127.0.0.1",
}


def _use_settings_of_tests():
    """A developer's own .env and environment must not decide what the tests see."""
    for name in re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE):
        os.environ.pop(name, None)
    os.environ.update(SETTINGS)


_use_settings_of_tests()

import django  # noqa: E402

django.setup()

import hypothesis  # noqa: E402
import jinja2  # noqa: E402
from django.apps import apps  # noqa: E402
from django.contrib.contenttypes.management import create_contenttypes  # noqa: E402
from django.db.models.signals import post_migrate  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import translation  # noqa: E402

from backups.dcs.signing import Credentials  # noqa: E402
from backups.emulator.api import Emulator  # noqa: E402
from backups.emulator.fleet import ORDERS_CACHE_ID, Fleet, utc_now  # noqa: E402
from backups.emulator.server import running  # noqa: E402
from backups.services.listings import clients, generations, guard, reader, store  # noqa: E402

# The same examples in every run; many more, and others each time, with --hypothesis-profile=long.
hypothesis.settings.register_profile("short", max_examples=50, deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", max_examples=2000, deadline=None)
hypothesis.settings.register_profile("few", parent=hypothesis.settings.get_profile("short"), max_examples=15)
hypothesis.settings.load_profile("short")


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(program, package): skipped where the program is missing")
    from django.conf import settings

    # A name that a template misspells is an error.
    settings.TEMPLATES[0]["OPTIONS"]["undefined"] = jinja2.StrictUndefined
    # A portal that runs beside the tests keeps its own.
    own = Path(tempfile.mkdtemp(prefix="portal-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(own, ignore_errors=True))
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        # In memory, all threads of a live server would share one connection, and its transaction. The server
        # may start before there is a database of tests, and looks at the name of the other one then.
        database["NAME"] = str(own / "unused.sqlite3")
        database.setdefault("TEST", {})["NAME"] = str(own / "tests.sqlite3")
    # The manifest of hashed names is made by collectstatic, which tests do not run.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")
    # The portal uses no permissions: they need not be written anew after each test that empties the database.
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        program, package = mark.args
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: install the Debian package {package}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return _never_skipped_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return _never_skipped_in_ci((yield))


def _never_skipped_in_ci(report):
    if os.environ.get("CI") == "true" and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true does not allow: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _english():
    """A request in Chinese leaves its language behind in this thread."""
    translation.activate("en")


@pytest.fixture
def client_of(transactional_db):
    """`client_of("ada")` is a browser in which that demo person has signed in."""

    def signed_in(person):
        client = Client()
        response = client.post("/sign-in/", {"person": person})
        assert response.status_code == 303
        return client

    return signed_in


# A portal over the emulator, by real HTTP ------------------------------------


# What is read in more than one page.
LONG = 1_500


@pytest.fixture(scope="session")
def _emulator_and_address():
    emulator = Emulator(Fleet(bulk_records=LONG))
    with running(emulator) as address:
        yield emulator, address


@pytest.fixture
def emulator(_emulator_and_address):
    """DCS as this test wants it: healed, with its own fleet and an empty log of calls.

    No backup of orders-cache is under way, whatever the hour: else the fleet's time is that before it began.
    Its newest one is usable, whatever the day: of one night a week DCS says no.
    """
    emulator, _ = _emulator_and_address
    emulator.reset()
    for minutes in range(0, 60, 5):
        emulator.fleet.now = partial(lambda passed: utc_now() - passed, timedelta(minutes=minutes))
        newest = emulator.fleet.backups(ORDERS_CACHE_ID)[:3]
        if not any(re.search(rb'"(waiting|backuping)"', row.text) for row in newest):
            break
    for row in newest:
        if b'"succeed"' in row.text and b'"FALSE"' in row.text:
            emulator.change_record(ORDERS_CACHE_ID, row.backup_id, is_support_restore="TRUE")
    yield emulator
    emulator.latency = 0.0
    emulator.reset()


@pytest.fixture
def endpoint(_emulator_and_address):
    return _emulator_and_address[1]


@pytest.fixture
def portal(transactional_db, emulator, endpoint, settings):
    """The portal's settings over the emulator; nothing is kept, held or remembered before and after.

    Lists are read, and written to the database, by threads: a test's transaction would keep them out.
    """
    settings.DCS_PROJECTS = {
        project.name: {
            "region": project.region,
            "project_id": project.project_id,
            "endpoint": endpoint,
            "credentials": Credentials(project.ak, project.sk, project.security_token),
            "groups": ("dcs-all", "dcs-eu") if project.name == "eu-prod" else ("dcs-all",),
        }
        for project in emulator.fleet.projects
    }
    restart()  # the database was emptied after the last test
    yield settings
    emulator.heal()
    assert reader.wait_for_readers(), "a reader is still under way"
    restart()


@pytest.fixture
def within_one_minute(portal, monkeypatch):
    """What is counted by the minute: no test runs over the end of one, each takes many days."""
    monkeypatch.setattr(store, "COUNTED_SECONDS", 10_000_000)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """One PostgreSQL; each test makes databases of its own in it, and leaves it running."""
    from tests.servers.postgresql import Postgres

    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()


def forget_everything():
    """What a restart of the portal with an empty database would forget."""
    restart()
    # What refers to others stands behind them.
    for model in reversed(list(apps.get_app_config("backups").get_models())):
        rows = model.objects.all()
        rows._raw_delete(rows.db)


def restart():
    for remembered in (clients._last, generations._memory, guard._accepted, store._unwritten):
        remembered.clear()


def shell_environment():
    """What a shell would hand on to ./run: without what the browser tests need in this process."""
    return {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}


def python(*arguments, **environment):
    command, env = [sys.executable, *arguments], shell_environment() | environment
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def wait_for(condition, seconds=90):
    """Wait until this is so; it takes as long as the machine is busy."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it does not come true"
        time.sleep(0.02)
