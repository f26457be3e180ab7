"""`/metrics`: who may read it, and what it tells; tests/servers has that it adds up over workers."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from backups.models import InstanceSummary
from backups.services.listings import acquire_lease, reader

TOKEN = "a-token-for-prometheus"


@pytest.fixture
def told(client):
    """`told(name, **labels)` is the value of a series; None where there is none."""

    def value(name, **labels):
        for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
            for sample in family.samples:
                if sample.name == f"dcs_portal_{name}" and labels.items() <= sample.labels.items():
                    return sample.value
        return None

    return value


# --- Who may read it -------------------------------------------------------------


@pytest.mark.parametrize("header", ["", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ключ"])
def test_without_the_token_the_numbers_are_closed(client, settings, header):
    settings.METRICS_TOKEN = TOKEN

    response = client.get("/metrics", headers={"Authorization": header} if header else {})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert b"dcs_portal" not in response.content


def test_with_the_token_they_are_open(db, client, settings):
    settings.METRICS_TOKEN, settings.ON_LOOPBACK = TOKEN, False

    for scheme in ("Bearer", "bearer"):
        response = client.get("/metrics", headers={"Authorization": f"{scheme} {TOKEN}"})
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")


def test_no_token_is_needed_on_loopback_and_elsewhere_they_are_closed_without_one(db, client, settings):
    settings.METRICS_TOKEN, settings.ON_LOOPBACK = "", True
    assert client.get("/metrics").status_code == 200

    settings.ON_LOOPBACK = False
    response = client.get("/metrics", REMOTE_ADDR="127.0.0.1")  # as behind a proxy
    assert response.status_code == 403
    assert "METRICS_TOKEN" in response.content.decode()


# --- What it tells ---------------------------------------------------------------


def test_requests_are_told_by_view_method_and_status(portal, client_of, told):
    ada = client_of("ada")
    ada.get(f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/")
    ada.get("/no/such/page/with/a-secret-name")
    ada.generic("BREW", "/signed-out/")

    assert told("requests_total", view="history", method="GET", status="200")
    assert told("requests_total", view="none", method="GET", status="404")
    assert told("requests_total", view="signed-out", method="other", status="405")
    assert told("request_seconds_count", view="history")
    assert told("sign_ins_total", outcome="ok")
    assert told("requests_in_progress") == 1  # the one that asks
    assert "a-secret-name" not in ada.get("/metrics").content.decode()


def test_addresses_that_do_not_exist_make_no_series_of_their_own(client):
    def series_after(path):
        client.get(path)
        return sum(len(family.samples) for family in REGISTRY.collect())

    assert len({series_after(f"/no-such-page-{number}") for number in range(20)}) == 1


def test_a_failed_sign_in_is_told_by_its_kind(db, client, settings, told):
    settings.SSO_ISSUER = "https://sso.example.com"
    before = told("sign_ins_total", outcome="expired") or 0

    client.get("/sso/callback/?state=x&code=y")

    assert told("sign_ins_total", outcome="expired") == before + 1


# --- What is known ---------------------------------------------------------------


def test_the_age_of_what_is_known_is_told_and_nothing_where_nothing_is_known(portal, client_of, told):
    ada, now = client_of("ada"), datetime.now(UTC)
    assert told("evidence_oldest_age_seconds") is None
    for instance_id, hours in ((ORDERS_CACHE_ID, 2), (BULK_HISTORY_ID, 1)):
        ada.get(f"/projects/eu-prod/instances/{instance_id}/")
        assert reader.wait_for_readers()
        row = InstanceSummary.objects.filter(instance__instance_id=instance_id)
        row.update(read_at=now - timedelta(hours=hours), due_at=now - timedelta(minutes=30 * hours))

    for name, seconds in (
        ("evidence_oldest_age", 7200),
        ("evidence_median_age", 3600),
        ("collector_lag", 3600),
    ):
        assert told(f"{name}_seconds", project="eu-prod") == pytest.approx(seconds, abs=60)
    assert told("instances_not_read", project="eu-prod") == 0
    assert told("evidence_oldest_age_seconds", project="cn-prod") is None


def test_whether_anybody_collects_is_told_where_somebody_should(portal, told):
    assert told("collector_held") is None
    portal.COLLECT = True
    assert told("collector_held") == 0
    lease = acquire_lease("collector")
    assert told("collector_held") == 1
    lease.release()
