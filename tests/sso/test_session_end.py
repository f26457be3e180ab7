"""When a session ends while its page is open; and which settings make a way in."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from dcsportal import environment
from tests.browser.conftest import CHROMIUM, FLAGS

PAGE = "/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/?status=succeed"


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": str(CHROMIUM), "args": FLAGS.split()}


@pytest.fixture
def history(browser: Browser, portal: Settings, live_server: LiveServer) -> Generator[Page]:
    """A history on screen, with the htmx of a page that refreshes itself."""
    portal.PORTAL_URL = live_server.url
    portal.CSRF_TRUSTED_ORIGINS = [live_server.url]
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.goto(f"/sign-in/?next={PAGE}")
    page.locator("form:has(input[value=ada]) button").click()
    page.wait_for_selector("tr[data-backup-id]")
    page.add_script_tag(url="/static/django_htmx/htmx-2.min.js")
    yield page
    context.close()


@pytest.mark.needs("chromium", "chromium")
@pytest.mark.django_db(transaction=True)
def test_a_page_whose_session_ended_stays_on_screen_and_says_so(history: Page) -> None:
    rows = history.locator("tr[data-backup-id]").count()
    Session.objects.all().delete()

    history.evaluate("htmx.ajax('GET', location.href, {target: '#rows', select: '#rows', swap: 'outerHTML'})")

    notice = history.locator("[data-session-ended]")
    expect(notice).to_contain_text("You are signed out")
    expect(notice).to_contain_text(re.compile(r"from \d\d:\d\d"))
    assert history.locator("tr[data-backup-id]").count() == rows
    assert history.url.endswith("?status=succeed")
    way_back = notice.locator("[data-sign-in]").get_attribute("href")
    assert way_back
    assert way_back.endswith("%3Fstatus%3Dsucceed")


def test_a_session_of_the_demo_ends_with_the_demo(
    client_of: Callable[[str], Client], settings: Settings
) -> None:
    client = client_of("ada")

    settings.DCS_DEMO = False

    assert client.get("/").status_code == 302


@pytest.mark.parametrize("value", ["X_User", "X-User:", "-X", "X-Usér"])
def test_a_header_name_with_underscores_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SSO_PROXY_USER_HEADER", value)

    with pytest.raises(ImproperlyConfigured, match="SSO_PROXY_USER_HEADER"):
        environment.header_name("SSO_PROXY_USER_HEADER")
