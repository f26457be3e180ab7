"""Debian's Chromium in front of the portal over the emulator."""

import os
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ..services.conftest import with_pauses

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)

# It ends a test that fails: an answer may take as long as the machine is busy.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

# Playwright's loop runs in the thread of the tests, where Django would refuse the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("chromium", "chromium"))


@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": str(CHROMIUM), "args": FLAGS.split()}


@pytest.fixture
def address(portal, live_server, monkeypatch):
    """The address of a portal that tries each call of DCS once, so that failures come at once."""
    with_pauses(monkeypatch, ())
    portal.PORTAL_URL = live_server.url
    portal.CSRF_TRUSTED_ORIGINS = [live_server.url]
    return live_server.url


@pytest.fixture
def open_page(browser, address, portal, client_of):
    """`open_page("/path/")` opens a page in a browser of its own, in which that person has signed in."""
    contexts = []

    def opened(path, *, person="ada", width=1440, theme="light", language="en", javascript=True):
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=javascript,
        )
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        session = portal.SESSION_COOKIE_NAME
        cookies = {"portal_language": language}
        if person:
            cookies[session] = client_of(person).cookies[session].value
        context.add_cookies([{"name": n, "value": value, "url": address} for n, value in cookies.items()])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()


CONTRAST = "color-contrast"


def axe_findings(page):
    """Return what axe-core finds on the page, a line each; of contrast nothing, which takes long."""
    return _axe(page, {"rules": {CONTRAST: {"enabled": False}}})


def contrast_findings(page):
    """Return the texts of the page that do not stand out, a line each."""
    return _axe(page, {"runOnly": [CONTRAST]})


def _axe(page, options):
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
    found = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"], **options})
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['failureSummary'][:200]})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


# What must hold its text, and what must hold no box of its own.
SPILLED = """() => [...document.querySelectorAll(
  '.figure *, .card *, .cell .label, .btn, .badge, .chip, td, th')]
  .filter(box => box.checkVisibility() && box.clientWidth && getComputedStyle(box).overflowX === 'visible')
  .filter(box => box.scrollWidth > box.clientWidth + 1)
  .map(box => `${box.className} of ${box.clientWidth} px: "${box.textContent.trim()}"`)"""
BOXES_IN_CARDS = """() => [...document.querySelectorAll('.card *')]
  .filter(box => !box.closest('.badge') && parseFloat(getComputedStyle(box).borderTopWidth))
  .map(box => `a box in a card: ${box.outerHTML.slice(0, 160)}`)"""


def misshapen(page):
    """Return the texts that run out of their boxes and the boxes within boxes, a line each."""
    return [*page.evaluate(SPILLED), *page.evaluate(BOXES_IN_CARDS)]
