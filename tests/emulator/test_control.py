"""Faults over HTTP, as a demo or a test in another process asks for them."""

import pytest
import requests

from backups.emulator.fleet import ORDERS_CACHE_ID


@pytest.fixture
def control(endpoint):
    """Ask the control; without a value there is no body."""
    return lambda method, path, value=None: requests.request(
        method, f"{endpoint}/_emulator/{path}", json=value, timeout=30
    )


def test_a_fault_is_made_seen_and_healed_over_http(dcs, control):
    made = control("POST", "faults", {"fault": "fail_with", "status": 503, "times": 2})

    assert made.status_code == 201
    assert dcs.get("/instances").status_code == 503
    overview = control("GET", "")
    assert overview.json()["faults"] == [
        {"fault": "fail_with", "times": 2, "path_contains": "", "after": 0, "hits": 1}
    ]
    assert [one["name"] for one in overview.json()["projects"]] == ["eu-prod", "cn-prod", "ap-staging"]
    assert dcs.project.sk not in overview.text
    assert control("GET", "nothing").status_code == 404
    assert control("DELETE", "faults").status_code == 204
    assert dcs.get("/instances").status_code == 200


def test_every_kind_of_fault_can_be_asked_for(dcs, control):
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
        assert control("POST", "faults", fault | {"times": 1}).status_code == 201
        assert dcs.get("/instances").status_code == status


WRONG = [{"fault": "clear_calls"}, {"fault": "fail_with"}, {}, [], {"fault": "delay", "secs": 1}]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_fault_that_cannot_be_is_answered_with_400(control, wrong):
    response = control("POST", "faults", wrong)

    assert response.status_code == 400
    assert response.json()["error"]


def test_records_are_set_added_changed_and_removed_over_http(dcs, control):
    path = f"records/{ORDERS_CACHE_ID}"

    control("PUT", path, [{"backup_id": "a", "created_at": "2026-01-01T00:00:00Z"}])
    control("POST", path, {"backup_id": "b", "created_at": "2026-01-02T00:00:00Z"})
    assert dcs.ids(ORDERS_CACHE_ID) == ["b", "a"]

    control("PATCH", f"{path}/a", {"status": "expired"})
    assert [one.get("status") for one in dcs.records(ORDERS_CACHE_ID)] == [None, "expired"]
    control("DELETE", f"{path}/a")
    assert dcs.ids(ORDERS_CACHE_ID) == ["b"]

    assert control("DELETE", f"{path}/unknown").status_code == 400
    assert control("PATCH", f"{path}/unknown", {}).status_code == 400
    assert control("DELETE", "").status_code == 204
    assert len(dcs.records(ORDERS_CACHE_ID)) > 60


def test_an_instance_is_hidden_from_the_list_or_deleted_over_http(dcs, control):
    def is_listed():
        return ORDERS_CACHE_ID in dcs.get("/instances?limit=1000").text

    assert is_listed()
    control("DELETE", f"listed-instances/{ORDERS_CACHE_ID}")
    assert not is_listed()
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 200

    control("DELETE", f"instances/{ORDERS_CACHE_ID}")
    assert dcs.backups(ORDERS_CACHE_ID).json()["error_code"] == "DCS.4119"

    control("DELETE", "")
    assert is_listed()


def test_the_log_of_calls_is_read_and_cleared_over_http(dcs, control):
    dcs.get("/instances")
    dcs.backups(ORDERS_CACHE_ID)

    (call,) = control("GET", "calls?path_contains=/backups").json()
    assert call["status"] == 200

    control("DELETE", "calls")
    assert control("GET", "calls").json() == []


def test_a_web_page_cannot_post_a_fault_as_a_form(dcs):
    response = requests.post(f"{dcs.endpoint}/_emulator/faults", data="fault=hang", timeout=30)

    assert response.status_code == 415
    assert dcs.emulator.faults == ()
