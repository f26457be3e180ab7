"""In every state of a page axe-core finds nothing, and a phone needs no sideways scrolling."""

from __future__ import annotations

from itertools import cycle

import pytest
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator

from .conftest import OpenPage, axe_findings
from .states import STATES, Stage

# axe looks once at each state, in one look after the other; /patterns/ shows the colours of both themes.
LOOKS = [(*look, "en") for look in (("light", 1440), ("dark", 390), ("dark", 1440), ("light", 390))]
LOOKS += [(theme, width, "zh-hans") for theme, width, _ in reversed(LOOKS)]
CASES = [(name, *look) for name, look in zip(STATES, cycle(LOOKS), strict=False)]


@pytest.mark.parametrize(("name", "theme", "width", "language"), CASES, ids=STATES)
def test_a_state_is_open_to_everybody_and_fits_a_phone(
    open_page: OpenPage,
    emulator: Emulator,
    portal: Settings,
    address: str,
    name: str,
    theme: str,
    width: int,
    language: str,
) -> None:
    page = open_page("/", language=language)
    STATES[name](Stage(page, emulator, portal, address))
    # Without motion a colour is there at once, and not on its way to another.
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    assert axe_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
