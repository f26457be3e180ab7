"""The page of patterns: every visible state in both languages, and only where DEBUG is on."""

import re
from pathlib import Path

import pytest

from backups.services.problems import PROBLEM_KINDS

from .conftest import text_of

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
NAMES = ("badges", "notices", "backup", "compare", "overview", "recovery", "rows", "timeline")


@pytest.fixture
def ada(client_of, portal):
    portal.DEBUG = True
    return client_of("ada")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_patterns_are_shown_in_both_languages(ada, emulator, language):
    ada.cookies["portal_language"] = language

    page = ada.get("/patterns/")

    assert page.status_code == 200
    text = text_of(page)
    words = {"en": ("Restorable", "Not restorable"), "zh-hans": ("可恢复", "备份失败")}
    for word in (*words[language], "MIGRATING", "APIGW.0201"):
        assert word in text
    assert text.count("APIGW.0201") >= len(PROBLEM_KINDS)
    assert not emulator.calls


def test_every_macro_that_shows_a_state_is_on_the_page():
    files = [TEMPLATES / "macros" / f"{name}.html" for name in NAMES]
    texts = "".join(path.read_text() for path in files)
    macros = set(re.findall(r"{% macro (\w+)", texts))
    shown = [TEMPLATES / "patterns.html", TEMPLATES / "_notices.html"]
    used = re.sub(r"{% macro \w+", "", texts) + "".join(path.read_text() for path in shown)

    assert {name for name in macros if not re.search(rf"\b{name}(\(| as )", used)} == set()


def test_without_debug_there_is_no_such_page(ada, portal):
    portal.DEBUG = False
    assert ada.get("/patterns/").status_code == 404
