"""A link tells what it showed when it was made, what is true now, and what has changed between."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, unquote

import pytest
from django.http import HttpResponse

from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings import reader
from tests.conftest import restart
from tests.services.api_records import EXPIRED, raws

from .addresses import POINT, id_of, page_of
from .conftest import ORDERS, all_of, copied, csv_rows, dated, links_of, rows_of, text_of, ticket_text

THEN = datetime(2026, 11, 3, 12, 3, 13, 400_000, tzinfo=UTC)
SEEN = "2026-11-03T12:03:14Z"
CONFIRMED = datetime(2026, 11, 9, 2, 4, tzinfo=UTC)
NOW = datetime(2026, 11, 9, 2, 14, tzinfo=UTC)
ASKED = f"{POINT}?at=2026-11-01T05:30:00Z&tz=UTC"
# Of 14 backups 3 have expired and 2 have left the list; 6 are newer than all of them.
CHANGED = [*raws(75)[:6], *raws(14)[:9], *raws(5, **EXPIRED)[:3]]


@pytest.fixture
def much_has_changed(read):
    read(raws(14), THEN)
    read(raws(14), CONFIRMED)
    read(CHANGED, NOW)


def test_a_copied_history_tells_that_nothing_has_changed_or_what_has(ada, read):
    read(raws(14), THEN)
    link = copied(ada.get(f"{ORDERS}?type=auto"))
    read(raws(14), CONFIRMED)

    unchanged = ada.get(link)
    read(CHANGED, NOW)
    changed = ada.get(link)

    assert link.endswith(f"&seen={SEEN}")
    assert dated("Unchanged since 3 Nov 12:03:14 UTC , confirmed") in text_of(unchanged)
    shown = text_of(changed)
    assert dated("Changed since this link was made ( 3 Nov 12:03:14 UTC ).") in shown
    assert "Of 14 shown then: 9 unchanged, 3 expired, 2 no longer listed." in shown
    assert dated("backup_2 : Was Succeeded, restorable. No longer listed, seen 9 Nov 02:14:00 UTC") in shown
    assert len(rows_of(changed)) == 12
    # What matched only then is where the list is as it was.
    [then] = [one for one in links_of(changed) if "as_of" in one and id_of(2) in one]
    assert rows_of(ada.get(unquote(then))) == [id_of(2)]
    # The page that keeps itself current, its rows and its forms keep the time.
    assert f'hx-get="{link}"'.replace("&", "&amp;") in changed.content.decode()
    assert any(f"{id_of(5)}/?seen={quote(SEEN)}" in one for one in links_of(changed))
    assert copied(changed).endswith("&seen=2026-11-09T02:14:00Z")
    # Pasted into the find box, it leads to the same.
    pasted = ada.get("/find/", {"q": f"see https://backups.example.com{link.replace('&', '&amp;')}."})
    assert pasted.headers["Location"] == link


@pytest.mark.usefixtures("much_has_changed")
def test_a_backup_and_a_recovery_point_tell_then_and_now(ada):
    backup = ada.get(f"{page_of(4)}?seen={SEEN}")
    point = ada.get(f"{ASKED}&seen={SEEN}")

    was = dated("Was Succeeded, restorable. Expired , seen 9 Nov 02:14:00 UTC (between readings of")
    assert dated(
        f"Changed since this link was made ( 3 Nov 12:03:14 UTC ). {was} 02:04:00 and 02:14:00). As it"
    ) in text_of(backup)
    assert copied(backup) == f"{page_of(4)}?seen=2026-11-09T02:14:00Z"
    assert dated("The answer then: backup_5 , data from 1 Nov 05:00:05 UTC .") in text_of(point)
    assert f"The answer now: no usable backup. As it was seen backup_5 : {was}" in text_of(point)
    assert copied(point).endswith("&seen=2026-11-09T02:14:00Z")
    since = dated("Watched since 3 Nov 12:03:13 UTC : what the list said on 3 Oct 12:00:00 UTC is not known.")
    for page in (f"{page_of(4)}?", f"{ASKED}&", f"{ORDERS}?"):
        assert since in text_of(ada.get(f"{page}seen=2026-10-03T12:00:00Z"))
    last = ada.get(f"{ASKED}&seen=2026-11-09T02:14:00Z")
    assert dated("Unchanged since 9 Nov 02:14:00 UTC") in text_of(last)


@pytest.mark.usefixtures("much_has_changed")
def test_a_history_is_shown_as_it_was_known_at_a_time(ada, emulator):
    emulator.clear_calls()
    # It counts from the time as of which the list is shown.
    address = f"{ORDERS}?range=3d&status=succeed&as_of={SEEN}"

    answers = all_of(ada, address)

    page, body = answers[""], answers["backups.json"].json()
    everything = [id_of(number) for number in range(14, 0, -1)]
    assert rows_of(page) == [one["backup_id"] for one in body["backups"]] == everything
    assert [row["backup_id"].lstrip("'") for row in csv_rows(answers["backups.csv"])] == everything
    assert f"as_of={SEEN}" in copied(page)
    assert "seen" not in copied(page)
    assert (body["as_of"], body["read_at"], body["total"]) == (SEEN, SEEN, 14)
    # What came later is not told.
    assert all((one["gone_since"], one["changes"]) == (None, []) for one in body["backups"])
    assert answers["backups.csv"].headers["X-As-Of"] == SEEN
    assert "_as-of-20261103T120314Z" in answers["backups.csv"].headers["Content-Disposition"]
    text = ticket_text(ada, f"{ORDERS}ticket/?as_of={SEEN}&text=plain")
    assert "As known at: 2026-11-03 12:03:14 UTC" in text
    assert not [call for call in emulator.calls if "/backups" in call.path]


OF_NOW = "statuses, figures and verdict are as of now."
OF_THEN = dated("this page is as known then, by the reading of 3 Nov 12:03:14 UTC")


@pytest.mark.usefixtures("much_has_changed")
@pytest.mark.parametrize(
    ("query", "hidden", "of"),
    [
        (f"to={SEEN}&seen={SEEN}", "6 newer backups hidden", OF_NOW),
        (f"from=2026-11-01&to={SEEN}&seen={SEEN}", "6 newer backups hidden", OF_NOW),
        (f"to={SEEN}&seen={SEEN}&q=backup_75", "1 newer backup hidden", OF_NOW),
        (f"to={SEEN}&seen={SEEN}&status=failed", "no newer backup hidden", OF_NOW),
        (f"to={SEEN}", "6 newer backups hidden", OF_NOW),
        (f"as_of={SEEN}", "6 newer backups hidden", OF_THEN),
    ],
)
def test_a_frozen_link_says_so_first_and_all_of_its_head_is_of_one_time(ada, query, hidden, of):
    page = ada.get(f"{ORDERS}?{query}")

    banner, _, head = page.content.decode().partition("<h1>")
    assert dated(f"Frozen at 3 Nov 12:03:14 UTC : {hidden} ; {of}") in text_of(HttpResponse(banner))
    head = text_of(HttpResponse(head.partition('id="backups"')[0]))
    assert (dated("data from 1 Nov 14:00:05") if of == OF_THEN else dated("data from 4 Nov 03:00:05")) in head
    assert ("Running" in head) == (of == OF_NOW)
    [newest] = [one for one in links_of(page, 'class="btn primary"') if "ticket" not in one]
    assert not {"to", "seen", "as_of"} & set(parse_qs(newest.partition("?")[2]))


@pytest.mark.usefixtures("much_has_changed")
@pytest.mark.parametrize("query", ["", "?from=2026-11-01&to=2026-11-02", "?to=2036-11-02", "?range=90d"])
def test_what_a_viewer_chooses_is_not_frozen(ada, query):
    assert "Frozen at" not in text_of(ada.get(f"{ORDERS}{query}"))


@pytest.mark.usefixtures("much_has_changed")
def test_pages_that_tell_of_now_say_so_where_a_link_asks_for_another_time(ada):
    for page in (f"{page_of(4)}?", f"{ASKED}&"):
        shown = text_of(ada.get(f"{page}as_of={SEEN}"))
        assert dated("Changed since 3 Nov 12:03:14 UTC . This page shows the current state.") in shown
        unread = text_of(ada.get(f"{page}as_of=2026-11"))
        assert "Part of the link that could not be read: as_of=2026-11" in unread


@pytest.mark.usefixtures("much_has_changed")
@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        (f"seen={SEEN}&as_of={SEEN}", 400, "it cannot be combined with seen"),
        ("as_of=2026-11-03", 400, "it must be a UTC time such as"),
        ("seen=2026-11-03T12:0", 200, "Part of the link that could not be read: seen=2026-11-03T12:0"),
        ("as_of=2026-10-03T12:00:00Z", 404, dated("what the list said on 3 Oct 12:00:00 UTC is not known")),
    ],
)
def test_a_time_that_means_nothing_is_said(ada, query, status, sentence):
    answers = all_of(ada, f"{ORDERS}?{query}")

    assert sentence in text_of(answers[""])
    assert answers[""].status_code == status
    assert bool(rows_of(answers[""])) == (status == 200)
    for name in ("backups.json", "backups.csv"):
        assert answers[name].status_code == (400 if status == 200 else status)
    assert "backups" not in answers["backups.json"].json()
    if status == 200:
        for page in (page_of(4), POINT):
            assert sentence in text_of(ada.get(f"{page}?{query}"))


def test_links_open_when_the_instance_and_dcs_are_gone_and_tell_who_may_not_see_it_nothing(
    ada, client_of, emulator, lists, portal
):
    lists(raws(14))
    links = [copied(ada.get(path)) for path in (ORDERS, page_of(4), ASKED)]
    emulator.fleet.remove_instance(ORDERS_CACHE_ID)
    ada.post(f"{ORDERS}refresh/")
    assert reader.wait_for_readers()
    restart()
    emulator.fail_with(503)

    pages = [ada.get(link) for link in links]

    assert {page.status_code for page in pages} == {200}
    assert all("Unchanged since" in text_of(page) for page in pages)
    assert len(rows_of(pages[0])) == 14
    assert "The answer is the same: backup_5" in text_of(pages[2])
    as_of = next(unquote(one) for one in links_of(pages[0]) if "as_of=" in one)
    assert len(rows_of(ada.get(as_of))) == 14
    hidden = portal.DCS_PROJECTS["eu-prod"] | {"groups": ("dcs-all",)}
    portal.DCS_PROJECTS = portal.DCS_PROJECTS | {"eu-prod": hidden}
    ben = client_of("ben")
    for link in (*links, as_of):
        assert ben.get(link).status_code == 404
        assert "orders-cache" not in text_of(ben.get(link))
    assert id_of(4) not in "".join(links_of(ben.get(f"/find/?q={id_of(4)}")))
