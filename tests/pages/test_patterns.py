"""The page of patterns: every visible state in both languages, and only where DEBUG is on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.services.problems import PROBLEM_KINDS

from .conftest import text_of

TEMPLATES = Path(__file__).resolve().parents[2] / "templates_old"
# Parts that frame a page or control it: each stands on a page of its own tests.
NO_STATES = re.findall(
    r"\w+",
    """
    assets backup_facts backup_head backup_received base_end base_head base_top between candidates
    copy copy_link crumbs export filter_fields filters find found history_body history_head
    history_top instance_facts instance_filters instances language live live_data menus neighbours
    newer not_refreshed open_backup outlook preferences range_options recovery_around recovery_box
    recovery_form recovery_head recovery_intro recovery_reach recovery_rung recovery_strip
    recovery_uncertain recovery_understood recovery_zones reproduce said searching stuck suggestion
    suggestions table_head theme_item theme_menu ticket ticket_menu viewer_menu zone_menu
    """,
)


@pytest.fixture
def ada(client_of: Callable[[str], Client], portal: Settings) -> Client:
    portal.DEBUG = True
    return client_of("ada")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_patterns_are_shown_in_both_languages(ada: Client, emulator: Emulator, language: str) -> None:
    ada.cookies["portal_language"] = language

    page = ada.get("/patterns/")

    assert page.status_code == 200
    text = text_of(page)
    words = {"en": ("Restorable", "No: it failed"), "zh-hans": ("可恢复", "备份失败")}
    for word in (*words[language], "MIGRATING", "APIGW.0201"):
        assert word in text
    assert text.count("APIGW.0201") >= len(PROBLEM_KINDS)
    assert not emulator.calls


def test_every_part_that_is_a_state_is_on_the_page() -> None:
    shown = set(re.findall(r'include "_(\w+)\.html"', (TEMPLATES / "patterns.html").read_text()))
    parts = {path.stem[1:] for path in TEMPLATES.glob("_*.html")}
    assert parts - set(NO_STATES) == shown
    assert set(NO_STATES) <= parts


def test_without_debug_there_is_no_such_page(ada: Client, portal: Settings) -> None:
    portal.DEBUG = False
    assert ada.get("/patterns/").status_code == 404
