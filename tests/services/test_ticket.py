"""What is pasted into a ticket: all that matters for the incident, and what is uncertain about it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backups.dcs.records import BackupRecord
from backups.services.problems import Problem
from backups.services.tickets.markup import MARKUPS
from backups.services.tickets.renderer import About, Style
from backups.services.tickets.texts import problem_ticket

from .api_records import raw, raws
from .tickets import INSTANCE_ID, NOW, PROJECT, READ, a_listing, an_instance, backup_text, history_text

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVERY_STYLE = [(markup, language) for markup in MARKUPS for language in ("en", "zh-hans")]
in_every_style = pytest.mark.parametrize(("markup", "language"), EVERY_STYLE)


def backup(number: int = 1, **changes: Any) -> BackupRecord:
    return BackupRecord.from_api(raw(number, **changes))


def backups(count: int, **changes: Any) -> list[BackupRecord]:
    return [BackupRecord.from_api(one) for one in raws(count, **changes)]


# One backup --------------------------------------------------------------------------


def test_a_backup_in_markdown() -> None:
    failed = backup(
        1, status="failed", is_support_restore="FALSE", error_code="dcs.08.0002", remark="before *release*"
    )

    assert (
        backup_text(failed, zone=SHANGHAI)
        == """\
#### DCS backup `backup_1` of `orders-cache`

* **Instance:** `orders-cache`, id `5560df16-cebf-4473-95c4-d1b573c16e79`
* **Kind:** Redis 6.0, master/standby, 4 GB, Running
* **Backup id:** `00000000-0000-4000-8000-000000000001`
* **Status:** Failed
* **Can be restored:** No: it failed
* **DCS says restorable:** No
* **Data from:** 2026-11-01 01:00:05 UTC (2026-11-01 09:00:05 UTC+8)
* **Finished:** 2026-11-01 01:01:05 UTC (2026-11-01 09:01:05 UTC+8)
* **Took:** 1 m 0 s
* **Size:** 1,001 bytes
* **Type:** Automatic, planned for 22:00-23:00 UTC
* **Format:** RDB
* **Error:** `dcs.08.0002`, The backup timed out
* **Remark:** `before *release*`
* **Project:** `eu-prod`, id `0123456789abcdef0123456789abcdef`, region `eu-west-101`
* **Read from DCS:** 2026-11-24 12:03:14 UTC (2026-11-24 20:03:14 UTC+8)
* **Request id:** `4c1d0001`
* **Link:** <https://backups.example.com/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/\
backups/00000000-0000-4000-8000-000000000001/>

To check it with the official command line, which exits with 0 on errors too:

```sh
hcloud DCS ListBackupRecords --cli-region="eu-west-101" --project_id="0123456789abcdef0123456789abcdef" \
--instance_id="5560df16-cebf-4473-95c4-d1b573c16e79" \
--begin_time="20261101010000" --end_time="20261101010106" --limit=1000 --offset=0 --cli-output=json \
--cli-query="backup_record_response[?backup_id=='00000000-0000-4000-8000-000000000001']"
```"""
    )


@in_every_style
def test_a_backup_has_every_fact_in_every_style(markup: str, language: str) -> None:
    text = backup_text(backup(7, remark="INC-20418", size=2_140_000_000), markup=markup, language=language)

    facts = (INSTANCE_ID, "orders-cache", "eu-prod", "0123456789abcdef0123456789abcdef", "eu-west-101")
    facts += ("00000000-0000-4000-8000-000000000007", "backup_7", "INC-20418", "2.14 GB", "2,140,000,000")
    facts += (
        "2026-11-01 07:00:05 UTC",
        "2026-11-24 12:03:14 UTC",
        "4c1d0001",
        "hcloud DCS ListBackupRecords",
    )
    assert [fact for fact in facts if fact not in text] == []
    assert ("Restorable" if language == "en" else "可恢复") in text


def test_the_language_of_the_text_is_that_of_its_style_whatever_was_written_before() -> None:
    """Jinja2 folds what it takes for constant into the language that compiles a template first."""
    listing = a_listing(*backups(12, status="failed", error_code="dcs.08.0008"), cut_short=True, promised=13)
    known = "DCS|UTC|ID|GB|RDB|Redis|orders-cache|eu-prod|eu-west-101|backup_|dcs.08|h4|[0-9a-f-]{8,}"

    for language in ("en", "zh-hans", "en"):
        for markup in MARKUPS:
            style = {"markup": markup, "language": language}
            text = history_text(listing, "status=failed&range=30d&sort=-size&q=1", **style)
            text += backup_text(listing.records[0], listing, **style)
            words = re.sub(r"hcloud DCS .*|https?://\S+|```sh|\{noformat\}", "", text)
            other = "[\u4e00-\u9fff]" if language == "en" else "[A-Za-z]{2,}"
            assert not re.findall(other, words if language == "en" else re.sub(known, "", words))
            assert "。 " not in text


def test_contradictions_and_times_that_cannot_be_true_or_are_missing_are_told() -> None:
    expired = backup_text(backup(status="expired"))
    assert "**Attention:** DCS contradicts itself" in expired
    verdict = "**Can be restored:** No: its file has expired; DCS still says that it can be restored\n"
    assert verdict in expired
    assert "**Can be restored:** Unknown: its status is not known" in backup_text(backup(status="*x*"))
    started = {"created_at": None, "execution_at": "2026-11-02T00:00:00Z"}
    backwards = backup_text(backup(**started, updated_at="2026-11-01T00:00:00Z"))
    unstarted = backup_text(backup(execution_at=None))
    timeless = backup_text(backup(created_at="soon", execution_at=None, updated_at=None))

    assert "**Took:** unclear: DCS gives an end before the start" in backwards
    assert "UTC, when the task was created; DCS does not tell when it started" in unstarted
    assert "**Data from:** DCS gives no time that can be read." in timeless
    assert "**Finished:**" not in timeless


def test_a_chosen_zone_has_a_column_and_one_of_which_utc_is_the_offset_adds_no_time() -> None:
    text = history_text(a_listing(backup(20)), zone=SHANGHAI)

    assert "| Data from (UTC) | Data from (Asia/Shanghai) |" in text
    assert "| 2026-11-01 20:00:05 UTC | 2026-11-02 04:00:05 UTC+8 |" in text
    assert backup_text(backup(), zone=ZoneInfo("Europe/London")) == backup_text(backup())


# A history ---------------------------------------------------------------------------


def test_a_history_in_jira_s_markup() -> None:
    listing = a_listing(*backups(2), backup(3, status="failed", error_code="dcs.08.0008"))

    assert (
        history_text(listing, "status=succeed", markup="jira")
        == """\
h4. DCS backup history of {{orders-cache}}

* *Instance:* {{orders-cache}}, id {{5560df16-cebf-4473-95c4-d1b573c16e79}}
* *Kind:* Redis 6.0, master/standby, 4 GB, Running
* *Newest usable backup:* {{backup_2}}, id {{00000000-0000-4000-8000-000000000002}}, \
data from 2026-11-01 02:00:05 UTC, 1,002 bytes; its data was 562 h 3 m old when the list was read
* *Last attempt:* Failed: {{backup_3}}, id {{00000000-0000-4000-8000-000000000003}}, \
data from 2026-11-01 03:00:05 UTC, 1,003 bytes, {{dcs.08.0008}}, \
The automatic backup did not run: the instance was busy with another task
* *Success in 30 days:* 66.6 %, 2 of 3 that ended
* *Usable now:* 2 of 3
* *Filter:* Status: Succeeded
* *Matching backups:* 2 of 3
* *Project:* {{eu-prod}}, id {{0123456789abcdef0123456789abcdef}}, region {{eu-west-101}}
* *Read from DCS:* 2026-11-24 12:03:14 UTC
* *Request id:* {{4c1d0001}}
* *Link:* http://127.0.0.1:8000/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/\
?status=succeed&to=2026-11-24T12:03:15Z&seen=2026-11-24T12:03:14Z

||Status||Restore||Backup||Backup id||Type||Data from (UTC)||Took||Size||Remark or error||
|Succeeded|Restorable|{{backup_2}}|{{00000000-0000-4000-8000-000000000002}}|Automatic|\
2026-11-01 02:00:05 UTC|1 m 0 s|1,002 bytes| |
|Succeeded|Restorable|{{backup_1}}|{{00000000-0000-4000-8000-000000000001}}|Automatic|\
2026-11-01 01:00:05 UTC|1 m 0 s|1,001 bytes| |

DCS filters by time only: the other filters and the order are the portal's. \
To check it with the official command line, which exits with 0 on errors too:

{noformat}
hcloud DCS ListBackupRecords --cli-region="eu-west-101" --project_id="0123456789abcdef0123456789abcdef" \
--instance_id="5560df16-cebf-4473-95c4-d1b573c16e79" --end_time="20261124120315" --limit=1000 --offset=0 \
--cli-output=json
{noformat}"""
    )


def test_ten_rows_of_the_page_are_written_and_the_others_counted() -> None:
    text = history_text(a_listing(*backups(60)), "page=2&per_page=25&sort=started", markup="plain")

    assert "Backups 26 to 35 of 60:" in text
    assert re.findall(r"\| (backup_\d+) \|", text) == [f"backup_{n}" for n in range(26, 36)]
    assert "and 50 more, at the link above" in text
    assert "Last attempt: Succeeded: the newest usable backup\n" in text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("page=2", "none"),
        ("status=failed&status=other", "Status: Failed, Other"),
        ("type=auto&format=aof&restorable=no", "Type: Automatic; Format: AOF; Restorable: No"),
        ("q=Nightly+%60x%60&error=DCS.08.0002", "Error: `dcs.08.0002`; Words: `nightly`, `` `x` ``"),
        (
            "range=7d",
            "Data from: Last 7 days, from 2026-11-17 12:03:20 UTC until before 2026-11-24 12:03:15 UTC",
        ),
        (
            "to=2026-11-23&sort=-size",
            "Data from: until before 2026-11-24 00:00:00 UTC; Order: Size, descending",
        ),
        ("sort=name", "Order: Name, ascending"),
    ],
)
def test_the_filter_is_said_in_words(query: str, words: str) -> None:
    assert f"**Filter:** {words}\n" in history_text(a_listing(*backups(3)), query)


def test_what_is_not_there_is_said_and_how_the_command_of_a_long_list_goes_on() -> None:
    unnamed = an_instance(name="", engine=None, status=None)
    text = history_text(a_listing(backup(status="failed")), instance=unnamed)

    assert "**Newest usable backup:** none: no backup in this list can be restored now" in text
    assert f"**Instance:** `{INSTANCE_ID}`\n" in text
    assert "--offset=1000, 2000" not in text
    assert "--offset=1000, 2000 and so on" in history_text(a_listing(*backups(1001)))


# Honesty -----------------------------------------------------------------------------

PROBLEM = Problem(kind="timed_out", http_status=504, code="APIGW.0201", request_id="9f01", asked_at=NOW)


@in_every_style
@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        (
            {"source": "stale", "problem": PROBLEM},
            "DCS did not answer in time, so this is what DCS said at 2026-11-24 12:03:14 UTC.",
            "因此这里是 DCS 在 2026-11-24 12:03:14 UTC 给出的数据",
        ),
        ({"source": "stale"}, "This list is old, and a newer one was being read.", "不是最新的"),
        ({"cut_short": True, "promised": 9}, "DCS promised 9 backups and sent 1.", "9"),
        ({"moved": True}, "a backup may be missing or doubled", "缺失或重复"),
        ({"truncated": True, "promised": 9}, "its newest 1 of 9 backups were read", "9"),
        ({"windowed": True}, "only the part around the chosen times was read", "部分"),
    ],
)
def test_a_list_that_is_not_the_truth_of_now_says_so(
    changes: dict[str, Any], english: str, chinese: str, markup: str, language: str
) -> None:
    record = backup()
    listing = a_listing(record, **changes)
    attention = "Attention:" if language == "en" else "注意："

    for text in (
        history_text(listing, markup=markup, language=language),
        backup_text(record, listing, markup=markup, language=language),
    ):
        before_the_facts = text.split(INSTANCE_ID)[0]
        assert attention in before_the_facts
        assert (english if language == "en" else chinese) in before_the_facts
        if listing.problem:
            for code in ("HTTP 504", "APIGW.0201", "9f01"):
                assert code in before_the_facts


def test_a_backup_without_a_time_or_from_the_future_has_no_age_and_the_link_no_end() -> None:
    timeless = backup(created_at="soon", execution_at=None)
    future = backup(execution_at="2099-01-01T00:00:00Z")

    for odd in (timeless, future):
        assert "The link has no end" in history_text(a_listing(odd))
        assert "old when the list was read" not in history_text(a_listing(odd))
    assert "The link has no end" not in history_text(a_listing(backup()))


@in_every_style
def test_what_dcs_did_not_tell_is_not_known(markup: str, language: str) -> None:
    problem = Problem(
        kind="access_denied", http_status=403, code="DCS.2003", message="no *right*", request_id="9f01"
    )
    about = About(PROJECT, INSTANCE_ID, None, "https://backups.example.com/x/", "hcloud DCS x")

    text = problem_ticket(about, problem, now=NOW, style=Style(markup, language))

    facts = (INSTANCE_ID, "HTTP 403", "DCS.2003", "9f01", "2026-11-24 12:03:20 UTC", "hcloud DCS x")
    facts += ("is not known now" if language == "en" else "目前无法得知",)
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
def test_a_hostile_text_changes_no_line_of_a_ticket(hostile: str, markup: str, language: str) -> None:
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


def test_many_request_ids_are_counted_and_ages_are_those_at_the_time_of_reading() -> None:
    ids = tuple(f"r{n}" for n in range(10))

    text = history_text(a_listing(backup(), request_ids=ids, read_at=READ - timedelta(days=20)))

    assert "`r0`, `r1`, `r2`, `r3`, `r4` and 5 more" in text
    assert "its data was 83 h 3 m old when the list was read" in text
