"""Faults on request: each is seen by a plain HTTP client as what it is meant to be."""

import contextlib
import threading
import time

import pytest
import requests

from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from backups.emulator.server import running
from tests.conftest import LONG, wait_for

from .conftest import Caller


def test_each_status_comes_with_its_documented_code(dcs):
    codes = {401: "APIGW.0301", 403: "DCS.2003", 429: "APIGW.0308", 500: "DCS.5078", 503: "APIGW.0201"}
    for status in codes:
        dcs.emulator.fail_with(status, times=1)
    answers = [dcs.backups(ORDERS_CACHE_ID) for _ in codes]
    assert {one.status_code: one.json()["error_code"] for one in answers} == codes


def test_a_fault_lasts_for_so_many_calls_as_it_was_given(dcs):
    fault = dcs.emulator.fail_with(503, times=2)
    dcs.emulator.throttle(3, times=1)

    answers = [dcs.get("/instances") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503, 503, 429, 200]
    assert answers[2].headers["Retry-After"] == "3"
    assert fault.hits == 2
    assert dcs.emulator.faults == ()


def test_a_fault_can_be_kept_to_one_instance_and_let_calls_pass_first(dcs):
    dcs.emulator.fail_with(500, path_contains=ORDERS_CACHE_ID, after=1)

    assert dcs.backups(BULK_HISTORY_ID).status_code == 200
    assert [dcs.backups(ORDERS_CACHE_ID).status_code for _ in range(3)] == [200, 500, 500]


def test_a_wrong_key_stays_a_wrong_key_under_every_fault(dcs):
    dcs.emulator.answer_html()

    assert dcs.get("/instances").text.startswith("<!DOCTYPE html>")
    assert dcs.get("/instances", auth=dcs.auth(sk="wrong")).status_code == 401


def test_a_hanging_call_times_out_and_goes_on_when_it_is_healed(dcs):
    dcs.emulator.hang()

    with pytest.raises(requests.ReadTimeout):
        dcs.get("/instances", timeout=0.2)

    wait_for(lambda: [call.status for call in dcs.emulator.calls] == [None])
    dcs.emulator.heal()
    wait_for(lambda: dcs.emulator.count("/instances", status=200) == 1)


def test_a_server_stops_though_calls_hang():
    emulator = Emulator()
    emulator.hang()
    with running(emulator) as endpoint:
        threading.Thread(target=asked_in_vain, args=(Caller(emulator, endpoint),), daemon=True).start()
        wait_for(lambda: len(emulator.calls) == 1)

    with pytest.raises(requests.ConnectionError):
        requests.get(endpoint, timeout=1)


def asked_in_vain(caller):
    with contextlib.suppress(requests.RequestException):
        caller.get("/instances")


def test_a_dripping_body_arrives_whole_but_slowly(dcs):
    dcs.emulator.answer_body(b'{"total_num":0}')
    dcs.emulator.drip(seconds=0.02, size=3)
    dcs.emulator.delay(0.2)

    start = time.monotonic()

    assert dcs.get("/instances").json() == {"total_num": 0}
    assert time.monotonic() - start >= 0.28


def test_pages_can_be_capped_below_the_limit_that_was_asked_for(dcs):
    dcs.emulator.cap_pages(100)

    body = dcs.backups(BULK_HISTORY_ID, "?limit=1000").json()

    assert (len(body["backup_record_response"]), body["total_num"]) == (100, LONG)
    dcs.emulator.total_is_page_count()
    assert dcs.backups(BULK_HISTORY_ID, "?limit=7").json()["total_num"] == 7


def test_records_arrive_and_go_during_a_walk(dcs):
    first, second = dcs.ids(BULK_HISTORY_ID, "?limit=2")
    new = {"backup_id": "new-one", "created_at": "2099-01-01T00:00:00.000Z"}
    dcs.emulator.after_calls(1, lambda: dcs.emulator.insert_record(BULK_HISTORY_ID, new))
    dcs.emulator.after_calls(2, lambda: dcs.emulator.remove_record(BULK_HISTORY_ID, first))

    pages = [dcs.ids(BULK_HISTORY_ID, "?limit=2") for _ in range(3)]

    assert pages == [[first, second], ["new-one", first], ["new-one", second]]


def test_records_that_were_set_come_as_they_were_given_in_their_order(dcs):
    raw = [{"backup_id": "b", "size": float("nan")}, {"backup_id": "a", "remark": "\ud800"}, {}]
    dcs.emulator.set_records(ORDERS_CACHE_ID, raw)

    body = dcs.backups(ORDERS_CACHE_ID).text

    assert '[{"backup_id":"b","size":NaN},{"backup_id":"a","remark":"\\ud800"},{}]' in body
    dcs.emulator.set_records(ORDERS_CACHE_ID, [])
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 204
    dcs.emulator.reset()
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 200
