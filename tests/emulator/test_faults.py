"""Faults on request: each is seen by a plain HTTP client as what it is meant to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import requests

from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from backups.emulator.server import running

from .conftest import Caller


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "APIGW.0301"),
        (403, "DCS.2003"),
        (429, "APIGW.0308"),
        (500, "DCS.5078"),
        (503, "APIGW.0201"),
    ],
)
def test_each_status_comes_with_its_documented_code(dcs: Caller, status: int, code: str) -> None:
    dcs.emulator.fail_with(status)

    response = dcs.backups(ORDERS_CACHE_ID)

    assert (response.status_code, response.json()["error_code"]) == (status, code)
    assert response.headers["X-Request-Id"]


def test_code_message_and_retry_after_can_be_chosen(dcs: Caller) -> None:
    dcs.emulator.fail_with(503, "DCS.5024", "In maintenance.", retry_after=7)

    response = dcs.backups(ORDERS_CACHE_ID)

    assert response.json() == {
        "error_code": "DCS.5024",
        "error_msg": "In maintenance.",
        "error_ext_msg": None,
    }
    assert response.headers["Retry-After"] == "7"


def test_errors_come_in_every_shape_that_the_cloud_has(dcs: Caller) -> None:
    def body(shape: str) -> dict[str, object]:
        dcs.emulator.heal()
        dcs.emulator.fail_with(403, "X.1", "no", shape=shape)
        answer: dict[str, object] = dcs.get("/instances").json()
        return answer

    assert body("older") == {"error": {"code": "X.1", "message": "no"}}
    assert body("iam") == {"error": {"code": 403, "message": "no", "title": "Forbidden"}}
    assert "encoded_authorization_message" in body("authorization")
    assert "request_id" in body("gateway")


def test_a_fault_lasts_for_so_many_calls_as_it_was_given(dcs: Caller) -> None:
    fault = dcs.emulator.fail_with(503, times=2)
    dcs.emulator.throttle(3, times=1)

    answers = [dcs.get("/instances") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503, 503, 429, 200]
    assert answers[2].headers["Retry-After"] == "3"
    assert fault.hits == 2
    assert dcs.emulator.faults == ()


def test_a_fault_can_be_kept_to_one_instance_and_let_calls_pass_first(dcs: Caller) -> None:
    dcs.emulator.fail_with(500, path_contains=ORDERS_CACHE_ID, after=1)

    assert dcs.backups(BULK_HISTORY_ID).status_code == 200
    assert [dcs.backups(ORDERS_CACHE_ID).status_code for _ in range(3)] == [200, 500, 500]


def test_a_wrong_key_stays_a_wrong_key_under_every_fault(dcs: Caller) -> None:
    dcs.emulator.answer_html()

    assert dcs.get("/instances").text.startswith("<!DOCTYPE html>")
    assert dcs.get("/instances", auth=dcs.auth(sk="wrong")).status_code == 401


def test_a_hanging_call_times_out_and_goes_on_when_it_is_healed(dcs: Caller) -> None:
    dcs.emulator.hang()

    with pytest.raises(requests.ReadTimeout):
        dcs.get("/instances", timeout=0.2)

    assert [call.status for call in dcs.emulator.calls] == [None]
    dcs.emulator.heal()
    until(lambda: dcs.emulator.count("/instances", status=200) == 1)


def test_a_server_stops_at_once_though_calls_hang() -> None:
    emulator = Emulator()
    emulator.hang()
    with running(emulator) as endpoint:
        caller = Caller(emulator, endpoint)
        threading.Thread(target=lambda: swallow(caller), daemon=True).start()
        until(lambda: len(emulator.calls) == 1)
        start = time.monotonic()

    assert time.monotonic() - start < 1.5
    with pytest.raises(requests.ConnectionError):
        requests.get(endpoint, timeout=1)


def test_a_cut_body_ends_before_its_announced_length(dcs: Caller) -> None:
    dcs.emulator.cut_body()

    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        dcs.backups(ORDERS_CACHE_ID)

    dcs.emulator.heal()
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 200


def test_a_dripping_body_arrives_whole_but_slowly(dcs: Caller) -> None:
    dcs.emulator.answer_body(b'{"total_num":0}')
    dcs.emulator.drip(seconds=0.02, size=3)
    dcs.emulator.delay(0.2)

    start = time.monotonic()

    assert dcs.get("/instances").json() == {"total_num": 0}
    assert time.monotonic() - start >= 0.28


def test_any_bytes_can_be_the_body(dcs: Caller) -> None:
    dcs.emulator.answer_body(b"\xff\xfe[", 418, content_type=None, headers=(("Location", "/elsewhere"),))

    response = dcs.get("/instances", allow_redirects=False)

    assert (response.status_code, response.content) == (418, b"\xff\xfe[")
    assert response.headers["Location"] == "/elsewhere"
    assert "Content-Type" not in response.headers


def test_pages_can_be_capped_below_the_limit_that_was_asked_for(dcs: Caller) -> None:
    dcs.emulator.cap_pages(100)

    body = dcs.backups(BULK_HISTORY_ID, "?limit=1000").json()

    assert (len(body["backup_record_response"]), body["total_num"]) == (100, 10_000)
    dcs.emulator.total_is_page_count()
    assert dcs.backups(BULK_HISTORY_ID, "?limit=7").json()["total_num"] == 7


def test_records_arrive_and_go_during_a_walk(dcs: Caller) -> None:
    first, second = dcs.records(BULK_HISTORY_ID, "?limit=2")
    new = {"backup_id": "new-one", "created_at": "2099-01-01T00:00:00.000Z"}
    dcs.emulator.after_calls(1, lambda: dcs.emulator.insert_record(BULK_HISTORY_ID, new))
    dcs.emulator.after_calls(2, lambda: dcs.emulator.remove_record(BULK_HISTORY_ID, first["backup_id"]))

    pages = [
        [one["backup_id"] for one in dcs.records(BULK_HISTORY_ID, f"?limit=2&offset={offset}")]
        for offset in (0, 0, 0)
    ]

    assert pages[0] == [first["backup_id"], second["backup_id"]]
    assert pages[1] == ["new-one", first["backup_id"]]
    assert pages[2] == ["new-one", second["backup_id"]]


def test_records_that_were_set_come_as_they_were_given_in_their_order(dcs: Caller) -> None:
    raw = [{"backup_id": "b", "size": float("nan")}, {"backup_id": "a", "remark": "\ud800"}, {}]
    dcs.emulator.set_records(ORDERS_CACHE_ID, raw)

    body = dcs.backups(ORDERS_CACHE_ID).text

    assert '[{"backup_id":"b","size":NaN},{"backup_id":"a","remark":"\\ud800"},{}]' in body
    dcs.emulator.set_records(ORDERS_CACHE_ID, [])
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 204
    dcs.emulator.reset()
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 200


def test_instances_can_be_added_and_taken_away(dcs: Caller) -> None:
    added = dcs.emulator.fleet.add_instance("made-for-a-test")
    dcs.emulator.fleet.remove_instance(ORDERS_CACHE_ID)
    dcs.emulator.set_records(added.instance_id, [{"backup_id": "one"}])

    assert dcs.backups(added.instance_id).json()["total_num"] == 1
    assert dcs.backups(ORDERS_CACHE_ID).json()["error_code"] == "DCS.4119"


def test_the_log_tells_who_asked_what_and_got_which_answer(dcs: Caller) -> None:
    response = dcs.backups(ORDERS_CACHE_ID, "?limit=3", headers={"User-Agent": "a-portal/1"})

    (call,) = dcs.emulator.calls

    assert (call.method, call.query, call.status) == ("GET", "limit=3", 200)
    assert call.path.endswith(f"/instances/{ORDERS_CACHE_ID}/backups")
    assert call.request_id == response.headers["X-Request-Id"]
    assert call.headers["user-agent"] == "a-portal/1"
    assert "authorization" not in call.headers
    assert dcs.emulator.count("/backups", status=200) == 1
    dcs.emulator.clear_calls()
    assert dcs.emulator.count() == 0


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a condition, asked every few milliseconds; fail where it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.005)


def swallow(caller: Caller) -> None:
    try:
        caller.get("/instances")
    except requests.RequestException:
        return
