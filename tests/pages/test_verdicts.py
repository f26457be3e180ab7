"""The verdict on an instance in every state: its page in two languages, backups.json and a ticket."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from tests.services.api_records import (
    DCS_SAYS_NO,
    DELETED,
    EXPIRED,
    FAILED,
    MANUAL,
    NO_TIME,
    NOT_RUN,
    ODD,
    RUNNING,
    WAITING,
)

from .conftest import history_of
from .test_overview import ago, said_in

pytestmark = pytest.mark.usefixtures("portal")

UNSURE = {"is_support_restore": "maybe"}
EVERY_DAY = {
    "backup_type": "auto",
    "save_days": 7,
    "periodical_backup_plan": {"backup_at": [1, 2, 3, 4, 5, 6, 7], "begin_at": "22:00-23:00"},
}
OFF = {"backup_policy": {"backup_type": "manual"}}
Backups = list[tuple[float, dict[str, Any]]]
FRESH: Backups = [(0.4, {})]
FAILING: Backups = [(hours / 24, FAILED) for hours in (1, 2, 3)]


def objective(span: str) -> dict[str, Any]:
    return {"tags": (("rpo", span),)}


STATES: list[tuple[Backups, dict[str, Any], str, str, str]] = [
    # backups by their age in days, the instance; verdict and reason, how the sentence begins twice
    (FRESH, {}, "usable within_objective", "Usable: data from", "可用：数据时间"),
    ([(0.4, {}), (1.4, EXPIRED)], {}, "usable within_objective", "Usable: data from", "可用：数据时间"),
    ([(3, {})], OFF, "usable no_objective", "Usable: data from", "可用：数据时间"),
    ([(3, MANUAL)], objective("4d"), "usable within_objective", "Usable: data from", "可用："),
    (FRESH, {"status": "BACKUPING"}, "usable within_objective", "Usable: data from", "可用："),
    ([(0.001, RUNNING), *FRESH], {}, "usable within_objective", "Usable: data from", "可用："),
    ([*FAILING[:2], *FRESH], {}, "usable within_objective", "Usable: data from", "可用："),
    ([(3, {})], {}, "attention objective_missed", "Usable, but too old: data from", "可用，但数据过旧："),
    (FRESH, objective("6h"), "attention objective_missed", "Usable, but too old:", "可用，但数据过旧："),
    (
        [*FAILING, *FRESH],
        {},
        "attention failing",
        "Usable, but failing: 3 attempts failed in a row",
        "可用，但",
    ),
    (
        [(0.1, RUNNING), *FRESH],
        {},
        "attention running_long",
        "Usable, but a backup hangs: a backup",
        "可用，但",
    ),
    (
        [(0.1, WAITING), *FRESH],
        {},
        "attention running_long",
        "Usable, but a backup hangs: a backup",
        "可用，但",
    ),
    (
        FRESH,
        {"status": "ERROR"},
        "attention not_now",
        "Usable, but not now: the instance is in ERROR",
        "可用，但现在",
    ),
    (
        FRESH,
        {"status": "FROZEN"},
        "attention not_now",
        "Usable, but not now: the instance is FROZEN",
        "可用，但现在",
    ),
    (
        FRESH,
        {"status": "RESTORING"},
        "attention not_now",
        "Usable, but not now: the instance is",
        "可用，但现在",
    ),
    (
        FRESH,
        {"status": "EXTENDING"},
        "attention not_now",
        "Usable, but not now: the instance is",
        "可用，但现在",
    ),
    ([], {}, "none no_backup", "No usable backup: ", "没有可用备份："),
    ([(0.001, RUNNING)], {}, "none first_running", "No usable backup: ", "没有可用备份："),
    ([(2, EXPIRED), (3, EXPIRED)], {}, "none all_gone", "No usable backup: 2 expired", "没有可用备份："),
    (
        [(2, EXPIRED), (3, DELETED)],
        {},
        "none all_gone",
        "No usable backup: 1 expired, 1 deleted",
        "没有可用备份：",
    ),
    (FAILING, {}, "none all_failed", "No usable backup: 3 attempts failed in a row", "没有可用备份："),
    ([(1, NOT_RUN)], {}, "none all_failed", "No usable backup: 1 attempt failed", "没有可用备份："),
    (
        [*FAILING, (9, EXPIRED)],
        {},
        "none all_failed",
        "No usable backup: 3 attempts failed",
        "没有可用备份：",
    ),
    ([(0.4, DCS_SAYS_NO)], {}, "none none_allowed", "No usable backup: DCS does not allow", "没有可用备份："),
    (
        [(0.4, {**ODD, **DCS_SAYS_NO})],
        {},
        "none none_allowed",
        "No usable backup: DCS does",
        "没有可用备份：",
    ),
    ([(0.4, UNSURE)], {}, "unknown dcs_does_not_say", "Not known: DCS does not say", "未知："),
    ([(0.4, ODD)], {}, "unknown dcs_does_not_say", "Not known: ", "未知："),
    ([(0.4, NO_TIME)], {}, "unknown no_time", "Not known: a usable backup has no time", "未知："),
    ([(0.4, NO_TIME), (3, {})], {}, "unknown no_time", "Not known: a usable backup has no time", "未知："),
    (
        FRESH,
        {"cache_mode": "single"},
        "unsupported single_node",
        "Single node: DCS cannot back it up",
        "单机实例：",
    ),
    ([], {"engine": "Memcached"}, "unsupported memcached", "Memcached: DCS cannot back it up", "Memcached："),
]


@pytest.mark.parametrize(("backups", "instance", "verdict", "english", "chinese"), STATES)
def test_page_json_and_ticket_say_the_same_verdict(
    ada: Client,
    portal: Settings,
    emulator: Emulator,
    backups: Backups,
    instance: dict[str, Any],
    verdict: str,
    english: str,
    chinese: str,
) -> None:
    portal.DCS_RPO_TAG = "rpo"
    made = emulator.fleet.add_instance("judged", **{"backup_policy": EVERY_DAY, **instance})
    records = [ago(days, **{"backup_id": f"b-{n}", **changes}) for n, (days, changes) in enumerate(backups)]
    emulator.set_records(made.instance_id, records)
    path = history_of(made.instance_id)

    page, told = ada.get(path), ada.get(f"{path}backups.json").json()["verdict"]
    ticket = ada.get(f"{path}ticket/", {"text": "plain"}, headers={"Accept": "text/plain"}).content.decode()
    ada.cookies["portal_language"] = "zh-hans"

    assert f"{told['verdict']} {told['reason']}" == verdict
    # A ticket's first line is sentences: "Usable. Data from …".
    first_line = ticket.partition("\n")[0].replace(". ", ": ", 1)
    for said in (words_of(page), told["sentence"], first_line):
        assert said.casefold().startswith(english.casefold())
    assert words_of(ada.get(path)).startswith(chinese)


def words_of(page: Any) -> str:
    """The sentence of a page's verdict."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", said_in(page)))).strip()
