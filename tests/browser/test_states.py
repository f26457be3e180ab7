"""In every state of a page axe-core finds nothing, and a phone needs no sideways scrolling."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator

from .conftest import OpenPage, axe_findings
from .states import STATES, Stage

LOOKS = {
    "en": [("light", 1440), ("dark", 1440), ("dark", 390)],
    "zh-hans": [("light", 390), ("dark", 1440)],
}


@pytest.mark.parametrize("language", LOOKS)
@pytest.mark.parametrize("name", STATES)
def test_a_state_is_open_to_everybody_and_fits_a_phone(
    open_page: OpenPage, emulator: Emulator, portal: Settings, address: str, name: str, language: str
) -> None:
    page = open_page("/", language=language)
    STATES[name](Stage(page, emulator, portal, address))
    found = {}
    for theme, width in LOOKS[language]:
        # Without motion a colour is there at once, and not on its way to another.
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        found[theme, width] = axe_findings(page)
        if width == 390:
            wide = page.evaluate("document.documentElement.scrollWidth")
            found[theme, width] += [] if wide <= 390 else [f"the page is {wide} px wide"]
    assert {look: lines for look, lines in found.items() if lines} == {}
