"""The whole way through the certified oidc-provider: by a scripted browser, and in Chromium."""

from __future__ import annotations

import re
from collections.abc import Generator
from html import unescape
from urllib.parse import urljoin

import pytest
import requests
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from dcsportal.sso import provider as portals_provider
from dcsportal.sso.models import Viewer

from ..browser.conftest import browser_type_launch_args
from ..servers.served import wait_for
from . import certified
from .certified import Certified

__all__ = ["browser_type_launch_args"]  # some of these tests look through Chromium

INSTANCE = "/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/"
HARD = f"{INSTANCE}?status=failed&status=expired&q=100%25&tz=Asia%2FShanghai&x=a+b"

pytestmark = [
    pytest.mark.needs("node", "nodejs"),
    pytest.mark.needs("npm", "npm"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(scope="module")
def _certified(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Certified]:
    people = tmp_path_factory.mktemp("provider") / "people.json"
    with certified.running(live_server.url, people) as provider:
        yield provider


@pytest.fixture
def company(_certified: Certified, portal: Settings, live_server: LiveServer) -> Certified:
    portal.DCS_DEMO = False
    portal.PORTAL_URL = live_server.url
    portal.CSRF_TRUSTED_ORIGINS = [live_server.url]
    portal.SSO_ISSUER = _certified.issuer
    portal.SSO_CLIENT_ID, portal.SSO_CLIENT_SECRET = "portal", "portal-secret"
    portals_provider.forget_providers()
    return _certified


# --- A scripted browser ----------------------------------------------------------


class Script(requests.Session):
    """A browser that fills in the provider's forms."""

    def signed_in(self, address: str, name: str = "ada") -> requests.Response:
        page = self.get(address, timeout=30)
        while "/interaction/" in page.url:
            page = self.submitted(page, {"login": name, "password": "x"})
        return page

    def submitted(self, page: requests.Response, values: dict[str, str]) -> requests.Response:
        form = re.search(r"<form[^>]*action=\"([^\"]+)\".*?</form>", page.text, re.DOTALL)
        assert form, page.text
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[0]))
        fields |= values
        return self.post(urljoin(page.url, unescape(form[1])), fields, timeout=30)


def test_signing_out_elsewhere_reaches_this_session_by_the_back_channel(
    company: Certified, live_server: LiveServer
) -> None:
    """Another application of the company signs the viewer out at the provider."""
    script = Script()
    script.signed_in(live_server.url + INSTANCE)
    assert Session.objects.exists()

    confirm = script.get(f"{company.issuer}/session/end", timeout=30)
    script.submitted(confirm, {"logout": "yes"})

    wait_for(lambda: not Session.objects.exists())


# --- Chromium --------------------------------------------------------------------


@pytest.fixture
def window(browser: Browser, live_server: LiveServer) -> Generator[BrowserContext]:
    context = browser.new_context(base_url=live_server.url)
    context.set_default_timeout(30_000)
    # The provider's own pages want fonts from elsewhere: nothing is asked outside this machine.
    local = re.compile(r"https?://(localhost|127\.0\.0\.1)[:/]")
    context.route(lambda url: not local.match(url), lambda route: route.abort())
    yield context
    context.close()


@pytest.mark.needs("chromium", "chromium")
def test_three_tabs_of_an_empty_browser_each_land_on_their_own_link(
    company: Certified, window: BrowserContext, live_server: LiveServer
) -> None:
    links = [HARD, f"{INSTANCE}?q=%E5%A4%87%E4%BB%BD", "/find/?q=a%26b"]
    tabs = [window.new_page() for _ in links]
    for tab, link in zip(tabs, links, strict=True):
        tab.goto(link)

    for tab, link in zip(tabs, links, strict=True):
        _sign_in(tab)
        assert tab.url == live_server.url + link
    viewer = Viewer.objects.get()
    assert (viewer.name, viewer.email, viewer.groups) == ("Ada Novak", "ada@example.com", ["dcs-all"])


@pytest.mark.needs("chromium", "chromium")
def test_signing_out_in_the_menu_ends_both_sessions_and_a_page_confirms_it(
    company: Certified, window: BrowserContext, live_server: LiveServer
) -> None:
    page = window.new_page()
    page.goto(HARD)
    _sign_in(page)
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text) if message.type == "error" else None)

    page.locator("summary:has(.initials)").click()
    page.locator('form[action="/sign-out/"] button').click()
    page.locator("button[name=logout], button[autofocus]").first.click()

    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert not [text for text in blocked if "form-action" in text]
    assert not Session.objects.exists()
    page.goto(HARD)
    expect(page.locator("input[name=login]")).to_be_visible()  # the provider asks again


def _sign_in(page: Page) -> None:
    """Fill in the provider's forms until the portal is there."""
    while "/interaction/" in page.url:
        if page.locator("input[name=login]").count():
            page.fill("input[name=login]", "ada")
            page.fill("input[name=password]", "x")
        page.locator("button[type=submit]").click()
        page.wait_for_load_state()
