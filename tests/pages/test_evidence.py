"""What DCS no longer lists: a page, a row, a day and a file tell it as it was last seen."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format

from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.models import Note, Reading
from backups.services.listings import reader, recorded_backups
from tests.services.api_records import EXPIRED, RUNNING, api_time, raw, raws

from .addresses import POINT, id_of, page_of
from .conftest import ORDERS, PROJECT, all_of, csv_rows, links_of, rows_of, text_of


@pytest.fixture
def read_again(ada, portal, lists):
    """Let the portal read the list of orders-cache, of these records now, and write down what it says."""

    def read(*records):
        if records:
            lists(records)
        fresh, portal.DCS_FRESH_SECONDS = portal.DCS_FRESH_SECONDS, 0
        Note.objects.filter(key__startswith="failure:").delete()  # it would hold the call back
        ada.get(PROJECT)
        ada.get(ORDERS)
        assert reader.wait_for_readers()
        portal.DCS_FRESH_SECONDS = fresh

    return read


@pytest.fixture
def one_left(emulator, read_again):
    """Backup 2 of five has left the list."""
    read_again(*raws(5))
    emulator.remove_record(ORDERS_CACHE_ID, id_of(2))
    read_again()


@pytest.fixture
def most_missing(read_again):
    """Four of five backups are missing from the list at once."""
    read_again(*raws(5))
    read_again(raw(1, **EXPIRED))


# One backup ----------------------------------------------------------------------------


@pytest.mark.usefixtures("one_left")
def test_a_backup_that_dcs_no_longer_lists_is_a_page_with_what_was_last_known(ada, emulator):
    emulator.clear_calls()

    page = ada.get(page_of(2))

    shown = text_of(page)
    assert page.status_code == 200
    for words in (
        "DCS no longer lists this backup: it was last seen at",
        "This backup cannot be restored Reason: DCS no longer lists it.",
        "1,002 bytes",
        "backup_name backup_2",
        "No longer listed between",
    ):
        assert words in shown, words
    assert links_of(page, 'rel="prev"') == [page_of(1)]
    assert "DCS no longer lists this backup: it was last seen at" in text_of(ada.get(f"{page_of(2)}ticket/"))
    # Nobody looks for it at DCS, however often it is opened.
    assert emulator.calls == ()
    assert ada.get(page_of(9999)).status_code == 404


@pytest.mark.usefixtures("one_left")
def test_the_link_opens_when_the_instance_is_gone_and_says_why(ada, emulator, read_again):
    emulator.remove_instance(ORDERS_CACHE_ID)
    read_again()

    for number in (2, 3):
        page = ada.get(page_of(number))

        assert page.status_code == 200
        assert "DCS says that the instance does not exist" in text_of(page)
        assert "This backup cannot be restored" in text_of(page)
        assert "DCS says that the instance does not exist" in text_of(ada.get(f"{page_of(number)}ticket/"))


@pytest.mark.usefixtures("one_left")
def test_a_refusal_is_no_word_on_the_instance_and_one_that_the_project_s_list_lacks_is_called_that(
    ada, emulator, read_again
):
    emulator.fail_with(403)
    read_again()

    refused = text_of(ada.get(page_of(3)))
    emulator.heal()
    emulator.hide_instance(ORDERS_CACHE_ID)
    read_again()
    unlisted = text_of(ada.get(page_of(3)))

    assert "DCS does not let the portal read this" in refused
    assert "DCS could not be asked" in refused
    assert "does not exist" not in refused + unlisted
    assert "no longer in the project's list, since the reading of" in unlisted
    assert "This backup can be restored" in unlisted


def test_the_timeline_tells_readings_and_gaps_and_no_instant_that_nobody_saw(ada, emulator, read_again):
    read_again(*raws(4), raw(5, **RUNNING))
    read_again(*raws(5))
    emulator.fail_with(500)
    read_again()
    emulator.heal()
    read_again(*raws(4), raw(5, **EXPIRED))
    times = seven_minutes_apart()

    when = events_of(ada.get(page_of(5)))

    seen = ["First seen In progress", "Succeeded", "DCS could not be asked", "Expired", "Last seen"]
    assert list(when) == ["Created", "Started", "Ended", *seen]
    assert when["First seen In progress"].startswith(f"by {clock(times[0])}")
    assert when["Succeeded"].startswith(f"between {clock(times[0])} and {clock(times[1])}")
    assert "Restorable: No → Yes" in when["Succeeded"]
    assert when["DCS could not be asked"].startswith(f"{clock(times[2])} · DCS has an internal error")
    assert when["Expired"].startswith(f"between {clock(times[1])} and {clock(times[3])}")


def seven_minutes_apart():
    """Let all readings be so far apart, the last one a minute ago; return their times."""
    readings = list(Reading.objects.order_by("pk"))
    last = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    for back, reading in enumerate(reversed(readings)):
        reading.first_at = reading.last_at = last - back * timedelta(minutes=7)
        reading.save()
    return [reading.first_at for reading in readings]


def clock(moment):
    return f"{date_format(moment, 'j M')} {moment:%H:%M:%S} UTC"


def events_of(page):
    """What the timeline says happened, and when."""
    [panel] = re.findall(r'<ol class="timeline">(.*?)</ol>', page.content.decode(), flags=re.DOTALL)
    events = re.findall(r'<span class="what">(.*?)<span class="when">(.*?)</li>', panel, flags=re.DOTALL)
    words = [[" ".join(re.sub(r"<[^>]*>", " ", part).split()) for part in event] for event in events]
    return dict(words)


# A history -----------------------------------------------------------------------------


@pytest.mark.usefixtures("one_left")
def test_no_longer_listed_is_a_chip_and_its_rows_are_dated_and_never_usable(ada):
    usual = ada.get(ORDERS)
    unlisted = ada.get(f"{ORDERS}?listed=no")
    both = ada.get(f"{ORDERS}?listed=no&listed=yes")

    assert rows_of(usual) == [id_of(n) for n in (5, 4, 3, 1)]
    assert re.search(r"No longer listed\s+1\b", text_of(usual))
    assert f"{ORDERS}?listed=no" in links_of(usual)
    assert rows_of(unlisted) == [id_of(2)]
    assert "last seen" in text_of(unlisted)
    assert "1 of 5 backups" in text_of(unlisted)
    assert rows_of(both) == [id_of(n) for n in (5, 4, 3, 2, 1)]
    for page in (usual, unlisted, both):
        assert "Usable 4 of 4" in text_of(page)
    assert "DCS no longer lists it" in text_of(ada.get(f"{ORDERS}ticket/?listed=no"))


@pytest.mark.usefixtures("most_missing")
def test_a_list_that_lost_most_at_once_is_not_known_until_it_is_read_again(ada):
    page = ada.get(ORDERS)
    shown = text_of(page)
    missing = ada.get(page_of(4))

    assert rows_of(page) == [id_of(n) for n in (5, 4, 3, 2, 1)]
    assert "It is not known right now which backups this instance has." in shown
    assert len(re.findall(r"missing since \d+ \w+ [\d:]+ UTC , unconfirmed", shown)) == 4
    assert "Not known : most of its backups vanished" in shown
    assert "Usable 0 of 5" in shown
    assert "Whether this backup can be restored is not known" in text_of(missing)
    assert "Missing, unconfirmed" in text_of(missing)
    point = text_of(ada.get(f"{POINT}?at=2026-11-20T00:00:00Z&tz=UTC"))
    assert "Not known: most of the list disappeared at once" in point
    assert "None:" not in point
    for ticket in (f"{ORDERS}ticket/", f"{POINT}ticket/?at=2026-11-20T00:00:00Z&tz=UTC"):
        said = text_of(ada.get(ticket))
        assert "not confirmed" in said or "confirms it" in said
        assert "None." not in said
    backups = ada.get(f"{ORDERS}backups.json").json()["backups"]
    assert [one["restore_reasons"] for one in backups] == [*[["missing"]] * 4, ["expired"]]


def test_a_day_whose_backup_has_left_the_list_ran(ada, emulator, read_again):
    ten_days_ago = api_time(datetime.now(UTC) - timedelta(days=10))
    times = dict.fromkeys(("created_at", "execution_at", "updated_at"), ten_days_ago)
    read_again(*raws(3), raw(9, **times))
    emulator.remove_record(ORDERS_CACHE_ID, id_of(9))
    read_again()

    page = ada.get(ORDERS)

    [day] = re.findall(
        r'<a class="cell" href="([^"]*)" title="[^"]*ran, no longer listed', page.content.decode()
    )
    assert rows_of(ada.get(day.replace("&amp;", "&"))) == [id_of(9)]


def test_an_instance_whose_list_became_empty_shows_what_was_there(ada, lists, read_again, monkeypatch):
    monkeypatch.setattr(recorded_backups, "CONFIRMED_AFTER", timedelta(0))
    read_again(raw(1))
    lists([])
    read_again()
    assert "It is not known right now which backups this instance has." in text_of(ada.get(ORDERS))
    read_again()

    shown = text_of(ada.get(ORDERS))

    assert "DCS no longer lists any backup of this instance" in shown
    assert rows_of(ada.get(f"{ORDERS}?listed=no")) == [id_of(1)]


# JSON and CSV --------------------------------------------------------------------------


@pytest.mark.usefixtures("one_left")
def test_programs_get_what_is_known_over_time(ada, read_again):
    read_again(*raws(5)[:3], raw(1, **EXPIRED))
    first, second, third = seven_minutes_apart()

    answers = all_of(ada, f"{ORDERS}?listed=yes&listed=no")
    body = answers["backups.json"].json()
    rows = {row["backup_id"]: row for row in csv_rows(answers["backups.csv"])}
    backups = {backup["backup_id"]: backup for backup in body["backups"]}

    assert (body["seen"], body["as_of"], body["unlisted"], body["total"]) == (None, None, 1, 4)
    assert body["watched_since"]
    gone, expired = backups[id_of(2)], backups[id_of(1)]
    assert gone["first_seen"] == gone["last_seen"] == z(first)
    assert gone["gone_since"] == z(second)
    assert (gone["usable"], gone["restore_reasons"]) == (False, ["not_listed"])
    interval = {"seen_at": z(second), "after": z(first)}
    assert gone["changes"] == [interval | {"field": "listed", "was": True, "now": False}]
    assert (expired["first_seen"], expired["gone_since"]) == (z(first), None)
    assert expired["last_seen"] == body["read_at"]
    interval = {"seen_at": z(third), "after": z(second)}
    assert interval | {"field": "status", "was": "succeed", "now": "expired"} in expired["changes"]
    assert interval | {"field": "restorable", "was": True, "now": False} in expired["changes"]
    for cell, row in rows.items():
        backup_id = cell.removeprefix("'")
        assert list(row)[-5:] == ["project", "instance_id", "first_seen", "last_seen", "gone_since"]
        for name in ("first_seen", "last_seen", "gone_since"):
            assert row[name] == (backups[backup_id][name] or "")


def z(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def test_where_nothing_is_gone_a_history_asks_the_store_once_and_an_export_twice_more(ada, read_again):
    read_again()
    asked = {}
    for name in ("", "backups.json"):
        ada.get(f"{ORDERS}{name}")  # decodes the list
        with CaptureQueriesContext(connection) as queries:
            ada.get(f"{ORDERS}{name}")
        asked[name] = [query["sql"] for query in queries if "backups_" in query["sql"]]

    assert len(asked[""]) == 1
    assert len(asked["backups.json"]) <= 4
