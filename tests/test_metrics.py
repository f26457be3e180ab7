"""`/metrics`: who may read it, and what it tells; tests/servers has that it adds up over workers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from backups.emulator.fleet import ORDERS_CACHE_ID

TOKEN = "a-token-for-prometheus"


def value_of(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"dcs_portal_{name}" and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


# --- Who may read it -------------------------------------------------------------


@pytest.mark.parametrize("header", ["", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ключ"])
def test_without_the_token_the_numbers_are_closed(client: Client, settings: Settings, header: str) -> None:
    settings.METRICS_TOKEN = TOKEN

    response = client.get("/metrics", headers={"Authorization": header} if header else {})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert b"dcs_portal" not in response.content


def test_with_the_token_they_are_open(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN, settings.ON_LOOPBACK = TOKEN, False

    for scheme in ("Bearer", "bearer"):
        response = client.get("/metrics", headers={"Authorization": f"{scheme} {TOKEN}"})
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")


def test_no_token_is_needed_on_loopback_and_elsewhere_they_are_closed_without_one(
    client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN, settings.ON_LOOPBACK = "", True
    assert client.get("/metrics").status_code == 200

    settings.ON_LOOPBACK = False
    response = client.get("/metrics", REMOTE_ADDR="127.0.0.1")  # as behind a proxy
    assert response.status_code == 403
    assert "METRICS_TOKEN" in response.content.decode()


# --- What it tells ---------------------------------------------------------------


def test_requests_are_told_by_view_method_and_status(
    portal: Settings, client_of: Callable[[str], Client]
) -> None:
    client = client_of("ada")
    client.get(f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/")
    client.get("/no/such/page/with/a-secret-name")
    client.generic("BREW", "/signed-out/")

    text = client.get("/metrics").content.decode()

    assert value_of(text, "requests_total", view="history", method="GET", status="200")
    assert value_of(text, "requests_total", view="none", method="GET", status="404")
    assert value_of(text, "requests_total", view="signed-out", method="other", status="405")
    assert value_of(text, "request_seconds_count", view="history")
    assert value_of(text, "sign_ins_total", outcome="ok")
    assert value_of(text, "requests_in_progress") == 1  # the one that asks
    assert "a-secret-name" not in text


def test_addresses_that_do_not_exist_make_no_series_of_their_own(client: Client) -> None:
    def series() -> int:
        return sum(len(family.samples) for family in REGISTRY.collect())

    client.get("/no-such-page-0")
    before = series()
    for number in range(20):
        client.get(f"/no-such-page-{number}")

    assert series() == before


def test_a_failed_sign_in_is_told_by_its_kind(db: None, client: Client, settings: Settings) -> None:
    settings.SSO_ISSUER = "https://sso.example.com"
    before = REGISTRY.get_sample_value("dcs_portal_sign_ins_total", {"outcome": "expired"}) or 0

    client.get("/sso/callback/?state=x&code=y")

    assert REGISTRY.get_sample_value("dcs_portal_sign_ins_total", {"outcome": "expired"}) == before + 1
