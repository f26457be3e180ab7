"""The whole way through the certified oidc-provider of npm, on loopback and in Chromium."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from dcsportal.sso import provider as portals_provider
from dcsportal.sso.models import Viewer

from ..browser.conftest import browser_type_launch_args
from ..npm import installed
from ..servers.served import free_port, wait_for

__all__ = ["browser_type_launch_args"]  # some of these tests look through Chromium

INSTANCE = "/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/"
HARD = f"{INSTANCE}?status=failed&status=expired&q=100%25&tz=Asia%2FShanghai&x=a+b"

pytestmark = [
    pytest.mark.needs("node", "nodejs"),
    pytest.mark.needs("npm", "npm"),
    pytest.mark.needs("chromium", "chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(scope="module")
def issuer(live_server):
    address = f"http://127.0.0.1:{free_port()}"
    environment = os.environ | {"ISSUER": address, "PORTAL": live_server.url}
    command, folder = ["node", "server.js"], installed(Path(__file__).parent / "provider")
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("listening" in line for line in process.stdout)
            yield address
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def company(issuer, portal, live_server):
    portal.DCS_DEMO = False
    portal.PORTAL_URL = live_server.url
    portal.CSRF_TRUSTED_ORIGINS = [live_server.url]
    portal.SSO_ISSUER = issuer
    portal.SSO_CLIENT_ID, portal.SSO_CLIENT_SECRET = "portal", "portal-secret"
    portals_provider.forget_providers()


@pytest.fixture
def window(browser, live_server):
    context = browser.new_context(base_url=live_server.url)
    context.set_default_timeout(30_000)
    # The provider's own pages want fonts from elsewhere: nothing is asked outside this machine.
    local = re.compile(r"https?://(localhost|127\.0\.0\.1)[:/]")
    context.route(lambda url: not local.match(url), lambda route: route.abort())
    yield context
    context.close()


def test_three_tabs_of_an_empty_browser_each_land_on_their_own_link(window, live_server):
    links = [HARD, f"{INSTANCE}?q=%E5%A4%87%E4%BB%BD", "/find/?q=a%26b"]
    tabs = [window.new_page() for _ in links]
    for tab, link in zip(tabs, links, strict=True):
        tab.goto(link)

    for tab, link in zip(tabs, links, strict=True):
        _sign_in(tab)
        assert tab.url == live_server.url + link
    viewer = Viewer.objects.get()
    assert (viewer.name, viewer.email, viewer.groups) == ("Ada Novak", "ada@example.com", ["dcs-all"])


def test_signing_out_in_the_menu_ends_both_sessions_and_a_page_confirms_it(window, live_server):
    page = window.new_page()
    page.goto(HARD)
    _sign_in(page)
    blocked = []
    page.on("console", lambda message: blocked.append(message.text) if message.type == "error" else None)

    page.locator("summary:has(.initials)").click()
    page.locator('form[action="/sign-out/"] button').click()
    page.locator("button[name=logout], button[autofocus]").first.click()

    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert not [text for text in blocked if "form-action" in text]
    assert not Session.objects.exists()
    page.goto(HARD)
    expect(page.locator("input[name=login]")).to_be_visible()  # the provider asks again


def test_signing_out_elsewhere_reaches_this_session_by_the_back_channel(window, issuer):
    """Another application of the company signs the viewer out at the provider."""
    page = window.new_page()
    page.goto(INSTANCE)
    _sign_in(page)
    assert Session.objects.exists()

    page.goto(f"{issuer}/session/end")
    page.locator("button[name=logout], button[autofocus]").first.click()

    wait_for(lambda: not Session.objects.exists())


def _sign_in(page):
    """Fill in the provider's forms until the portal is there."""
    while "/interaction/" in page.url:
        if page.locator("input[name=login]").count():
            page.fill("input[name=login]", "ada")
            page.fill("input[name=password]", "x")
        page.locator("button[type=submit]").click()
        page.wait_for_load_state()
