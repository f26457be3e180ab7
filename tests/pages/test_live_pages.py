"""Pages that keep themselves current: what they ask with, and what they are answered."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from backups.services.listings import reader
from tests.conftest import wait_for
from tests.services.api_records import EXPIRED, raw, raws

from .addresses import BULK, POINT, REFERENCE, history_named, page_of
from .conftest import ORDERS, PROJECT, rows_of, text_of


def life_of(response):
    """The attributes of what a page keeps current."""
    [found] = re.findall(r"<div (data-live=.*?)>", response.content.decode(), flags=re.DOTALL)
    pairs = re.findall(r"""([\w-]+)=(?:"([^"]*)"|'([^']*)')""", found)
    return {name: html.unescape(one or other) for name, one, other in pairs}


def ask(client, response, **more):
    """Ask as the script of this page does, with what the page itself says."""
    life = life_of(response)
    headers = {"HX-Request": "true", **json.loads(life["hx-headers"]), **more}
    return client.get(life["hx-get"], headers=headers)


def told(response):
    """What a 204 tells the script."""
    assert response.status_code == 204
    assert response.content == b""
    return json.loads(response.headers["HX-Trigger"])["live:told"]


# Nothing newer, or something ---------------------------------------------------------------------------


def test_a_page_that_shows_all_there_is_gets_204_and_dcs_is_not_asked(ada, emulator):
    for address in (ORDERS, f"{ORDERS}?status=succeed&q=back", REFERENCE, PROJECT):
        page = ada.get(address)
        emulator.clear_calls()

        answer = ask(ada, page)

        assert (told(answer)["state"], told(answer)["after"]) == ("quiet", 60.0)
        assert life_of(page)["hx-get"] == address
        assert not emulator.calls
        for response in (page, answer):
            assert {"HX-Request", "X-Shown-Generation"} <= set(response.headers["Vary"].split(", "))
            assert response.headers["Cache-Control"] == "private, no-store"


def test_a_newer_generation_comes_as_the_content_of_the_page_alone(ada, lists, reread):
    lists(raws(13))
    page = ada.get(f"{ORDERS}?per_page=100&range=90d")
    reread(raws(7))

    newer = ask(ada, page)
    whole = ada.get(f"{ORDERS}?per_page=100&range=90d")

    assert newer.status_code == 200
    assert rows_of(newer) == rows_of(whole) != rows_of(page)
    assert len(rows_of(newer)) == 7
    text = newer.content.decode()
    assert "<title>orders-cache · eu-prod · DCS backups</title>" in text
    for absent in ("<html", "<head", "<script", "topbar", "data-announce"):
        assert absent not in text
    # All that depends on the list: figures, chips, count, export note, Copy link, as-of.
    for part in ("7 of 7", 'Succeeded</bdi> <span class="n">7', "All 7 backups that match", "Read from DCS"):
        assert part in text
    assert re.search(r'href="[^"]*from=\d{4}-[^"]*Z" data-copy', text)
    assert newer.headers["X-Shown-Generation"] in html.unescape(text)
    assert told(ask(ada, newer))["state"] == "quiet"


def test_a_list_that_was_read_again_and_is_the_same_is_told_with_its_new_time_and_request_id(ada):
    pages = [ada.get(address) for address in (ORDERS, REFERENCE, POINT)]
    [shown] = {one for page in pages for one in re.findall(r"data-request-ids>(\w+)<", page.content.decode())}
    ada.post(f"{ORDERS}refresh/")

    answers = [told(ask(ada, page)) for page in pages]

    body = ada.get(f"{ORDERS}backups.json").json()
    for answer in answers:
        assert answer["read_at"][:19] == body["read_at"][:19]
        assert answer["request_ids"] == body["request_ids"] != [shown]
        assert answer["written"]["time"] == body["read_at"][11:19]


def test_what_time_alone_changes_is_shown_although_nothing_is_newer(ada, portal):
    pages = [ada.get(address) for address in (ORDERS, POINT)]
    portal.DCS_RPO = timedelta(minutes=1)  # so much time has passed

    for page in pages:
        assert "the objective is at most" not in text_of(page)
        assert "the objective is at most 1 min" in text_of(ask(ada, page))


def test_a_mark_holds_for_its_own_page_only_and_htmx_without_one_gets_the_whole_page(ada):
    page = ada.get(f"{ORDERS}?status=succeed")
    headers = {"HX-Request": "true", **json.loads(life_of(page)["hx-headers"])}

    other = ada.get(f"{ORDERS}?status=failed", headers=headers)

    assert other.status_code == 200
    assert rows_of(other) != rows_of(page)
    assert "<html" in ada.get(ORDERS, headers={"HX-Request": "true"}).content.decode()


def test_a_recovery_answer_keeps_its_time_when_it_is_read_anew(ada, lists, reread):
    lists(raws(2))
    page = ada.get(f"{POINT}?at=2+h+ago", follow=True)
    assert re.fullmatch(rf"{POINT}\?at=20[^ ]*Z&tz=UTC", life_of(page)["hx-get"])
    told(ask(ada, page))
    reread([raw(1, backup_name="the only one")])

    newer = ask(ada, page)

    assert "the only one" in text_of(newer)
    assert life_of(newer)["hx-get"] == life_of(page)["hx-get"]
    told(ask(ada, newer))


# When to ask -------------------------------------------------------------------------------------------


def test_a_page_asks_for_as_long_as_a_backup_on_it_is_not_done(ada, lists):
    lists([raw(2, status="backuping"), raw(1)])

    page, running, done = (ada.get(address) for address in (ORDERS, page_of(2), page_of(1)))

    assert 9 < float(life_of(page)["data-after"]) <= 10
    assert [life_of(one)["data-live"] for one in (page, running, done)] == ["running", "running", "quiet"]
    assert told(ask(ada, page))["state"] == "running"


def test_an_old_listing_is_shown_at_once_and_the_newer_one_is_asked_for(ada, emulator, lists, portal):
    lists(raws(13))
    ada.get(ORDERS)
    portal.DCS_FRESH_SECONDS = 0
    lists(raws(7))
    emulator.hang(path_contains="/backups")

    page = ada.get(ORDERS)

    assert len(rows_of(page)) > 7
    assert life_of(page)["data-live"] == "reading"
    assert "being read again now" in text_of(page)
    assert told(ask(ada, page))["state"] == "reading"

    emulator.heal()
    assert reader.wait_for_readers()
    portal.DCS_FRESH_SECONDS = 60

    assert len(rows_of(ask(ada, page))) == 7


def test_a_long_reading_tells_how_far_it_is(ada, emulator, lists, portal):
    lists(raws(60))
    ada.get(ORDERS)
    portal.DCS_FRESH_SECONDS, portal.DCS_PAGE_SIZE = 0, 10
    emulator.hang(path_contains="/backups", after=1)
    page = ada.get(ORDERS)
    wait_for(lambda: told(ask(ada, page)).get("read") == 1)

    answer = told(ask(ada, page))

    assert (answer["sentence"], answer["read"], answer["total"]) == ("1 of 6 pages read", 1, 6)
    assert "1 of 6 pages read" in text_of(ada.get(ORDERS))
    ada.cookies["portal_language"] = "zh-hans"
    assert "已读取 1 / 6 页" in text_of(ada.get(ORDERS))


# Finished backups ---------------------------------------------------------------------------------------


ENDED = [
    # how a backup ended, what is announced of it
    ({"status": "failed", "error_code": "dcs.08.0002"}, "backup_5 failed: The backup timed"),
    ({"status": "failed"}, "backup_4 failed."),
    ({}, "backup_3 succeeded and can be restored."),
    ({"is_support_restore": "FALSE"}, "backup_2 succeeded. No: DCS says no, without"),
    ({"status": "deleted"}, "backup_1 has ended: Deleted."),
]


def test_backups_that_have_ended_are_announced_once_and_what_was_not_running_is_not(ada, lists, reread):
    lists(raws(5, status="backuping"))
    page = ada.get(ORDERS)
    reread([raw(6), *(raw(5 - place, **ended) for place, (ended, _) in enumerate(ENDED))])

    newer = ask(ada, page)

    again = ada.get(ORDERS)
    for _, sentence in ENDED:
        assert sentence in text_of(newer)
        assert sentence not in text_of(again)
    assert 'data-title="✕ Failed"' in newer.content.decode()
    assert "backup_6 succeeded" not in text_of(newer)
    told(ask(ada, newer))


# Faults --------------------------------------------------------------------------------------------------


def test_a_failure_comes_to_the_open_page_with_its_reason(ada, emulator):
    page = ada.get(ORDERS)
    emulator.throttle(30)
    ada.post(f"{ORDERS}refresh/")

    newer = ask(ada, page)

    assert newer.status_code == 200
    assert rows_of(newer) == rows_of(page)
    assert re.search(r"ask DCS again before (\d+ \w+ )?\d\d:\d\d:\d\d UTC ?\.", text_of(newer))
    assert "not newer: DCS is throttling calls" in text_of(newer)
    assert life_of(newer)["data-live"] == "retrying"
    assert 25 < float(life_of(newer)["data-after"]) <= 30


@pytest.mark.parametrize(("status", "state"), [(500, "retrying"), (401, "quiet"), (403, "quiet")])
def test_only_what_may_pass_by_itself_is_asked_for_again(ada, emulator, status, state):
    emulator.fail_with(status)

    assert life_of(ada.get(ORDERS))["data-live"] == state


def test_a_problem_that_is_swapped_in_keeps_its_status(ada, emulator, portal):
    portal.DCS_WAITING_VIEWERS = 0
    emulator.fail_with(403, path_contains="/backups")
    emulator.hang(path_contains="/backups")
    page = ada.get(ORDERS)
    assert page.status_code == 503
    emulator.heal()
    emulator.fail_with(403)
    assert reader.wait_for_readers()

    newer = ask(ada, page)

    assert newer.status_code == 502
    assert newer.headers["X-Shown-Generation"]
    assert "DCS does not let the portal read this" in text_of(newer)
    assert life_of(newer)["data-live"] == "quiet"


# A list that is being read ------------------------------------------------------------------------------


def test_where_nobody_can_wait_the_page_says_being_read_and_fetches_itself(ada, emulator, portal):
    portal.DCS_WAITING_VIEWERS = 0
    emulator.hang(path_contains="/backups")

    page = ada.get(BULK)

    assert (page.status_code, page.headers["Retry-After"]) == (503, "1")
    assert "The list is being read" in text_of(page)
    assert life_of(page)["data-live"] == "reading"
    # Without a script it looks again by itself, at leisure.
    assert '<noscript><meta http-equiv="refresh" content="20"></noscript>' in page.content.decode()
    answers = [ask(ada, page), *(ada.get(f"{BULK}backups.{kind}") for kind in ("json", "csv"))]
    assert {answer.headers["Retry-After"] for answer in answers} == {"1"}
    assert told(answers[0])["state"] == "reading"
    assert answers[1].json()["problem"]["kind"] == "being_read"
    assert answers[1].json()["problem"]["message"].startswith("The list is being read. ")
    assert answers[2].content.decode().startswith("being_read: The list is being read. ")
    assert [answer.status_code for answer in answers] == [204, 503, 503]

    emulator.heal()
    assert reader.wait_for_readers()

    newer = ask(ada, page)
    assert len(rows_of(newer)) == 50
    assert "The list has been read." in text_of(newer)


# Sessions ------------------------------------------------------------------------------------------------


def test_asking_neither_extends_the_session_nor_counts_as_opening_the_page(ada, lists, reread):
    lists(raws(13))
    page = ada.get(ORDERS)
    ada.get(BULK)
    opened = ada.cookies["portal_recent"].value
    reread(raws(7))
    session = list(Session.objects.values_list("expire_date", "session_data"))

    answer = ask(ada, page)

    assert len(rows_of(answer)) == 7
    assert list(Session.objects.values_list("expire_date", "session_data")) == session
    assert "portal_session" not in answer.cookies
    assert ada.cookies["portal_recent"].value == opened


def test_an_ask_of_somebody_else_s_page_is_404(ada, client_of):
    page = ada.get("/projects/cn-prod/")

    assert ask(client_of("ben"), page).status_code == 404


# Refresh by hand -----------------------------------------------------------------------------------------


def test_a_second_refresh_within_ten_seconds_is_answered_with_what_is_there_and_says_so(ada, emulator):
    ada.get(ORDERS)
    ada.post(f"{ORDERS}refresh/")
    page = ada.get(ORDERS)
    assert "at most once in 10 seconds" not in text_of(page)
    assert "Read again: nothing has changed." in text_of(page)
    calls = emulator.count("/backups")

    response = ada.post(f"{ORDERS}refresh/", {"next": ORDERS})

    assert response.headers["Location"] == ORDERS
    assert emulator.count("/backups") == calls
    shown = [text_of(ada.get(address)) for address in (history_named("odd-fields"), ORDERS, ORDERS)]
    assert ["at most once in 10 seconds" in one for one in shown] == [False, True, False]

    ada.post(f"{ORDERS}refresh/")

    assert "at most once in 10 seconds" in told(ask(ada, page))["said"]
    assert "said" not in told(ask(ada, page))


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (raws(3), "Read again: nothing has changed."),
        (raws(4), "Read again: 1 new backup."),
        ([raw(5), raw(4), raw(3, **EXPIRED), raw(1)], "2 new backups, 1 changed, 1 no longer listed."),
    ],
)
def test_a_refresh_says_what_it_brought(ada, lists, reread, records, said):
    lists(raws(3))
    page = ada.get(ORDERS)
    reread(records)

    answer = ask(ada, page)

    assert said in (told(answer)["said"] if answer.status_code == 204 else text_of(answer))
    assert said not in text_of(ada.get(ORDERS))


def test_what_somebody_else_has_just_read_is_shown_and_said_to_be_that(ada, lists, client_of):
    lists(raws(13))
    page = ada.get(ORDERS)
    lists(raws(7))
    client_of("ben").post(f"{ORDERS}refresh/")

    ada.post(f"{ORDERS}refresh/")
    newer = ask(ada, page)

    assert len(rows_of(newer)) == 7
    assert re.search(r"data-said>DCS was asked a few seconds ago", newer.content.decode())
