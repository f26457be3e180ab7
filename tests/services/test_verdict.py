"""The verdict: what tests/pages/test_verdicts.py does not reach, whole sentences, and since when."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils.translation import override

from backups.dcs.records import BackupRecord, Instance
from backups.dcs.signing import Credentials
from backups.emulator.fleet import Fleet
from backups.services.insights import Objective, objective_of, verdict_of
from backups.services.insights.facts import facts_of, restore_blocks
from backups.services.insights.policy import Plan, plan_of
from backups.services.insights.verdict import REASONS, verdict_text
from backups.services.projects import Project
from backups.services.words import Clock
from backups.services.words.codes import BLOCK_WORDS, INSTANCE_STATUS_WORDS

from .api_records import (
    DAILY,
    DCS_SAYS_NO,
    EXPIRED,
    FAILED,
    MANUAL,
    NOT_RUN,
    RUNNING,
    backup_at,
    known_history,
    utc,
)

UNSURE = {"is_support_restore": None}
OFF = Plan("manual")
PROJECT = Project("eu-prod", "eu-west-101", "0123", "https://dcs.example", Credentials("ak", "sk"))
# What is read at noon of 24 November; the keys are times of backups.


def verdict(backups, instance=None, plan=DAILY, later=0, **known):
    records = [backup_at(at, **fields) for at, fields in backups.items()]
    confirmed, unsupported = known.pop("confirmed", True), known.pop("unsupported", False)
    history = known_history(*records, plan=plan, **known)
    found = Instance.from_api({"status": "RUNNING", **(instance or {})})
    facts = facts_of(history, found, confirmed=confirmed, unsupported=unsupported, tag_key="rpo")
    return verdict_of(facts, objective_of(facts, None), now=history.now + timedelta(hours=later))


FRESH = {"11-23 03:00": EXPIRED, "11-24 03:00": {}}
USABLE = "data from 24 Nov 03:00:00 UTC, 9 h ago"
CASES = [
    # the backups, what else is known, the verdict with its reason, the sentence
    (FRESH, {}, "usable within_objective", f"Usable: {USABLE}; deleted in about 6 d 15 h (7-day retention)"),
    (FRESH, {"plan": OFF}, "usable no_objective", f"Usable: {USABLE}"),
    (
        {"11-22 03:00": MANUAL},
        {},
        "attention objective_missed",
        "Usable, but too old: data from 22 Nov 03:00:00 UTC, 2 d 9 h ago; the objective is at most 1 d 4 h "
        "(the policy's interval plus 4 h)",
    ),
    (
        {"11-24 03:00": {}, "11-24 04:00": FAILED, "11-24 05:00": NOT_RUN, "11-24 06:00": FAILED},
        {},
        "attention failing",
        "Usable, but failing: 3 attempts failed in a row since 24 Nov, the newest with dcs.08.0002 "
        f"(the backup timed out); {USABLE}",
    ),
    (
        {"11-17 12:30": {}, "11-24 03:00": DCS_SAYS_NO},
        {"instance": {"tags": [{"key": "rpo", "value": "30d"}]}},
        "attention ends_before_next",
        "Usable, but not for long: data from 17 Nov 12:30:00 UTC, 6 d 23 h ago; "
        "deleted about 24 Nov 12:30 UTC, before a planned backup can replace it",
    ),
    (
        {"11-24 03:00": {}, "11-24 11:00": RUNNING},
        {},
        "attention running_long",
        f"Usable, but a backup hangs: a backup has been running since 24 Nov 11:00:00 UTC; {USABLE}",
    ),
    (
        FRESH,
        {"instance": {"status": "ERROR"}},
        "attention not_now",
        f"Usable, but not now: the instance is in ERROR; DCS restores only into a running instance; {USABLE}",
    ),
    (
        {f"11-{day} 03:00": {**FAILED, "error_code": "dcs.08.0005"} for day in range(10, 24)},
        {},
        "none all_failed",
        "No usable backup: 14 attempts failed in a row since 10 Nov, the newest with dcs.08.0005 "
        "(creating the storage bucket failed)",
    ),
    ({}, {"whole": False}, "unknown list_not_whole", "Not known: only part of its list was read"),
    (FRESH, {"whole": False}, "usable within_objective", f"Usable: {USABLE}"),
    (
        {"11-22 03:00": {}},
        {"whole": False},
        "unknown list_not_whole",
        "Not known: only part of its list was read; data from 22 Nov 03:00:00 UTC, 2 d 9 h ago",
    ),
    (
        {},
        {"whole": False, "confirmed": False},
        "unknown not_confirmed",
        "Not known: most of its backups vanished",
    ),
    (
        FRESH,
        {"later": 3},
        "unknown read_too_long_ago",
        "Not known: the list was last read 24 Nov 12:00:00 UTC, 3 h ago; at that time "
        "“Usable: data from 24 Nov 03:00:00 UTC; deleted about 1 Dec 03:00 UTC (7-day retention)”",
    ),
    (
        {},
        {"unsupported": True},
        "unsupported not_supported",
        "Not supported: DCS says that it cannot back up",
    ),
]


@pytest.mark.parametrize(("backups", "known", "expected", "sentence"), CASES)
def test_the_first_rule_that_holds_is_the_verdict(backups, known, expected, sentence):
    found = verdict(backups, **known)

    assert f"{found.verdict} {found.reason}" == expected
    assert verdict_text(found, Clock(found.at)).startswith(sentence)
    with override("zh-hans"):
        chinese = verdict_text(found, Clock(found.at))
    assert "：" in chinese
    assert "; " not in chinese


# What only a portal that cannot read as it should says, or an instance that is about to lose its last backup.
NOT_IN_THE_DEMO = {
    *("never_read", "read_too_long_ago", "list_not_whole", "not_confirmed", "dcs_does_not_say"),
    *("not_supported", "ends_before_next"),
}


def test_the_demo_has_an_instance_for_every_other_reason():
    now = utc("11-24 12:00")
    fleet, found = Fleet(now=lambda: now, bulk_records=100), set()
    for one in [one for project in fleet.projects for one in fleet.instances(project)]:
        records = [BackupRecord.from_api(json.loads(row.text)) for row in fleet.backups(one)]
        instance = Instance.from_api(one.details())
        facts = facts_of(known_history(*records, plan=plan_of(instance)), instance)
        found.add(verdict_of(facts, objective_of(facts, None), now=now).reason)

    assert found == {reason for reasons in REASONS.values() for reason in reasons} - NOT_IN_THE_DEMO


def test_a_list_that_was_never_read_is_not_known():
    found = verdict_of(None, Objective(None), now=utc("11-24 12:00"))

    assert verdict_text(found, Clock(found.at)) == "Not known: its list has not been read yet"


def test_all_that_needs_attention_is_named():
    failures = {f"11-24 0{hour}:00": FAILED for hour in range(4, 8)}

    found = verdict({"11-21 03:00": {}, **failures}, {"status": "ERROR"})

    assert found.reasons == ("objective_missed", "failing", "not_now")


def test_a_bound_is_passed_at_its_instant():
    before, after = (verdict({"11-23 09:00": {}}, later=hours) for hours in (1, 1.001))

    assert (before.verdict, before.since, before.holds_until) == ("usable", None, utc("11-24 14:10"))
    assert (after.verdict, after.since) == ("attention", utc("11-24 13:00"))
    assert after.breached_since == utc("11-24 13:00")


def hours(number):
    return timedelta(hours=number) if number else None


@pytest.mark.parametrize(
    ("asked", "tag", "project", "portal", "plan", "expected"),
    [
        (6, "12h", 24, 48, DAILY, Objective(hours(6), "asked")),
        (None, "12h", 24, 48, DAILY, Objective(hours(12), "tag")),
        (None, "soon", 24, 48, DAILY, Objective(hours(24), "project", unread="soon")),
        (None, "", None, 48, DAILY, Objective(hours(48), "portal")),
        (None, "", None, None, DAILY, Objective(hours(28), "policy")),
        (None, "", None, None, OFF, Objective(None)),
    ],
)
def test_the_nearest_word_is_the_objective(settings, asked, tag, project, portal, plan, expected):
    settings.DCS_RPO = hours(portal)
    facts = facts_of(
        known_history(plan=plan), Instance.from_api({"tags": [{"key": "rpo", "value": tag}]}), tag_key="rpo"
    )
    of = replace(PROJECT, rpo=hours(project))

    assert objective_of(facts, of, asked=hours(asked)) == expected


# What stands against a restore now: told as far as DCS tells it, and no further ------

BLOCKS = [
    # what ShowInstance says, whether a backup is in progress, the blocks: code, DCS's word, certain
    ({"status": "RUNNING", "cache_mode": "cluster", "task": {"name": None, "status": None}}, False, []),
    ({"status": "RUNNING", "cache_mode": "ha"}, True, [("backing_up", "", True)]),
    ({"status": "EXTENDING"}, True, [("busy", "EXTENDING", True), ("backing_up", "", True)]),
    ({"status": "HIBERNATING"}, False, [("not_running", "HIBERNATING", True)]),
    (
        {"status": "CLOSED", "cache_mode": "single"},
        False,
        [("single_node", "", True), ("not_running", "CLOSED", True)],
    ),
    (
        {"status": "RUNNING", "task": {"name": "restore", "status": "PROCESSING"}},
        False,
        [("task", "restore PROCESSING", False)],
    ),
    ({"status": "RUNNING", "task": "resize"}, False, [("task", "resize", False)]),
    ({"status": None, "cache_mode": "ha"}, False, [("not_known", "", False)]),
    (None, True, [("not_known", "", False), ("backing_up", "", True)]),
]


@pytest.mark.parametrize(("shown", "backing_up", "blocks"), BLOCKS)
def test_what_stands_against_a_restore(shown, backing_up, blocks):
    running = [backup_at("11-21", **RUNNING)] if backing_up else []
    instance = None if shown is None else Instance.from_api({"instance_id": "i", **shown})

    found = restore_blocks(instance, [backup_at("11-20", **EXPIRED), *running])

    assert [(block.code, block.detail, block.certain) for block in found] == blocks
    assert {block.code for block in found} <= BLOCK_WORDS.keys()


def test_an_instance_that_is_not_running_takes_no_restore():
    for status in INSTANCE_STATUS_WORDS.keys() - {"RUNNING"}:
        [block] = restore_blocks(Instance.from_api({"status": status}), [])
        assert (block.certain, block.detail) == (True, status)
