"""What is pasted into a ticket: all that matters for the incident, and what is uncertain about it."""

import re
from zoneinfo import ZoneInfo

import pytest

from backups.dcs.records import BackupRecord
from backups.services.problems import Problem
from backups.services.tickets.markup import MARKUPS
from backups.services.tickets.renderer import About, Style
from backups.services.tickets.texts import problem_ticket, vendor_ticket

from .api_records import raw, raws
from .tickets import INSTANCE_ID, NOW, PROJECT, a_listing, an_instance, backup_text, history_text

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVERY_STYLE = [(markup, language) for markup in MARKUPS for language in ("en", "zh-hans")]
in_every_style = pytest.mark.parametrize(("markup", "language"), EVERY_STYLE)


def backup(number=1, **changes):
    return BackupRecord.from_api(raw(number, **changes))


def backups(count, **changes):
    return [BackupRecord.from_api(one) for one in raws(count, **changes)]


# One backup --------------------------------------------------------------------------

PAGE = f"http://127.0.0.1:8000/projects/eu-prod/instances/{INSTANCE_ID}/"


def test_a_backup_in_markdown():
    failed = backup(
        1, status="failed", is_support_restore="FALSE", error_code="dcs.08.0002", remark="before *release*"
    )

    assert (
        backup_text(failed, zone=SHANGHAI)
        == """\
**Failed.** `dcs.08.0002` (the backup timed out); began 1 Nov 01:00:05 UTC (09:00 Shanghai).

* **Backup:** [`backup_1`](<http://127.0.0.1:8000/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/\
backups/00000000-0000-4000-8000-000000000001/>), id `00000000-0000-4000-8000-000000000001`
* **Instance:** `orders-cache`, Redis 6.0, master/standby, 4 GB, Running
* **Started:** 2026-11-01 01:00:05 UTC (09:00 Shanghai), ended 2026-11-01 01:01:05 UTC (09:01 Shanghai), \
took 1 min
* **Type:** Automatic, planned for 22:00-23:00 UTC, RDB, 1,001 bytes
* **Remark:** `before *release*`

**Next:** Check the instance's load and data size at that time, and back up again when it is less busy.

**Source:** DCS, project `eu-prod` (`0123456789abcdef0123456789abcdef`), region `eu-west-101`, \
instance `5560df16-cebf-4473-95c4-d1b573c16e79`; read 2026-11-24 12:03:14 UTC (20:03 Shanghai), \
request id `4c1d0001`.

[Open in the backup portal](<http://127.0.0.1:8000/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/\
backups/00000000-0000-4000-8000-000000000001/>)"""
    )


@pytest.mark.parametrize(
    ("changes", "instance", "line"),
    [
        ({}, {}, "**Usable.** Data from 24 Nov 10:25:05 UTC, 1 h 38 min old when read"),
        ({}, {"save_days": 7}, "old when read; deleted about 1 Dec 10:25 UTC (7-day retention)."),
        (
            {},
            {"status": "ERROR"},
            "**Usable, but not now**: the instance is in ERROR; DCS restores only into a running instance.",
        ),
        ({"status": "waiting"}, {}, "**Waiting.** Began 24 Nov 10:25:05 UTC."),
        ({"status": "backuping", "progress": "40"}, {}, "**In progress, 40 %.** Began 24 Nov 10:25:05 UTC."),
        ({"status": "expired"}, {}, "**Expired.** Its file has expired; data from 24 Nov"),
        ({"status": "deleted"}, {}, "**Deleted.** Its file was deleted by hand; data from 24 Nov"),
        ({"status": "*x*"}, {}, "**Not known.** The portal does not know its status; data from"),
        ({"is_support_restore": "FALSE"}, {}, "**Not usable.** DCS says no, without a reason; data from"),
        ({"created_at": "soon", "execution_at": None}, {}, "**Usable.** DCS gives no readable time."),
    ],
)
def test_the_first_line_is_what_can_be_done_with_the_backup(changes, instance, line):
    policy = {
        "backup_type": "auto",
        "save_days": instance.pop("save_days", None),
        "periodical_backup_plan": {"backup_at": [1], "begin_at": "00:00-01:00"},
    }
    began = {"created_at": "2026-11-24T10:25:05Z", "execution_at": "2026-11-24T10:25:05Z"}
    record = backup(**{**began, "updated_at": "2026-11-24T10:26:00Z", **changes})

    text = backup_text(record, instance=an_instance(**instance, instance_backup_policy=policy))

    assert line in text.splitlines()[0]


@in_every_style
def test_a_backup_has_every_fact_in_every_style(markup, language):
    text = backup_text(backup(7, remark="INC-20418", size=2_140_000_000), markup=markup, language=language)

    facts = (INSTANCE_ID, "orders-cache", "eu-prod", "0123456789abcdef0123456789abcdef", "eu-west-101")
    facts += ("00000000-0000-4000-8000-000000000007", "backup_7", "INC-20418", "2.14 GB", "2,140,000,000")
    facts += ("2026-11-01 07:00:05 UTC", "2026-11-24 12:03:14 UTC", "4c1d0001", PAGE)
    assert [fact for fact in facts if fact not in text] == []
    assert ("Usable" if language == "en" else "可用") in text.splitlines()[0]


def test_the_language_of_the_text_is_that_of_its_style_whatever_was_written_before():
    """Jinja2 folds what it takes for constant into the language that compiles a template first."""
    listing = a_listing(*backups(12, status="failed", error_code="dcs.08.0008"), cut_short=True, promised=13)
    known = "DCS|UTC|ID|GB|RDB|Redis|orders-cache|eu-prod|eu-west-101|backup_|dcs.08|[0-9a-f-]{8,}|amp;"

    for language in ("en", "zh-hans", "en"):
        for markup in MARKUPS:
            style = {"markup": markup, "language": language}
            text = history_text(listing, "status=failed&range=30d&sort=-size&q=1", **style)
            text += backup_text(listing.records[0], listing, **style)
            words = re.sub(r"https?://[^\s>|\]]+", "", text)
            other = "[\u4e00-\u9fff]" if language == "en" else "[A-Za-z]{2,}"
            assert not re.findall(other, words if language == "en" else re.sub(known, "", words))
            assert "。 " not in text


def test_contradictions_and_times_that_cannot_be_true_or_are_missing_are_told():
    assert "**Attention:** DCS contradicts itself" in backup_text(backup(status="expired"))
    started = {"created_at": None, "execution_at": "2026-11-02T00:00:00Z"}
    backwards = backup_text(backup(**started, updated_at="2026-11-01T00:00:00Z"))
    unstarted = backup_text(backup(execution_at=None))

    assert "DCS gives an end before the start" in backwards
    assert "when the task was created; DCS does not say when it started" in unstarted


def test_a_zone_of_which_utc_is_the_offset_adds_no_time():
    assert "2026-11-01 20:00:05 UTC (2 Nov 04:00 Shanghai)" in backup_text(backup(20), zone=SHANGHAI)
    assert "(2 Nov 04:00 UTC+8)" in backup_text(backup(20), zone=ZoneInfo("Etc/GMT-8"))
    assert backup_text(backup(), zone=ZoneInfo("Europe/London")) == backup_text(backup())


# A history ---------------------------------------------------------------------------


def test_a_history_in_jira_s_markup():
    listing = a_listing(*backups(2), backup(3, status="failed", error_code="dcs.08.0008"))

    assert (
        history_text(listing, "status=failed", markup="jira")
        == """\
*Usable.* Data from 1 Nov 02:00:05 UTC, 23 d old when read.

Backups of {{orders-cache}} (Redis 6.0, master/standby, 4 GB, Running): 1 of 3 match (Status: Failed).

* Failed: [backup_3|http://127.0.0.1:8000/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/\
backups/00000000-0000-4000-8000-000000000003/], 2026-11-01 03:00:05 UTC, {{dcs.08.0008}} \
(the automatic backup did not run: the instance was busy with another task)

*Next:* {{dcs.08.0008}}: Nothing was backed up in this slot. \
Check what the instance was doing, and start a manual backup if needed.

*Source:* DCS, project {{eu-prod}} ({{0123456789abcdef0123456789abcdef}}), region {{eu-west-101}}, \
instance {{5560df16-cebf-4473-95c4-d1b573c16e79}}; read 2026-11-24 12:03:14 UTC, request id {{4c1d0001}}.

[Open in the backup portal|http://127.0.0.1:8000/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/\
?status=failed&to=2026-11-24T12:03:15Z&seen=2026-11-24T12:03:14Z]"""
    )


def test_five_rows_of_the_page_are_written_and_the_others_counted():
    text = history_text(a_listing(*backups(60)), "page=2&per_page=25&sort=started", markup="plain")

    assert re.findall(r"Succeeded: (backup_\d+) <", text) == [f"backup_{n}" for n in range(26, 31)]
    assert "and 55 more, at the link below" in text


@pytest.mark.parametrize(
    ("records", "instance", "line"),
    [
        ([backup(status="failed", error_code="dcs.08.0005")], {}, "**No usable backup.** 1 attempt failed"),
        ([], {}, "**No usable backup.** DCS lists none."),
        ([], {"cache_mode": "single"}, "**Single node.** DCS cannot back it up."),
        ([backup()], {"status": "FROZEN"}, "**Usable, but not now**: the instance is FROZEN; DCS restores"),
    ],
)
def test_the_first_line_of_a_history_is_the_verdict_on_its_instance(records, instance, line):
    assert history_text(a_listing(*records), instance=an_instance(**instance)).startswith(line)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("status=failed&status=other", "Status: Failed, Other"),
        ("type=auto&format=aof&restorable=no", "Type: Automatic; Format: AOF; Restorable: No"),
        ("q=Nightly+%60x%60&error=DCS.08.0002", "Error: `dcs.08.0002`; Words: `nightly`, `` `x` ``"),
        ("range=7d", "Data from: Last 7 days, from 17 Nov 12:03:20 UTC until before 24 Nov 12:03:15 UTC"),
        ("to=2026-11-23&sort=-size", "Data from: until before 24 Nov 00:00:00 UTC; Order: Size, descending"),
        ("sort=name", "Order: Name, ascending"),
    ],
)
def test_the_filter_is_said_in_words(query, words):
    assert f"match ({words}).\n" in history_text(a_listing(*backups(3)), query)


def test_a_list_that_is_not_filtered_is_counted():
    unnamed = an_instance(name="", engine=None, status=None)

    text = history_text(a_listing(backup(2), backup(status="failed")), "page=2", instance=unnamed)

    assert f"Backups of `{INSTANCE_ID}` (6.0, master/standby, 4 GB, No status): 2 listed, 1 usable." in text


# Honesty -----------------------------------------------------------------------------

PROBLEM = Problem(kind="timed_out", http_status=504, code="APIGW.0201", request_id="9f01", asked_at=NOW)


@in_every_style
@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        (
            {"source": "stale", "problem": PROBLEM},
            "DCS did not answer in time, so this is what DCS said at 24 Nov 12:03:14 UTC.",
            "因此这里是 DCS 在 11月24日 12:03:14 UTC 给出的数据",
        ),
        ({"cut_short": True, "promised": 9}, "DCS promised 9 backups and sent 1.", "9"),
        ({"moved": True}, "a backup may be missing or listed twice", "缺失或重复"),
        ({"truncated": True, "promised": 9}, "its newest 1 of 9 backups were read", "9"),
        ({"windowed": True}, "only the part around the chosen times was read", "部分"),
    ],
)
def test_a_list_that_is_not_the_truth_of_now_says_so(changes, english, chinese, markup, language):
    record = backup()
    listing = a_listing(record, **changes)
    # Wide punctuation stands outside of the marks: Markdown would not end them behind it.
    strong = {"markdown": "**", "jira": "*", "slack": "*", "plain": ""}[markup]
    attention = f"{strong}Attention:{strong} " if language == "en" else f"{strong}注意{strong}："

    for text in (
        history_text(listing, markup=markup, language=language),
        backup_text(record, listing, markup=markup, language=language),
    ):
        before_the_facts = "".join(text.splitlines()[:4])
        assert attention in before_the_facts
        assert (english if language == "en" else chinese) in before_the_facts
        if listing.problem:
            for code in ("HTTP 504", "APIGW.0201", "9f01"):
                assert code in before_the_facts


def test_a_backup_without_a_time_or_from_the_future_has_no_age_and_the_link_no_end():
    timeless = backup(created_at="soon", execution_at=None)
    future = backup(execution_at="2099-01-01T00:00:00Z")

    for odd in (timeless, future):
        assert "The link has no end" in history_text(a_listing(odd))
        assert "old when read" not in history_text(a_listing(odd))
    assert "The link has no end" not in history_text(a_listing(backup()))


@in_every_style
def test_what_dcs_did_not_tell_is_not_known(markup, language):
    problem = Problem(
        kind="access_denied", http_status=403, code="DCS.2003", message="no *right*", request_id="9f01"
    )
    about = About(PROJECT, INSTANCE_ID, None, "https://backups.example.com/x/", Style(markup, language))

    text = problem_ticket(about, problem=problem, now=NOW).text

    facts = (INSTANCE_ID, "HTTP 403", "DCS.2003", "9f01", "2026-11-24 12:03:20 UTC", about.link)
    facts += ("not known right now" if language == "en" else "目前无法得知",)
    assert [fact for fact in facts if fact not in text] == []


# Nothing breaks out --------------------------------------------------------------------

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "x\r\n* **Can be restored:** Restorable",
    "]] | [click](http://evil.example) <script>alert(1)</script>",
    "`` ` ``` @everyone {code} {color:red} !x.png! h1. *b*",
    "a\\|b\\\\|c",
    "\u202eoffline",
]


@in_every_style
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_changes_no_line_of_a_ticket(hostile, markup, language):
    """Wherever it is put, all lines but those that hold it stay as they are."""
    style = {"markup": markup, "language": language}
    places = ("remark", "backup_name", "backup_type", "backup_format", "status", "period", "error_code")
    for place in places:
        texts = [
            (history_text(a_listing(one, backup(2)), **style), backup_text(one, **style))
            for one in (backup(**{place: value}) for value in (hostile, "?harmless?"))
        ]
        for odd, even in zip(*texts, strict=True):
            lines = list(zip(odd.splitlines(), even.splitlines(), strict=True))
            assert all("?harmless?" in other.replace("\\", "") for one, other in lines if one != other)
            assert markup != "plain" or not re.search(r"^[=+\-@\t]|\t", odd, re.MULTILINE)
    text = history_text(a_listing(backup()), instance=an_instance(name=hostile, engine=hostile), **style)
    same = history_text(a_listing(backup()), instance=an_instance(name="?", engine="?"), **style)
    assert len(text.splitlines()) == len(same.splitlines())


def test_many_request_ids_are_counted():
    text = history_text(a_listing(backup(), request_ids=tuple(f"r{n}" for n in range(10))))

    assert "`r0`, `r1`, `r2`, `r3`, `r4` and 5 more" in text


# The vendor's support --------------------------------------------------------------------


def vendor_text(**known):
    about = About(PROJECT, INSTANCE_ID, an_instance(), PAGE, Style("plain", zone=SHANGHAI))
    return vendor_ticket(about, now=NOW, **known).text


def test_the_vendor_s_support_gets_a_question_ids_codes_and_times_in_utc_and_no_names():
    failed = [backup(n, status="failed", error_code="dcs.08.0005", remark="secret") for n in (3, 2, 1)]

    assert (
        vendor_text(listing=a_listing(*failed), record=failed[0])
        == """\
Why did this backup fail, and what has to change for the next one to succeed?

• Project id: 0123456789abcdef0123456789abcdef
• Region: eu-west-101
• Instance id: 5560df16-cebf-4473-95c4-d1b573c16e79
• Backup id: 00000000-0000-4000-8000-000000000003
• Status: failed
• Error code: dcs.08.0005
• Created: 2026-11-01 03:00:00 UTC
• Started: 2026-11-01 03:00:05 UTC
• Last changed: 2026-11-01 03:01:05 UTC
• Other failed backups: 00000000-0000-4000-8000-000000000002, 00000000-0000-4000-8000-000000000001
• Call: ListBackupRecords
• Read from DCS: 2026-11-24 12:03:14 UTC
• Request ids of the list: 4c1d0001"""
    )


@pytest.mark.parametrize(
    ("changes", "question"),
    [
        ({}, "Can this backup be restored"),
        ({"status": "expired"}, "Is there any way to get it back?"),
        ({"status": "backuping"}, "when will it finish?"),
        ({"status": "failed", "error_code": "dcs.08.0008"}, "Which task kept the instance busy"),
        ({"is_support_restore": "FALSE"}, "Why can this backup not be restored"),
    ],
)
def test_the_question_is_what_one_would_ask_of_such_a_backup(changes, question):
    assert question in vendor_text(record=backup(**changes)).splitlines()[0]


def test_of_a_call_that_failed_the_vendor_is_told_what_it_answered():
    text = vendor_text(problem=PROBLEM)

    for fact in (
        "Why did this call fail",
        "HTTP 504",
        "APIGW.0201",
        "9f01",
        "Asked: 2026-11-24 12:03:20 UTC",
    ):
        assert fact in text
    assert "is there an outage" in vendor_text(problem=Problem(kind="unreachable", asked_at=NOW))
