"""The emulator's gateway: who is let in, and in which words the others are refused (dcs-api.md section 2)."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from backups.emulator.fleet import ORDERS_CACHE_ID


def refusal(response):
    """Return code and message, after a look at what all of the gateway's refusals share."""
    body = response.json()
    assert response.status_code == 401
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert set(body) == {"error_msg", "error_code", "request_id"}
    return f"{body['error_code']} {body['error_msg']}"


def test_a_wrong_key_is_refused_with_an_echo_of_key_and_canonical_request(dcs):
    message = refusal(dcs.backups(ORDERS_CACHE_ID, auth=dcs.auth(sk="wrong")))
    assert message.startswith("APIGW.0301")
    assert f"verify aksk signature fail, ak:{dcs.project.ak}" in message
    assert f"/instances/{ORDERS_CACHE_ID}/backups/" in message
    assert dcs.project.sk not in message

    unknown = refusal(dcs.get("/instances", auth=dcs.auth(ak="NOBODYSKEY0000000000")))
    assert "Get secretKey failed,ak:NOBODYSKEY0000000000,err:ak not exist" in unknown


ODD = "SDK-HMAC-SHA256 Access=a, SignedHeaders=, Signature=zz"


@pytest.mark.parametrize("header", [None, "Bearer x", ODD, ""])
def test_a_request_without_a_signature_or_in_another_form_is_refused(dcs, header):
    url = f"{dcs.endpoint}/v2/{dcs.project.project_id}/instances"

    response = requests.get(url, headers={"Authorization": header} if header is not None else {}, timeout=30)

    assert refusal(response).startswith("APIGW.0301")


@pytest.mark.parametrize("change", ["query", "path", "header", "body"])
def test_what_was_signed_must_be_what_was_sent(dcs, change):
    url = f"{dcs.endpoint}/v2/{dcs.project.project_id}/instances?limit=10"
    prepared = requests.Request("GET", url, auth=dcs.auth()).prepare()
    match change:
        case "query":
            prepared.url = url.replace("limit=10", "limit=11")
        case "path":
            prepared.url = url.replace("/instances", f"/instances/{ORDERS_CACHE_ID}")
        case "header":
            prepared.headers["X-Project-Id"] = "0" * 32
        case "body":
            prepared.body, prepared.headers["Content-Length"] = b"{}", "2"

    assert "verify aksk" in refusal(dcs.session.send(prepared, timeout=30))


def test_a_space_is_signed_as_percent_20_and_a_plus_is_no_space(dcs):
    assert dcs.get("/instances?name=a%20b").status_code == 200

    url = f"{dcs.endpoint}/v2/{dcs.project.project_id}/instances?name=a%20b"
    prepared = requests.Request("GET", url, auth=dcs.auth()).prepare()
    prepared.url = str(prepared.url).replace("%20", "+")

    assert dcs.session.send(prepared, timeout=30).status_code == 401


@pytest.mark.parametrize(("minutes", "status"), [(-16, 401), (-14, 200), (14, 200), (16, 401)])
def test_a_clock_may_be_off_by_fifteen_minutes(dcs, minutes, status):
    response = dcs.get("/instances", auth=dcs.auth(now=datetime.now(UTC) + timedelta(minutes=minutes)))

    assert response.status_code == status
    assert status == 200 or "signature expired" in refusal(response)


@pytest.mark.parametrize(("project", "status", "code"), [("cn-prod", 401, "DCS.1004"), ("", 400, "DCS.4002")])
def test_a_path_of_another_project_or_of_none_is_refused_by_dcs(dcs, project, status, code):
    path = dcs.emulator.fleet.project(project).project_id if project else "eu-prod"

    response = dcs.get(f"/v2/{path}/instances")

    assert (response.status_code, response.json()["error_code"]) == (status, code)


def test_a_temporary_key_works_with_its_security_token_only(dcs):
    staging = dcs.emulator.fleet.project("ap-staging")

    def answer(**changes):
        return dcs.get("/instances", staging, auth=dcs.auth(staging, **changes))

    assert answer().status_code == 200
    assert "X-Security-Token" in refusal(answer(security_token=""))
    assert "token:STALE" in refusal(answer(security_token="STALE"))


def test_six_refusals_in_a_row_lock_the_key_for_five_minutes(dcs):
    for _ in range(6):
        assert "verify aksk" in refusal(dcs.get("/instances", auth=dcs.auth(sk="wrong")))

    assert "AK access failed to reach the limit,forbidden" in refusal(dcs.get("/instances"))
    assert dcs.get("/instances", dcs.emulator.fleet.project("cn-prod")).status_code == 200

    dcs.emulator.clock = lambda: datetime.now(UTC) + timedelta(minutes=5, seconds=1)
    assert dcs.get("/instances").status_code == 200


def test_five_refusals_do_not_lock_and_a_success_begins_the_count_anew(dcs):
    for _ in range(2):
        for _ in range(5):
            dcs.get("/instances", auth=dcs.auth(sk="wrong"))
        assert dcs.get("/instances").status_code == 200
