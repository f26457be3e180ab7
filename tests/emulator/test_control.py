"""Faults over HTTP, as a demo or a test in another process asks for them."""

import pytest
import requests

from backups.emulator.fleet import ORDERS_CACHE_ID


def control(dcs, method, path, value=None):
    return requests.request(method, f"{dcs.endpoint}/_emulator/{path}", json=value, timeout=30)


def test_a_fault_is_made_seen_and_healed_over_http(dcs):
    made = control(dcs, "POST", "faults", {"fault": "fail_with", "status": 503, "times": 2})

    assert made.status_code == 201
    assert dcs.get("/instances").status_code == 503
    overview = control(dcs, "GET", "")
    assert overview.json()["faults"] == [
        {"fault": "fail_with", "times": 2, "path_contains": "", "after": 0, "hits": 1}
    ]
    assert [one["name"] for one in overview.json()["projects"]] == ["eu-prod", "cn-prod", "ap-staging"]
    assert dcs.project.sk not in overview.text
    assert control(dcs, "GET", "nothing").status_code == 404
    assert control(dcs, "DELETE", "faults").status_code == 204
    assert dcs.get("/instances").status_code == 200


def test_every_kind_of_fault_can_be_asked_for(dcs):
    for fault, status in (
        ({"fault": "throttle", "retry_after": 1}, 429),
        ({"fault": "delay", "seconds": 0.01}, 200),
        ({"fault": "answer_html", "status": 502}, 502),
        ({"fault": "answer_body", "body": "{}", "status": 207, "headers": [["X-A", "1"]]}, 207),
        ({"fault": "cap_pages", "at": 1}, 200),
        ({"fault": "total_is_page_count"}, 200),
        ({"fault": "list_part", "share": 0.5}, 200),
        ({"fault": "list_part", "share": 0}, 204),
        ({"fault": "drip", "seconds": 0, "size": 4096}, 200),
    ):
        assert control(dcs, "POST", "faults", fault | {"times": 1}).status_code == 201
        assert dcs.get("/instances").status_code == status


@pytest.mark.parametrize(
    "wrong", [{"fault": "clear_calls"}, {"fault": "fail_with"}, {}, [], {"fault": "delay", "secs": 1}]
)
def test_a_fault_that_cannot_be_is_answered_with_400(dcs, wrong):
    response = control(dcs, "POST", "faults", wrong)

    assert response.status_code == 400
    assert response.json()["error"]


def test_records_are_set_added_changed_and_removed_over_http(dcs):
    path = f"records/{ORDERS_CACHE_ID}"

    control(dcs, "PUT", path, [{"backup_id": "a", "created_at": "2026-01-01T00:00:00Z"}])
    control(dcs, "POST", path, {"backup_id": "b", "created_at": "2026-01-02T00:00:00Z"})
    assert dcs.ids(ORDERS_CACHE_ID) == ["b", "a"]

    control(dcs, "PATCH", f"{path}/a", {"status": "expired"})
    assert [one.get("status") for one in dcs.records(ORDERS_CACHE_ID)] == [None, "expired"]
    control(dcs, "DELETE", f"{path}/a")
    assert dcs.ids(ORDERS_CACHE_ID) == ["b"]

    assert control(dcs, "DELETE", f"{path}/unknown").status_code == 400
    assert control(dcs, "PATCH", f"{path}/unknown", {}).status_code == 400
    assert control(dcs, "DELETE", "").status_code == 204
    assert len(dcs.records(ORDERS_CACHE_ID)) > 60


def test_an_instance_is_hidden_from_the_list_or_deleted_over_http(dcs):
    def is_listed():
        return ORDERS_CACHE_ID in dcs.get("/instances?limit=1000").text

    assert is_listed()
    control(dcs, "DELETE", f"listed-instances/{ORDERS_CACHE_ID}")
    assert not is_listed()
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 200

    control(dcs, "DELETE", f"instances/{ORDERS_CACHE_ID}")
    assert dcs.backups(ORDERS_CACHE_ID).json()["error_code"] == "DCS.4119"

    control(dcs, "DELETE", "")
    assert is_listed()


def test_the_log_of_calls_is_read_and_cleared_over_http(dcs):
    dcs.get("/instances")
    dcs.backups(ORDERS_CACHE_ID)

    (call,) = control(dcs, "GET", "calls?path_contains=/backups").json()
    assert call["status"] == 200

    control(dcs, "DELETE", "calls")
    assert control(dcs, "GET", "calls").json() == []


def test_a_web_page_cannot_post_a_fault_as_a_form(dcs):
    response = requests.post(f"{dcs.endpoint}/_emulator/faults", data="fault=hang", timeout=30)

    assert response.status_code == 415
    assert dcs.emulator.faults == ()
