"""In every state of a page axe-core finds nothing, and a phone needs no sideways scrolling."""

from itertools import cycle

import pytest

from .conftest import axe_findings
from .states import STATES, Stage

# axe looks once at each state, in one look after the other.
LOOKS = [("en", 1440), ("zh-hans", 390), ("en", 390), ("zh-hans", 1440)]
CASES = [(name, *look) for name, look in zip(STATES, cycle(LOOKS), strict=False)]


@pytest.mark.parametrize(("name", "language", "width"), CASES, ids=STATES)
def test_a_state_is_open_to_everybody_and_fits_a_phone(
    open_page, emulator, portal, address, name, language, width
):
    page = open_page("about:blank", language=language)
    STATES[name](Stage(page, emulator, portal, address))
    page.set_viewport_size({"width": width, "height": 900})
    assert axe_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
