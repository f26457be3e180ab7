"""Who asks too often is told so, with the time to come back; nobody else notices."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings import COUNTED_SECONDS, count, store
from dcsportal import metrics, rate_limits
from dcsportal.rate_limits import _EXPORT, _FIND, _REFRESH, _SIGN_IN, Limit

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
SignIn = Callable[[str], Client]


pytestmark = pytest.mark.usefixtures("within_one_minute")


def used_up(client: Client, limit: rate_limits.Limit) -> None:
    """Let this viewer have asked as often as the limit allows."""
    viewer = client.session["_auth_user_id"]
    for _ in range(limit.most):
        count(f"{limit.name}:viewer-{viewer}", time.time())


def is_soon(response: Any) -> bool:
    return 0 < int(response.headers["Retry-After"]) <= COUNTED_SECONDS


# --- Viewers ---------------------------------------------------------------------


def test_a_viewer_who_refreshes_without_end_is_told_to_wait(client_of: SignIn, emulator: Emulator) -> None:
    ada = client_of("ada")
    used_up(ada, _REFRESH)
    emulator.clear_calls()

    refused = ada.post(f"{HISTORY}refresh/", headers={"Referer": f"http://testserver{HISTORY}?status=failed"})

    assert refused.status_code == 429
    assert is_soon(refused)
    page = refused.content.decode()
    assert "Too many requests" in page
    assert "answers again in" in page
    assert f'href="{HISTORY}?status=failed"' in page
    assert not emulator.calls


def test_others_are_not_refused(client_of: SignIn) -> None:
    used_up(client_of("ada"), _REFRESH)

    assert client_of("ben").post(f"{HISTORY}refresh/").status_code == 302


def test_what_is_not_counted_goes_on(client_of: SignIn) -> None:
    ada = client_of("ada")
    for limit in (_REFRESH, _FIND, _EXPORT):
        used_up(ada, limit)

    for path in ("/", "/projects/eu-prod/", HISTORY):
        assert ada.get(path).status_code == 200


def test_find_is_limited(client_of: SignIn) -> None:
    ada = client_of("ada")
    for _ in range(_FIND.most):
        assert ada.get("/find/").status_code == 200

    assert ada.get("/find/?q=orders").status_code == 429


def test_a_program_that_exports_too_often_gets_the_usual_envelope(client_of: SignIn) -> None:
    ada = client_of("ada")
    used_up(ada, _EXPORT)

    as_json, as_csv = ada.get(f"{HISTORY}backups.json"), ada.get(f"{HISTORY}backups.csv")

    assert (as_json.status_code, as_csv.status_code) == (429, 429)
    assert is_soon(as_json)
    body = as_json.json()
    assert (body["project"], body["instance_id"]) == ("eu-prod", ORDERS_CACHE_ID)
    assert body["problem"]["kind"] == "too_many_requests"
    assert body["problem"]["retry_at"]
    assert "backups" not in body
    assert as_csv.headers["Content-Type"].startswith("text/plain")


def test_who_asks_whether_anything_is_new_may_ask_as_often_as_a_page(client_of: SignIn) -> None:
    ada = client_of("ada")
    known = ada.get(f"{HISTORY}backups.json").headers["ETag"]
    for _ in range(_EXPORT.most + 5):
        unchanged = ada.get(f"{HISTORY}backups.json", headers={"If-None-Match": known})
        assert unchanged.status_code == 304

    used_up(ada, Limit("export", _EXPORT.most - 2))

    assert ada.get(f"{HISTORY}backups.json", headers={"If-None-Match": '"another"'}).status_code == 200
    assert ada.get(f"{HISTORY}backups.json", headers={"If-None-Match": '"another"'}).status_code == 429


def test_a_hidden_project_stays_hidden_from_who_exports_too_often(client_of: SignIn) -> None:
    ben = client_of("ben")
    used_up(ben, _EXPORT)

    for project in ("cn-prod", "no-such"):
        assert ben.get(f"/projects/{project}/instances/{ORDERS_CACHE_ID}/backups.json").status_code == 404


def test_what_runs_behind_a_page_is_told_in_json(client_of: SignIn) -> None:
    ada = client_of("ada")
    used_up(ada, _REFRESH)

    refused = ada.post(f"{HISTORY}refresh/", headers={"HX-Request": "true"})

    assert refused.status_code == 429
    assert refused.json()["error"] == "too_many_requests"
    assert refused.json()["retry_after"] == int(refused.headers["Retry-After"])


def test_the_next_minute_is_a_new_one() -> None:
    now = time.time()
    assert [count("x", now) for _ in range(3)] == [1, 2, 3]

    assert count("x", now + COUNTED_SECONDS) == 1


def test_the_log_says_so_once_a_minute(client_of: SignIn, caplog: pytest.LogCaptureFixture) -> None:
    ada = client_of("ada")
    used_up(ada, _REFRESH)

    for _ in range(3):
        ada.post(f"{HISTORY}refresh/")

    assert sum("over 30 in a minute" in record.getMessage() for record in caplog.records) == 1


# --- Addresses -------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three sign-ins a minute, so that the test need not make hundreds."""
    limit = rate_limits.Limit("sign-in", 3, methods=("POST",))
    monkeypatch.setitem(rate_limits.LIMITS, "sign-in", limit)


def sign_in(address: str, forwarded: str = "") -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    response = Client(REMOTE_ADDR=address).post("/sign-in/", {"person": "ada"}, headers=headers)
    return int(response.status_code)


def test_one_address_begins_so_many_sign_ins_a_minute(db: None, few: None) -> None:
    assert [sign_in("203.0.113.7") for _ in range(4)] == [303, 303, 303, 429]
    assert sign_in("203.0.113.8") == 303


def test_a_refused_sign_in_keeps_its_link(db: None, few: None) -> None:
    for _ in range(3):
        sign_in("203.0.113.7")

    response = Client(REMOTE_ADDR="203.0.113.7").post(
        "/sign-in/",
        {"person": "ada"},
        headers={"Referer": "http://testserver/sign-in/?next=/projects/eu-prod/"},
    )

    assert response.status_code == 429
    assert 'href="/sign-in/?next=/projects/eu-prod/"' in response.content.decode()


def test_behind_a_trusted_proxy_the_viewer_s_own_address_counts(
    db: None, few: None, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]

    assert [sign_in("10.0.0.1", "203.0.113.7") for _ in range(4)] == [303, 303, 303, 429]
    assert sign_in("10.0.0.1", "203.0.113.8") == 303
    # What a viewer writes before its own address changes nothing.
    assert sign_in("10.0.0.1", "198.51.100.1, 203.0.113.7") == 429


def test_nobody_escapes_by_a_header_of_his_own(db: None, few: None) -> None:
    assert [sign_in("203.0.113.7", f"198.51.100.{n}") for n in range(4)] == [303, 303, 303, 429]


def test_a_network_of_ipv6_is_one_address(db: None, few: None) -> None:
    assert [sign_in(f"2001:db8::{n}") for n in range(1, 5)] == [303, 303, 303, 429]
    assert sign_in("2001:db8:0:1::1") == 303


def test_looking_at_the_sign_in_page_is_not_counted(client: Client, few: None) -> None:
    for _ in range(5):
        assert client.get("/sign-in/").status_code == 200


def test_the_way_to_the_provider_is_counted_too(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rate_limits.LIMITS, "sso-start", rate_limits.Limit("sign-in", 2))

    statuses = [client.get("/sso/start/").status_code for _ in range(3)]

    assert statuses == [404, 404, 429]  # there is no provider in this installation


def test_every_limit_is_known_to_the_metrics_beforehand() -> None:
    assert {limit.name for limit in rate_limits.LIMITS.values()} | {"body", "unknown"} == set(metrics.LIMITS)


def test_the_limits_are_far_from_what_people_do() -> None:
    assert _SIGN_IN.most >= 300
    assert min(limit.most for limit in rate_limits.LIMITS.values()) >= 30


# --- Several processes, and none of them with a cache ----------------------------


@pytest.fixture
def no_cache(portal: Settings) -> Iterator[None]:
    """A Redis that refuses connections."""
    embedded = portal.CACHES
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    portal.CACHES = {"default": redis}
    yield
    portal.CACHES = embedded
    store.forget()


def test_without_the_cache_each_process_counts_for_itself_and_refuses_nobody_else(no_cache: None) -> None:
    now = time.time()

    assert [count("x", now) for _ in range(3)] == [1, 2, 3]
    assert count("x", now, -1) == 2
    store.forget()  # as another process
    assert count("x", now) == 1


def test_what_a_process_counts_for_itself_is_bounded(no_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_COUNTED", 10)

    for number in range(50):
        count(f"viewer-{number}", time.time())

    assert len(store._counted_here) <= 11
