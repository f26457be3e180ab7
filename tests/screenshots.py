"""Takes the screenshots under docs/screenshots/ anew from a running demo.

./run demo                                     # in one window
.venv/bin/python -m tests.screenshots http://127.0.0.1:8000
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
HISTORY = "/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/"
SHOTS = {
    # name: path, width, theme, language
    "history": (HISTORY, 1440, "light", "en"),
    "history-dark-zh": (HISTORY, 1440, "dark", "zh-hans"),
    "history-phone": (HISTORY, 390, "light", "en"),
    "recovery-point": (f"{HISTORY}recovery-point/?at=8+days+ago", 1440, "light", "en"),
}


def main(address: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split())
        for name, (path, width, theme, language) in SHOTS.items():
            context = browser.new_context(
                base_url=address,
                viewport={"width": width, "height": 900},
                color_scheme="dark" if theme == "dark" else "light",
            )
            context.add_cookies([{"name": "portal_language", "value": language, "url": address}])
            page = context.new_page()
            page.goto("/sign-in/")
            page.locator('form:has(input[name=person][value="ada"]) button').click()
            page.goto(path)
            page.screenshot(path=FOLDER / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
