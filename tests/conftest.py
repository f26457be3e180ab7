"""What all tests share: settings of their own, signed-in clients, and no silent skips in CI."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "dcsportal.settings",
    "ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-0123456789",
    "DCS_DEMO": "on",
    "DATABASE_URL": "sqlite://:memory:",
    "ALLOWED_HOSTS": "testserver, localhost, 127.0.0.1",
}


def _use_settings_of_tests() -> None:
    """A developer's own .env and environment must not decide what the tests see."""
    for name in re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE):
        os.environ.pop(name, None)
    os.environ.update(SETTINGS)


_use_settings_of_tests()

from django.test import Client  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program, package): skipped where the program is missing")
    from django.conf import settings

    # The manifest of hashed names is made by collectstatic, which tests do not run.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        program, package = mark.args
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: install the Debian package {package}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _never_skipped_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _never_skipped_in_ci((yield))


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _never_skipped_in_ci(report: Report) -> Report:
    if os.environ.get("CI") == "true" and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true does not allow: {report.longrepr}"
    return report


@pytest.fixture
def client_of(db: None) -> Callable[[str], Client]:
    """`client_of("ada")` is a browser in which that demo person has signed in."""

    def signed_in(person: str) -> Client:
        client = Client()
        response = client.post("/sign-in/", {"person": person})
        assert response.status_code == 303
        return client

    return signed_in
