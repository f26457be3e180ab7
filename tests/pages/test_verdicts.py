"""The verdict on an instance in every state: its page in two languages, backups.json and a ticket."""

import html
import re
from datetime import timedelta

import pytest

from backups.services.insights.verdict import REASONS
from backups.services.listings.reader import wait_for_readers
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
from tests.services.readings import read_at

from .conftest import history_of
from .test_overview import ago, now, said_in

pytestmark = pytest.mark.usefixtures("portal")

UNSURE = {"is_support_restore": "maybe"}


def weekly(days, keep):
    plan = {"backup_at": days, "begin_at": "22:00-23:00"}
    return {"backup_type": "auto", "save_days": keep, "periodical_backup_plan": plan}


EVERY_DAY = weekly([1, 2, 3, 4, 5, 6, 7], 7)
OFF = {"backup_policy": {"backup_type": "manual"}}
# A plan of one day a week, which is neither today nor in the next three days.
IN_FOUR_DAYS = weekly([(now() + timedelta(days=4)).isoweekday()], 3)
FRESH = [(0.4, {})]
FAILING = [(hours / 24, FAILED) for hours in (1, 2, 3)]


# What happens to an instance before its page is asked for: `does(emulator, settings, instance_id)`.


def read_three_hours_ago(emulator, portal, instance_id):
    portal.DCS_FRESH_SECONDS = 10**9
    read_at(emulator, [ago(0.4)], now() - timedelta(hours=3), instance_id)


def lose_all_at_once(emulator, portal, instance_id):
    portal.DCS_FRESH_SECONDS = 10**9
    read_at(emulator, [ago(0.4)], now() - timedelta(minutes=3), instance_id)
    read_at(emulator, [], now(), instance_id)


def list_none_of_them(emulator, _, instance_id):
    """DCS says that there is one, and lists none."""
    emulator.cap_pages(0, path_contains=f"{instance_id}/backups")


def refuse(code):
    def does(emulator, _, instance_id):
        emulator.fail_with(400, code, path_contains=f"{instance_id}/backups")

    return does


# How the sentence begins, in English and in Chinese.
SAID = {
    "usable within_objective": ("Usable: data from", "可用：数据时间"),
    "usable no_objective": ("Usable: data from", "可用：数据时间"),
    "attention objective_missed": ("Usable, but too old: data from", "可用，但数据过旧："),
    "attention failing": ("Usable, but failing: 3 attempts failed in a row", "可用，但"),
    "attention running_long": ("Usable, but a backup hangs: a backup", "可用，但"),
    "attention not_now": ("Usable, but not now: the instance is", "可用，但现在"),
    "attention ends_before_next": ("Usable, but not for long: data from", "可用，但"),
    "none no_backup": ("No usable backup: ", "没有可用备份："),
    "none first_running": ("No usable backup: ", "没有可用备份："),
    "none all_gone": ("No usable backup: ", "没有可用备份："),
    "none all_failed": ("No usable backup: ", "没有可用备份："),
    "none none_allowed": ("No usable backup: DCS does not allow", "没有可用备份："),
    "unknown dcs_does_not_say": ("Not known: DCS does not say", "未知："),
    "unknown no_time": ("Not known: a usable backup has no", "未知："),
    "unknown read_too_long_ago": ("Not known: the list was last read", "未知："),
    "unknown list_not_whole": ("Not known: only part of its list", "未知："),
    "unknown not_confirmed": ("Not known: most of its backups vanished", "未知："),
    "unsupported single_node": ("Single node: DCS cannot back it up", "单机实例："),
    "unsupported memcached": ("Memcached: DCS cannot back it up", "Memcached："),
    "unsupported not_supported": ("Not supported: DCS says that", "不支持备份："),
}
STATES = [
    # verdict and reason; backups by their age in days; the instance, or what happens
    ("usable within_objective", FRESH, {}),
    ("usable within_objective", [(0.4, {}), (1.4, EXPIRED)], {}),
    ("usable within_objective", [(3, MANUAL)], {"tags": (("rpo", "4d"),)}),
    ("usable within_objective", FRESH, {"status": "BACKUPING"}),
    ("usable within_objective", [(0.001, RUNNING), *FRESH], {}),
    ("usable within_objective", [*FAILING[:2], *FRESH], {}),
    ("usable no_objective", [(3, {})], OFF),
    ("attention objective_missed", [(3, {})], {}),
    ("attention objective_missed", FRESH, {"tags": (("rpo", "6h"),)}),
    ("attention failing", [*FAILING, *FRESH], {}),
    ("attention running_long", [(0.1, RUNNING), *FRESH], {}),
    ("attention running_long", [(0.1, WAITING), *FRESH], {}),
    *(("attention not_now", FRESH, {"status": one}) for one in ("ERROR", "FROZEN", "RESTORING", "EXTENDING")),
    ("attention ends_before_next", [(0.2, DCS_SAYS_NO), *FRESH], {"backup_policy": IN_FOUR_DAYS}),
    ("none no_backup", [], {}),
    ("none first_running", [(0.001, RUNNING)], {}),
    ("none all_gone", [(2, EXPIRED), (3, DELETED)], {}),
    ("none all_failed", FAILING, {}),
    ("none all_failed", [(1, NOT_RUN)], {}),
    ("none all_failed", [*FAILING, (9, EXPIRED)], {}),
    ("none none_allowed", [(0.4, DCS_SAYS_NO)], {}),
    ("none none_allowed", [(0.4, {**ODD, **DCS_SAYS_NO})], {}),
    ("unknown dcs_does_not_say", [(0.4, UNSURE)], {}),
    ("unknown dcs_does_not_say", [(0.4, ODD)], {}),
    ("unknown no_time", [(0.4, NO_TIME)], {}),
    ("unknown no_time", [(0.4, NO_TIME), (3, {})], {}),
    ("unknown read_too_long_ago", [], read_three_hours_ago),
    ("unknown list_not_whole", FRESH, list_none_of_them),
    ("unknown not_confirmed", [], lose_all_at_once),
    ("unsupported single_node", FRESH, {"cache_mode": "single"}),
    ("unsupported memcached", [], {"engine": "Memcached"}),
    ("unsupported not_supported", [], refuse("DCS.4086")),
    ("unsupported not_supported", FRESH, refuse("DCS.4095")),
]


@pytest.mark.parametrize(("verdict", "backups", "instance"), STATES)
def test_pages_json_ticket_and_metrics_say_the_same_verdict(
    ada, portal, emulator, verdict, backups, instance
):
    portal.DCS_RPO_TAG = "rpo"
    fields = instance if isinstance(instance, dict) else {}
    made = emulator.fleet.add_instance("judged", **{"backup_policy": EVERY_DAY, **fields})
    records = [ago(days, **{"backup_id": f"b-{n}", **changes}) for n, (days, changes) in enumerate(backups)]
    emulator.set_records(made.instance_id, records)
    if not isinstance(instance, dict):
        instance(emulator, portal, made.instance_id)
    path = history_of(made.instance_id)
    ada.get("/projects/eu-prod/")

    page, told = ada.get(path), ada.get(f"{path}backups.json").json()["verdict"]
    ticket = ada.get(f"{path}ticket/", {"text": "plain"}, headers={"Accept": "text/plain"}).content.decode()
    ada.cookies["portal_language"] = "zh-hans"

    assert f"{told['verdict']} {told['reason']}" == verdict
    english, chinese = SAID[verdict]
    # A ticket's first line is sentences: "Usable. Data from …".
    first_line = ticket.partition("\n")[0].replace(". ", ": ", 1)
    for said in (words_of(page), told["sentence"], first_line):
        assert said.casefold().startswith(english.casefold())
    assert words_of(ada.get(path)).startswith(chinese)
    # The board, its JSON and the metrics say the same of what was read.
    assert wait_for_readers()
    name, reason = verdict.split()
    row = f'data-instance-id="{made.instance_id}" data-verdict="{name}" data-reason="{reason}"'
    assert row in ada.get("/projects/eu-prod/").content.decode()
    [one] = ada.get("/instances.json?q=judged").json()["instances"]
    assert (one["verdict"], one["reason"]) == (name, reason)
    labels = f'instance_id="{made.instance_id}",name="judged",project="eu-prod",reason="{reason}"'
    metrics = ada.get("/metrics/instances").content.decode()
    assert f'instance_verdict{{{labels},verdict="{name}"}} 1.0' in metrics


def test_every_reason_of_a_verdict_has_a_state():
    every = {f"{name} {reason}" for name, reasons in REASONS.items() for reason in reasons}

    # No page of an instance says that its list was never read: it reads it. The board does (test_board.py).
    assert {verdict for verdict, _, _ in STATES} == every - {"unknown never_read"}


def words_of(page):
    """The sentence of a page's verdict."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", said_in(page)))).strip()
