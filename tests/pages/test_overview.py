"""The head of a history: policy, figures, day strip, sizes and hints, and the rows behind each."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from tests.conftest import forget_everything
from tests.services.api_records import (
    DCS_SAYS_NO,
    DELETED,
    EXPIRED,
    FAILED,
    MANUAL,
    NOT_RUN,
    RUNNING,
    api_time,
    raw,
)

from .addresses import BULK
from .conftest import ORDERS, history_of, rows_of, text_of

pytestmark = pytest.mark.usefixtures("portal")


def now():
    return datetime.now(UTC)


def ago(days, **changes):
    """A raw automatic backup whose data is from so many days ago."""
    started = now() - timedelta(days=days)
    times = dict.fromkeys(("created_at", "execution_at"), api_time(started))
    times["updated_at"] = api_time(started + timedelta(seconds=60))
    return raw(1, **{"backup_id": f"b-{days}", "size": 2_000_000_000, **times, **changes})


def a_history():
    return [
        ago(0.01, **RUNNING, updated_at=api_time(now())),
        ago(1, size=2_140_000_000),
        ago(2, **FAILED),
        ago(2.04, **NOT_RUN),
        ago(3, **DCS_SAYS_NO),
        ago(4, **MANUAL),
        ago(5, **EXPIRED),
        ago(6, **DELETED, **MANUAL),
        ago(40),
        ago(41, **FAILED),
    ]


def figures_in(response):
    """The figures of a page by their label: what each says, and where it leads."""
    found = {}
    for label, link, said in re.findall(
        r'<dt>(.*?)</dt>\s*<dd><a class="all" href="([^"]*)"[^>]*>(.*?)</a>',
        response.content.decode(),
        flags=re.DOTALL,
    ):
        words = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", said))).strip()
        found[label] = words, html.unescape(link).removesuffix("#backups")
    return found


def said_in(response):
    """The sentence of the verdict, with its tags."""
    [said] = re.findall(r'<p class="said".*?</p>', response.content.decode(), flags=re.DOTALL)
    return said


def days_in(response):
    """The days of the strip: what each is called in words, and where it leads."""
    cells = re.findall(r'<a class="cell" href="([^"]*)" title="([^"]*)"', response.content.decode())
    return [(html.unescape(title), html.unescape(link).removesuffix("#backups")) for link, title in cells]


# The policy ------------------------------------------------------------------


def test_the_head_tells_the_backup_policy_in_words_of_each_language(ada):
    page = ada.get(ORDERS)
    assert "Backup policy: automatic, Mon to Sun at 22:00 UTC, kept 7 days" in text_of(page)
    assert '<span class="nowrap">7-day retention</span>' in page.content.decode()
    ada.cookies["portal_language"] = "zh-hans"
    assert "备份策略：自动备份，周一至周日 22:00 UTC，保留 7 天" in text_of(ada.get(ORDERS))


def planned(**plan):
    return {"backup_type": "auto", "periodical_backup_plan": plan}


POLICIES = [
    # instance_backup_policy; the words
    (None, "No backup policy"),
    ({"backup_type": "manual"}, "Backup policy: automatic backups are off"),
    ({"save_days": 7}, "Backup policy: in a format that the portal cannot read"),
    ({"backup_type": "auto"}, "Backup policy: automatic, days and time unknown, kept for an unknown time"),
    (
        planned(backup_at=[1, 3, 5], begin_at="03:00-04:00") | {"save_days": 1},
        "Backup policy: automatic, Mon, Wed, Fri at 03:00 UTC, kept 1 day",
    ),
    (
        planned(begin_at="03:00-04:00"),
        "Backup policy: automatic, at 03:00 UTC on unknown days, kept for an unknown time",
    ),
]


@pytest.mark.parametrize(("policy", "words"), POLICIES)
def test_what_is_unknown_of_a_policy_is_said_to_be_so(ada, emulator, policy, words):
    instance = emulator.fleet.add_instance("with-a-policy", backup_policy=policy)

    assert words in text_of(ada.get(history_of(instance.instance_id)))


def test_without_show_instance_the_head_is_whole_but_for_what_only_it_tells(ada, emulator, reread):
    reread(a_history())  # which asks for the list alone
    emulator.fail_with(500)

    page = ada.get(ORDERS)

    assert figures_in(page)["Usable"][0] == "3 of 10"
    assert len(days_in(page)) == 30
    assert "Backup policy" not in text_of(page)
    assert "missed" not in text_of(page)


# Figures ---------------------------------------------------------------------


@pytest.fixture
def history(lists, ada):
    lists(a_history())
    return ada.get(f"{ORDERS}?status=failed&q=backup&page=2&tz=Asia/Kolkata&per_page=25&team=on-call")


FIGURES = [
    # label, what the figure says, the rows behind it
    ("Last attempt", "In progress", ["b-0.01"]),
    (
        "Success, 30 days",
        "71.4 % 5 of 7 attempts · 1 did not run",
        ["b-1", "b-2", "b-2.04", "b-3", "b-4", "b-5", "b-6"],
    ),
    ("Usable", "3 of 10", ["b-1", "b-4", "b-40"]),
    ("Newest size", "2.14 GB +7.0 % vs. the one before", ["b-1", "b-3", "b-4", "b-5", "b-6", "b-40"]),
]


def test_a_figure_is_of_the_whole_history_leads_to_its_rows_and_keeps_what_is_no_filter(ada, history):
    figures = figures_in(history)

    for label, says, behind in FIGURES:
        said, link = figures[label]
        query = dict(parse_qsl(urlsplit(link).query))
        assert said.startswith(says)
        assert rows_of(ada.get(link)) == behind
        assert (query["tz"], query["per_page"], query["team"]) == ("Asia/Kolkata", "25", "on-call")
        assert "page" not in query
    for query in ("", "status=expired", "q=zzzz", "from=2026-01-01&to=2026-01-02"):
        assert figures_in(ada.get(f"{ORDERS}?{query}"))["Usable"][0].startswith("3 of 10")


def test_the_newest_usable_and_the_last_failure_can_be_opened(ada, lists):
    failures = [ago(n / 10, **FAILED, backup_id=f"failed-{n}") for n in (1, 2, 3)]
    lists([*failures, ago(0.9, backup_id="usable")])

    links = re.findall(r'href="([^"]*)"', said_in(ada.get(ORDERS)))

    assert links == [f"{ORDERS}backups/failed-1/", f"{ORDERS}backups/usable/"]


def test_where_nothing_came_to_an_end_no_rate_is_made_up(ada, lists):
    lists([ago(0.001, **RUNNING)])

    figures = figures_in(ada.get(ORDERS))

    assert figures["Success, 30 days"][0].endswith("None has ended")
    assert "Newest size" not in figures


def test_an_empty_history_has_no_figures_and_no_days_and_one_size_makes_no_chart(ada, lists):
    lists([])
    page = ada.get(ORDERS)
    forget_everything()
    lists([ago(1)])

    assert figures_in(page) == {}
    assert days_in(page) == []
    assert "This instance has no backups" in text_of(page)
    assert 'class="sizes"' not in ada.get(ORDERS).content.decode()


# The day strip ---------------------------------------------------------------


def test_a_day_leads_to_its_rows_by_absolute_times(ada, lists):
    lists(a_history())
    day = (now() - timedelta(days=1)).date()

    title, link = days_in(ada.get(f"{ORDERS}?status=expired&sort=size"))[-2]

    query = dict(parse_qsl(urlsplit(link).query))
    assert query == {"sort": "size", "from": f"{day}T00:00:00Z", "to": f"{day + timedelta(days=1)}T00:00:00Z"}
    # Of today's hours, those after midnight find the backup in progress on this day too.
    assert title.startswith(f"{day:%a} {day.day} {day:%b}: usable (1 usable")
    assert "b-1" in rows_of(ada.get(link))


def test_every_day_leads_to_as_many_rows_as_it_counts_and_a_second_click_shows_all_days(ada):
    history = ada.get(ORDERS)
    for title, link in days_in(history)[::4]:
        counted = sum(int(number) for number in re.findall(r"\b(\d+) (?=[a-z])", title.partition("(")[2]))
        page = ada.get(link)
        assert len(rows_of(page)) == counted

    [chosen] = re.findall(r'<a class="cell" href="([^"]*)"[^>]* aria-current="true"', page.content.decode())
    assert len(rows_of(ada.get(html.unescape(chosen)))) > len(rows_of(page))
    [legend] = re.findall(r'<ul class="legend">.*?</ul>', history.content.decode(), flags=re.DOTALL)
    counts = re.findall(r'<span class="n">(\d+)</span>', legend.partition("failed as well")[0])
    assert sum(map(int, counts)) == 30


def test_days_are_those_of_the_links_zone_and_not_of_the_viewers(ada):
    ada.post("/preferences/", {"zone": "America/New_York"})

    assert "days in UTC" in text_of(ada.get(ORDERS))
    page = ada.get(f"{ORDERS}?tz=Asia/Kolkata")
    assert "days in Asia/Kolkata" in text_of(page)
    assert "T18%3A30%3A00Z" in days_in(page)[0][1] or "T18:30:00Z" in days_in(page)[0][1]


def test_an_incomplete_list_has_no_missed_days(ada, emulator, lists):
    records = [ago(days) for days in (1, 9, 20)]
    lists(records)
    assert "missed" in text_of(ada.get(ORDERS))
    forget_everything()
    page = b'{"total_num": 5, "backup_record_response": %s}'
    emulator.answer_body(page % json.dumps(records).encode(), path_contains=f"{ORDERS_CACHE_ID}/backups")

    shown = ada.get(ORDERS)

    assert "This list is not whole" in text_of(shown)
    assert "missed" not in text_of(shown)
    assert "Figures and days cover only the 3 backups that were read." in text_of(shown)


def test_figures_of_a_very_long_history_are_of_its_newest_part_and_say_so(ada, portal, emulator):
    portal.DCS_MAX_RECORDS = 1_000
    newest = figures_in(ada.get(BULK))
    old = now() - timedelta(days=50)

    by_window = ada.get(f"{BULK}?from={old:%Y-%m-%d}&to={old + timedelta(days=2):%Y-%m-%d}")

    assert "cover only the newest 1000 backups, which are all that was read." in text_of(by_window)
    assert len(rows_of(by_window)) == 50
    assert figures_in(by_window) == newest
    usable = sum(b'"succeed"' in row.text for row in emulator.fleet.backups(BULK_HISTORY_ID))
    assert newest["Usable"][0].startswith(f"{usable} of 1000")


def test_the_size_chart_is_told_in_words_and_leads_to_its_rows(ada, history):
    said = text_of(history)
    [link] = re.findall(r'<a href="([^"#]*)#backups">Show them</a>', history.content.decode())

    assert "Sizes of the newest 6 backups that succeeded" in said
    assert "the smallest 2.00 GB , the largest 2.14 GB ." in said
    assert rows_of(ada.get(html.unescape(link))) == ["b-1", "b-3", "b-4", "b-5", "b-6", "b-40"]


# Hints -----------------------------------------------------------------------

HINTS = [
    # the history, the sentence, the rows behind it
    (lambda: [ago(1, size=500), ago(2)], "The size fell by more than half: from 2.00 GB at", ["b-1", "b-2"]),
    (
        lambda: [ago(n / 24, backup_id=f"b-{n}") for n in range(1, 11)],
        "Automatic backups ran about every 4 h 48 min, but the policy plans one every 1 d.",
        [f"b-{n}" for n in range(1, 11)],
    ),
    (
        lambda: [ago(1), ago(2, **{**EXPIRED, "is_support_restore": "TRUE"}), ago(3, **EXPIRED)],
        "DCS contradicts itself on 1 backup",
        ["b-2"],
    ),
]


@pytest.mark.parametrize(("records", "sentence", "behind"), HINTS)
def test_a_hint_leads_to_the_rows_behind_it(ada, lists, records, sentence, behind):
    lists(records())

    page = ada.get(ORDERS)

    assert sentence in text_of(page)
    assert rows_of(ada.get(hint_link(page))) == behind


def test_three_failures_in_a_day_lead_to_them(ada, lists):
    day = (now() - timedelta(days=3)).replace(hour=3, minute=0, second=0, microsecond=0)
    began = (now() - day) / timedelta(days=1)
    failures = [ago(began - hour / 24, **FAILED, backup_id=f"f-{hour}") for hour in range(3)]
    lists([ago(0.5), *failures, ago(6)])

    page = ada.get(ORDERS)

    assert f"On {day:%a} {day.day} {day:%b} (UTC) three or more automatic backups failed" in text_of(page)
    assert rows_of(ada.get(hint_link(page))) == ["f-2", "f-1", "f-0"]


def hint_link(page):
    """The first link of the hints."""
    [hints] = re.findall(
        r'<section class="notice hints".*?</section>', page.content.decode(), flags=re.DOTALL
    )
    return html.unescape(re.findall(r'<a href="([^"#]*)', hints)[0])


# How long a file is kept -----------------------------------------------------


KEPT = {
    "b-1": r"until about \d+ \w+ \d\d:\d\d UTC \(7-day retention\).* "
    "File 1 of at most 24, counted from the newest: deleted after 24 more backups. An estimate",
    "b-4": "Kept until it is deleted by hand File 3 of at most 24, counted from the newest: deleted after 22",
    "b-40": "Kept beyond its 7 days: it may go at any time",
}


def test_row_and_page_of_a_backup_tell_how_long_its_file_is_likely_to_be_kept(ada, lists):
    records = a_history()
    lists(records)
    until = datetime.fromisoformat(records[1]["execution_at"]) + timedelta(days=7)

    page = ada.get(ORDERS).content.decode()

    titles = dict(re.findall(r'data-backup-id="([^"]*)".*?<td class="c-status"(.*?)>', page, flags=re.DOTALL))
    assert titles["b-1"] == (
        f' title="Estimate: kept until about {until.day} {until:%b %H:%M} UTC (7-day retention); '
        'file 1 of at most 24: deleted after 24 more backups"'
    )
    assert titles["b-4"].startswith(' title="Estimate: kept until deleted by hand; file 3 of at most 24')
    assert titles["b-40"].startswith(' title="Estimate: kept beyond its 7 days; file 4 of at most 24')
    assert {titles[name] for name in ("b-0.01", "b-2", "b-2.04", "b-5", "b-6", "b-41")} == {""}
    for backup, words in KEPT.items():
        assert re.search(words, text_of(ada.get(f"{ORDERS}backups/{backup}/")))
    for backup in ("b-2", "b-5"):
        assert "An estimate" not in text_of(ada.get(f"{ORDERS}backups/{backup}/"))
