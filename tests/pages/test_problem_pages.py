"""What a viewer is told when DCS does not answer, refuses, or makes no sense."""

import re

import pytest

from backups.dcs.signing import Credentials
from backups.emulator.fleet import GONE_INSTANCE_ID, ORDERS_CACHE_ID, Fleet
from backups.services.listings import reader

from .addresses import BULK
from .conftest import ORDERS, PROJECT, all_of, csv_rows, history_of, rows_of, text_of

FAILURES = {
    # how DCS is broken: the fault, the kind of problem, the page's status, DCS's code
    "key refused": (lambda e: e.fail_with(401), "credentials_refused", 503, "APIGW.0301"),
    "no permission": (lambda e: e.fail_with(403), "access_denied", 502, "DCS.2003"),
    "rejected": (lambda e: e.fail_with(400), "rejected", 502, "DCS.4800"),
    "throttled": (lambda e: e.throttle(30), "throttled", 503, "APIGW.0308"),
    "internal error": (lambda e: e.fail_with(500), "server_error", 503, "DCS.5078"),
    "hanging": (lambda e: e.hang(), "timed_out", 503, ""),
    "half a body": (lambda e: e.cut_body(), "cut_short", 503, ""),
    "HTML": (lambda e: e.answer_html(), "garbled", 502, ""),
}


@pytest.fixture(autouse=True)
def _impatient(impatient):
    """No test waits long for a DCS that hangs."""


@pytest.mark.parametrize("how", FAILURES)
def test_with_nothing_cached_every_page_tells_the_reason_shows_no_list_and_asks_once(ada, emulator, how):
    spoil, kind, status, code = FAILURES[how]
    spoil(emulator)

    answers = all_of(ada, ORDERS)

    body = answers["backups.json"].json()
    assert {answer.status_code for answer in answers.values()} == {status}
    assert {"Retry-After" in answer.headers for answer in answers.values()} == {status == 503}
    assert "backups" not in body
    assert (body["source"], body["complete"], body["total"]) == (None, False, None)
    assert body["problem"]["kind"] == kind
    assert not rows_of(answers[""])
    assert "<table" not in answers[""].content.decode()
    if code:
        request_id = body["problem"]["request_id"]
        assert request_id in [call.request_id for call in emulator.calls]
        for text in (text_of(answers[""]), answers["backups.csv"].content.decode()):
            assert code in text
            assert request_id in text
        assert (body["problem"]["code"], body["request_ids"]) == (code, [request_id])

    all_of(ada, ORDERS)
    assert emulator.count("/backups") <= 1  # a failing DCS is not stormed
    assert len(emulator.calls) <= 2
    project = ada.get(PROJECT)
    assert project.status_code == status
    assert code in text_of(project)
    assert "<table" not in project.content.decode()


@pytest.mark.parametrize("how", ["key refused", "throttled", "hanging", "HTML"])
def test_with_a_cached_listing_every_page_shows_it_with_the_reason(ada, emulator, how):
    spoil, kind, _, code = FAILURES[how]
    before = ada.get(f"{ORDERS}?per_page=200")
    assert reader.wait_for_readers()
    spoil(emulator)
    ada.post(f"{ORDERS}refresh/")

    answers = all_of(ada, f"{ORDERS}?per_page=200")

    body = answers["backups.json"].json()
    assert {answer.status_code for answer in answers.values()} == {200}
    assert rows_of(answers[""]) == rows_of(before) != []
    assert "Showing what DCS said at" in text_of(answers[""])
    assert code in text_of(answers[""])
    assert body["source"] == "stale"
    assert (body["problem"]["kind"], body["problem"]["code"]) == (kind, code or None)
    assert len(body["backups"]) == len(csv_rows(answers["backups.csv"])) == len(rows_of(before))
    assert answers["backups.csv"].headers["X-Source"] == "stale"


def test_a_wrong_key_is_said_to_be_that(ada, portal, emulator):
    primary = emulator.fleet.primary
    wrong = portal.DCS_PROJECTS["eu-prod"] | {"credentials": Credentials(primary.ak, "wrong" * 8)}
    portal.DCS_PROJECTS = portal.DCS_PROJECTS | {"eu-prod": wrong}

    pages = [ada.get(ORDERS), ada.get(BULK), ada.get(PROJECT)]

    for page in pages:
        assert page.status_code == 503
        assert 290 < int(page.headers["Retry-After"]) <= 300
        assert "refused the portal's access key" in text_of(page)
        assert "APIGW.0301" in text_of(page)
        assert emulator.calls[0].request_id in text_of(page).replace(" ", "")
        assert primary.ak not in page.content.decode()
        assert "wrongwrong" not in page.content.decode()
    assert len(emulator.calls) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"project_id": "0" * 32}, "APIGW.0307"),
        ({"project_id": Fleet().project("cn-prod").project_id}, "project id, region and key"),
        ({"endpoint": "http://127.0.0.1:1"}, "could not be reached"),
    ],
)
def test_a_project_with_wrong_settings_is_said_to_be_that(ada, portal, changes, words):
    portal.DCS_PROJECTS = {"eu-prod": portal.DCS_PROJECTS["eu-prod"] | changes}

    page = ada.get(ORDERS)

    assert page.status_code == 503
    assert words in text_of(page)


@pytest.mark.parametrize(
    ("instance_id", "code"),
    [("00000000-0000-4000-8000-000000000404", "DCS.4119"), (GONE_INSTANCE_ID, "DCS.3022")],
)
def test_an_instance_that_dcs_does_not_know_is_404(ada, instance_id, code):
    answers = all_of(ada, history_of(instance_id))

    assert {answer.status_code for answer in answers.values()} == {404}
    assert code in text_of(answers[""])
    assert answers["backups.json"].json()["problem"]["code"] == code
    assert "<table" not in answers[""].content.decode()


def test_an_instance_that_is_gone_keeps_its_last_listing(ada, emulator):
    before = ada.get(ORDERS)
    emulator.fleet.remove_instance(ORDERS_CACHE_ID)
    ada.post(f"{ORDERS}refresh/")

    page = ada.get(ORDERS)

    assert page.status_code == 200
    assert rows_of(page) == rows_of(before)
    assert "DCS.4119" in text_of(page)


def test_a_remembered_failure_says_when_dcs_was_asked(ada, emulator):
    emulator.answer_html(404)

    pages = [ada.get(ORDERS) for _ in range(2)]

    first, again = (re.findall(r'Asked</dt><dd><time datetime="([^"]+)"', p.content.decode()) for p in pages)
    assert first == again
    assert len(first) == 1
    assert emulator.count("/backups") == 1
    assert "not a response of the DCS API" in text_of(pages[0])


def test_an_instance_that_dcs_never_backs_up_has_an_empty_history_and_is_not_asked_again(ada, emulator):
    emulator.fail_with(400, "DCS.4086", "Only master/standby instances support it.", path_contains="/backups")

    answer, page = ada.get(f"{ORDERS}backups.json"), ada.get(ORDERS)

    body = answer.json()
    assert (answer.status_code, body["backups"], body["complete"], body["total"]) == (200, [], True, 0)
    assert (body["problem"]["kind"], body["problem"]["code"]) == ("unsupported", "DCS.4086")
    assert page.status_code == 200
    assert "This kind of instance has no backups" in text_of(page)
    assert "the portal's operators" not in text_of(page)
    assert emulator.count("/backups") == 1
