"""The recovery point: one answer on top, what was ruled out and why, and what is not known."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID, GONE_INSTANCE_ID
from tests.services.api_records import raw, raws

from .addresses import BULK, POINT, id_of, page_of
from .conftest import ORDERS, copied, dated, history_of, links_of, rows_of, text_of, ticket_text

pytestmark = pytest.mark.usefixtures("portal")
NO = {"is_support_restore": "FALSE"}


def ask(client, at, path=POINT, **more):
    return client.get(path, {"at": at, **more}, follow=True)


def roles_of(page):
    """The rows around the asked time: what each is, and its backup."""
    return re.findall(r'<tr class="role-(\w+)"(?: data-backup-id="([^"]*)")?', page.content.decode())


# The answer ------------------------------------------------------------------------------


def test_the_answer_stands_on_top_with_what_is_lost(ada, lists):
    lists(raws(5))  # one an hour, from 2026-11-01 01:00:05 on

    page = ask(ada, "2026-11-01T03:30:00Z")

    assert page.status_code == 200
    for words in ("before the asked time backup_3", "Lost before the asked time 30 min", "Overwritten if"):
        assert words in text_of(page)
    assert roles_of(page) == [("newer", id_of(4)), ("asked", ""), ("answer", id_of(3)), ("older", id_of(2))]
    [label] = re.findall(r'role="img"[^>]*aria-label="([^"]*)"', page.content.decode())
    assert dated("data from 1 Nov 03:00:05 UTC") in label
    assert dated("asked time 1 Nov 03:30:00 UTC. 30 min lost") in label


def test_one_that_was_still_running_has_a_card_of_its_own(ada, lists):
    lists([raw(2, updated_at="2026-11-01T02:09:00Z"), raw(1)])

    page = text_of(ask(ada, "2026-11-01T02:00:37Z"))

    ticket = ticket_text(ada, f"{POINT}ticket/?at=2026-11-01T02:00:37Z&tz=UTC&text=plain")
    for text in (page, ticket):
        assert "Still running at that time" in text
        assert "It began 32 s before the asked time and was still running." in text
        assert "If its data is from its start, 32 s are lost" in text
        assert "What decides it: when the standby node took its copy" in text


def test_what_was_passed_over_is_named_with_its_reason(ada, lists):
    failed = raw(4, status="failed", error_code="dcs.08.0002", **NO)
    lists([raw(5, updated_at="2026-11-01T05:40:00Z"), failed, raw(3, status="expired"), raw(2, **NO), raw(1)])

    page = ask(ada, "2026-11-01T05:30:00Z")

    passed = [("passed", id_of(n)) for n in (5, 4, 3, 2)]
    assert roles_of(page)[1:] == [*passed, ("answer", id_of(1))]
    for words in (
        "it was still running at that time",
        "it failed · dcs.08.0002 The backup timed out.",
        "its file has expired; DCS still says that it can be restored",
        "DCS says no, without a reason",
    ):
        assert words in text_of(page)


def test_of_many_passed_over_the_nearest_are_shown_and_the_rest_linked(ada, lists):
    lists([*raws(40, status="expired", **NO)[:-1], raw(1)])

    page = ask(ada, "2026-11-10T00:00:00Z")

    assert roles_of(page)[1:4] == [("passed", id_of(n)) for n in (40, 39, 38)]
    [more] = [link for link in links_of(page) if "&to=" in link]
    assert "27 more ruled out" in text_of(page)
    assert len(rows_of(ada.get(more))) == 40  # with the answer itself
    assert "39 backups in between ruled out" in page.content.decode()  # for who does not see the strip


@pytest.mark.parametrize(
    ("records", "at", "words"),
    [
        ([], "2026-11-10", "DCS lists no backup of this instance."),
        ([raw(3)], "2026-11-01", "DCS lists no backup from before this time"),
        ([raw(3, updated_at=None)], "2026-11-10", "none is certainly from before it"),
        ([raw(3, created_at="soon", execution_at=None)], "2026-11-10", "None of its backups has a readable"),
        ([raw(2, **NO)], "2026-11-10", "The only backup that began before this time cannot be restored."),
        ([raw(2, **NO), raw(1, **NO)], "2026-11-10", "None of the 2 backups that began before this time"),
    ],
)
def test_none_is_said_plainly_with_the_reason(ada, lists, records, at, words):
    lists(records)

    page = ask(ada, at)

    assert page.status_code == 200
    assert "None: no usable backup is certainly from before this time" in text_of(page)
    assert words in text_of(page)


def test_an_incomplete_list_never_says_none_for_certain(ada, emulator):
    emulator.answer_body(b'{"total_num":3,"backup_record_response":[]}', path_contains="/backups")

    shown = text_of(ask(ada, "2026-11-10"))

    assert "None in the part of the list that could be read" in shown
    assert "None: no usable backup" not in shown
    assert "a usable backup from before this time may exist" in shown


def test_of_a_long_history_the_part_around_the_asked_time_is_read(ada, portal, emulator):
    emulator.set_records(BULK_HISTORY_ID, raws(400))
    portal.DCS_MAX_RECORDS = portal.DCS_PAGE_SIZE = 100

    page = ask(ada, "2026-11-05T12:30:00Z", f"{BULK}recovery-point/")

    assert ("answer", id_of(108)) in roles_of(page)
    assert "a closer usable backup may exist" in text_of(page)


def test_what_is_not_certain_is_said_and_records_without_a_time_are_never_picked(ada, lists):
    lists([raw(9, created_at="yesterday", execution_at=None), raw(1, execution_at=None)])
    ada.get(POINT)  # reads the list
    now = datetime.now(UTC)

    page = ask(ada, "2026-11-10")

    assert ("answer", id_of(1)) in roles_of(page)
    assert page_of(9) in links_of(page)
    for words in ("does not say when this backup started", "has no readable time", "never recommended"):
        assert words in text_of(page)
    assert "The list was read before this time" in text_of(ask(ada, now.isoformat()))
    assert "This time is in the future" in text_of(ask(ada, (now + timedelta(days=1)).isoformat()))


# The time that is asked --------------------------------------------------------------------


def test_without_a_time_there_is_a_form_with_examples_that_work(ada):
    page = ada.get(POINT)

    examples = [link for link in links_of(page) if "?at=" in link]
    assert page.status_code == 200
    assert 'name="at"' in page.content.decode()
    assert len(examples) == 6
    for link in examples:
        assert "Understood as" in text_of(ada.get(link, follow=True)), link
    for without in (page, ask(ada, "  ")):
        assert "How far back you can go" in text_of(without)


@pytest.mark.parametrize(
    ("at", "tz", "words"),
    [
        ("2026-11-23 09:40", "", "No zone given: read in UTC."),
        ("2026-11-23 09:40", "Asia/Shanghai", "which is 2026-11-23 01:40:00 UTC"),
        ("1795426800", "Asia/Kolkata", "Understood as 23 Nov 2026 15:10:00 UTC+5:30 ,"),
        ("2026-10-25 02:30", "Europe/Berlin", "this time occurs twice, because the clocks go back."),
        ("2026-03-29 02:30", "Europe/Berlin", "this time does not exist"),
    ],
)
def test_what_was_understood_is_said_back_on_the_page_and_while_one_types(ada, at, tz, words):
    page, typing = ask(ada, at, tz=tz), ada.get(f"{POINT}understood/", {"at": at, "tz": tz})

    assert words in text_of(page)
    assert words in text_of(typing)
    assert b"<html" not in typing.content
    if "twice" in words:
        later = f"{POINT}?at=2026-10-25T01%3A30%3A00Z&tz=Europe%2FBerlin"
        assert later in set(links_of(page)) & set(links_of(typing))


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"at": "<b>"}, ["<b>", "cannot read it as a time"]),
        ({"at": "11/10/2026"}, ["write the year first"]),
        ({"at": "n" * 8000}, ["nnn", "longer than 100 characters"]),
        ({"at": "a\x00b"}, ["at", "Null characters"]),
        ({"at": "2026-11-23", "tz": "Mars/Olympus"}, ["tz=Mars/Olympus", "IANA time zone"]),
        ({"at": ["2026-11-23", "2026-11-24"]}, ["2026-11-23, 2026-11-24", "takes one value"]),
    ],
)
def test_a_time_that_cannot_be_read_is_named_and_the_form_stays(ada, emulator, query, named):
    page, typing = ada.get(POINT, query), ada.get(f"{POINT}understood/", query)

    assert (page.status_code, typing.status_code) == (400, 200)
    assert named[-1] in text_of(typing)
    for words in named:
        assert words in text_of(page).replace(" = ", "=").replace("= ", "=")
    assert 'name="at"' in page.content.decode()
    assert b"<b>" not in page.content
    assert not rows_of(page)
    assert not emulator.calls


def test_an_address_always_says_the_zone_that_was_used(ada):
    ada.post("/preferences/", {"zone": "Asia/Shanghai"})

    page = ask(ada, "2026-11-20T12:00Z")

    assert page.redirect_chain == [(f"{POINT}?at=2026-11-20T12:00Z&tz=UTC", 302)]


def test_the_link_for_a_ticket_keeps_the_very_time(ada):
    page = ada.get(f"{POINT}?at=2+h+ago&tz=Asia/Shanghai&utm=a&utm=b", follow=True)

    query = parse_qs(urlsplit(copied(page)).query)
    [at] = query["at"]
    assert (query["tz"], query["utm"], at[-1]) == (["Asia/Shanghai"], ["a", "b"], "Z")
    assert abs(datetime.fromisoformat(at) - (datetime.now(UTC) - timedelta(hours=2))) < timedelta(minutes=1)
    assert roles_of(ada.get(copied(page))) == roles_of(page)


def test_a_link_means_the_same_to_viewers_in_other_zones_and_languages(ada):
    query = {"at": "2026-11-20 09:40", "tz": "Asia/Shanghai"}
    plain = roles_of(ada.get(POINT, query))

    ada.cookies["portal_zone"] = "America/St_Johns"
    ada.cookies["portal_language"] = "zh-hans"

    assert roles_of(ada.get(POINT, query)) == plain != []
    # Who chooses another zone there sees the same recovery point in it.
    chosen = {"zone": "Asia/Tokyo", "next": f"{POINT}?{urlencode(query)}"}
    link = ada.post("/preferences/", chosen).headers["Location"]
    assert link == f"{POINT}?at=2026-11-20T01:40:00Z&tz=Asia/Tokyo"
    assert roles_of(ada.get(link)) == plain


def test_a_history_offers_the_form_in_the_zone_that_it_writes(ada):
    for query, viewer, zone in (
        ("", "UTC", "UTC"),
        ("?tz=Asia/Tokyo", "UTC", "Asia/Tokyo"),
        ("", "Japan", "Japan"),
    ):
        ada.cookies["portal_zone"] = viewer
        page = ada.get(f"{ORDERS}{query}").content.decode()
        [form] = re.findall(r'<form class="recover".*?</form>', page, flags=re.DOTALL)
        assert re.findall(r"<option[^>]*>([^<]*)", form) == list(dict.fromkeys([zone, "UTC"]))
        assert re.findall(r" selected>([^<]*)", form) == [zone]
        assert f'action="{POINT}"' in form
        assert 'name="at"' in form


# A restore ------------------------------------------------------------------------------------


def test_what_a_restore_means_is_said(ada):
    shown = text_of(ask(ada, "now"))

    for words in ("1 to 30 minutes", "neither reads nor writes", "overwrites the data", "running instance"):
        assert words in shown
    assert "No obstacle known: the instance is running and idle." in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "RESTORING"}, "The instance is busy (Restoring)"),
        ({"cache_mode": "single"}, "single-node instance"),
        ({"task": {"name": "resize", "status": "PROCESSING"}}, "(resize PROCESSING)"),
        ({}, "A backup is in progress"),
    ],
)
def test_what_stands_against_a_restore_now_is_said(ada, emulator, changes, words):
    instance = emulator.fleet.add_instance("blocked", **changes)
    running = {"status": "backuping", **NO} if not changes else {}
    emulator.set_records(instance.instance_id, [raw(2, **running), raw(1)])

    shown = text_of(ask(ada, "now", f"{history_of(instance.instance_id)}recovery-point/"))

    assert words in shown
    assert "No obstacle known" not in shown
    assert ("Usable, but not now" in shown) == ("status" in changes)


def test_without_a_usable_backup_a_restore_is_never_called_possible(ada, lists):
    lists([raw(2, **NO)])
    none_before = "There is nothing to restore: no usable backup is certainly from before"

    asked, unasked = text_of(ask(ada, "now")), text_of(ask(ada, ""))

    assert none_before in asked
    assert none_before in ticket_text(ada, f"{POINT}ticket/?at=2026-11-20&tz=UTC&text=plain")
    assert "There is nothing to restore: this instance has no usable backup." in unasked
    assert "No obstacle known" not in asked + unasked


def test_the_page_needs_no_word_on_the_instance(ada, impatient, emulator):
    ada.post(f"{ORDERS}refresh/")  # which asks for the list alone
    emulator.fail_with(500)

    page = ask(ada, "2 h ago")

    assert "answer" in [role for role, _ in roles_of(page)]
    assert "DCS does not report the state of the instance" in text_of(page)


# When DCS does not answer -----------------------------------------------------------------------


@pytest.mark.parametrize(("code", "status"), [(403, 502), (500, 503)])
def test_with_nothing_cached_the_reason_is_told_and_no_answer_given(ada, impatient, emulator, code, status):
    emulator.fail_with(code)

    for page in (ada.get(POINT), ask(ada, "2026-11-20T12:00Z")):
        assert page.status_code == status
        assert ("Retry-After" in page.headers) == (status == 503)
        shown = text_of(page).replace(" ", "")
        assert any(call.request_id in shown for call in emulator.calls)
        assert "None" not in shown


def test_with_a_cached_list_the_answer_is_given_with_the_reason(ada, emulator):
    before = roles_of(ask(ada, "2026-11-20T12:00Z"))
    emulator.fail_with(500)
    ada.post(f"{ORDERS}refresh/")

    page = ask(ada, "2026-11-20T12:00Z")

    assert page.status_code == 200
    assert roles_of(page) == before != []
    for words in ("Showing what DCS said at", "DCS.5078", "this is what it last said about the instance"):
        assert words in text_of(page)


def test_an_instance_that_dcs_does_not_know_is_404(ada):
    assert ask(ada, "now", f"{history_of(GONE_INSTANCE_ID)}recovery-point/").status_code == 404


def test_a_question_about_a_history_at_hand_asks_dcs_nothing(ada, emulator, django_assert_num_queries):
    ada.get(ORDERS)
    emulator.clear_calls()

    with django_assert_num_queries(3):  # session, viewer, and the store
        ask(ada, "2026-11-20T12:00Z", tz="UTC")
    ada.get(POINT)

    assert not emulator.calls
