"""axe-core finds nothing on any page or state, light and dark, in both languages."""

from __future__ import annotations

import pytest

from backups.emulator.api import Emulator
from backups.emulator.records import stable_id

from .conftest import OpenPage, axe_findings, misshapen

ORDERS = "/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/"
REFERENCE = f"{ORDERS}backups/4631832a-14c6-45b0-a0b3-3abd8f591ad1/"
ODD = f"/projects/eu-prod/instances/{stable_id('instance', 'eu-prod', 'odd-fields')}/"
UNKNOWN = "/projects/eu-prod/instances/11111111-1111-4111-8111-111111111111/"
PAGES = {
    "home": "/",
    "find": "/find/?q=cache",
    "nothing found": "/find/?q=zzzz",
    "instances": "/projects/eu-prod/",
    "history": ORDERS,
    "every filter": f"{ORDERS}?status=failed&type=auto&restorable=no&range=30d&q=nightly&per_page=25",
    "filtered to nothing": f"{ORDERS}?q=zzzz",
    "a query that cannot be read": f"{ORDERS}?status=bogus&from=x",
    "one backup": REFERENCE,
    "unknown backup": f"{ORDERS}backups/gone/",
    "history for a ticket": f"{ORDERS}ticket/?status=failed&zone=Asia/Shanghai",
    "backup for a ticket": f"{REFERENCE}ticket/?text=jira&lang=zh-hans",
    "a ticket that cannot be read": f"{ORDERS}ticket/?text=bogus",
    "recovery point": f"{ORDERS}recovery-point/?at=2026-11-21+12:40",
    "recovery point, none": f"{ORDERS}recovery-point/?at=2018-01-01&tz=Asia/Shanghai",
    "recovery point, not asked": f"{ORDERS}recovery-point/",
    "recovery point, in doubt": f"{ORDERS}recovery-point/?at=2026-10-25+02:30&tz=Europe/Berlin",
    "recovery point, bad query": f"{ORDERS}recovery-point/?at=soon&tz=Mars",
    "recovery point of odd records": f"{ODD}recovery-point/?at=2026-11-16T12:00Z",
    "unknown instance": UNKNOWN,
    "unknown page": "/projects/nope/",
    "signed out": "/signed-out/",
}
LOOKS = [
    ("light", "en", 1440),
    ("dark", "en", 1440),
    ("light", "zh-hans", 1440),
    ("dark", "en", 390),
    ("light", "zh-hans", 390),
]


@pytest.mark.parametrize("turn", range(len(LOOKS)))
def test_axe_finds_nothing_on_any_page(open_page: OpenPage, turn: int) -> None:
    """axe looks once at each page, in one look after the other."""
    theme, language, width = LOOKS[turn]
    page = open_page("/", theme=theme, language=language, width=width)
    found = {}
    for name, path in list(PAGES.items())[turn :: len(LOOKS)]:
        page.goto(path)
        found[name] = axe_findings(page) + misshapen(page)
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            found[name].append(f"the page is {wide} px wide")
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_before_sign_in(open_page: OpenPage, theme: str) -> None:
    page = open_page("/sign-in/", person="", theme=theme)
    assert axe_findings(page) == []


def test_axe_finds_nothing_where_no_project_is_open(open_page: OpenPage) -> None:
    assert axe_findings(open_page("/", person="cleo")) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_while_dcs_fails(open_page: OpenPage, emulator: Emulator, theme: str) -> None:
    page = open_page(ORDERS, theme=theme)
    emulator.fail_with(500)
    page.goto("/projects/eu-prod/instances/00000000-0000-4000-8000-00000000feed/")
    assert page.locator("[data-backup-id]").count() == 0
    assert axe_findings(page) == []
    page.goto(ORDERS)
    page.locator("form[action$='/refresh/'] button").first.click()
    assert page.locator("[data-backup-id]").count() > 0
    assert axe_findings(page) == []
    page.goto(f"{ORDERS}recovery-point/?at=2026-11-21+12:40")
    assert page.locator("[data-backup-id]").count() > 0
    assert axe_findings(page) == []
