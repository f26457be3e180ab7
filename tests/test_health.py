"""Health: alive or not, ready or not, and DCS is told but never takes a server out."""

from contextlib import suppress

import pytest
from django.core.management import call_command

from backups.dcs.errors import DcsError
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings import clients
from backups.services.listings.clients import client_for
from backups.services.projects import configured_projects
from dcsportal import health


@pytest.fixture(autouse=True)
def _just_started(portal):
    health.forget()
    yield
    health.forget()


def readiness(client):
    response = client.get("/readyz")
    return response.status_code, response.json()


@pytest.mark.parametrize("hosts", [["*"], [".example.com"], ["backups.example.com", "other.example.com"]])
def test_a_machine_is_asked_by_its_own_address_whatever_hosts_are_allowed(client, settings, hosts):
    settings.ALLOWED_HOSTS, settings.METRICS_TOKEN = hosts, ""

    assert client.get("/healthz", headers={"Host": "10.0.0.7:8000"}).content == b"ok"
    assert client.get("/metrics", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_a_server_whose_parts_all_work_is_ready(db, client):
    assert readiness(client) == (200, {"ready": True, "database": "ok", "settings": "ok", "dcs": "unknown"})


def test_a_server_without_its_tables_is_not_ready_until_it_has_them(transactional_db, client):
    call_command("migrate", "sso", "zero", verbosity=0)
    try:
        assert readiness(client)[1]["database"] == "failed"
    finally:
        call_command("migrate", verbosity=0)
    health.forget()

    assert readiness(client)[0] == 200


def test_a_server_that_was_ready_stays_so_while_an_upgrade_lays_newer_migrations_beside_it(
    transactional_db, client
):
    assert readiness(client)[0] == 200
    call_command("migrate", "sso", "zero", verbosity=0)
    health.states_in.cache_clear()
    try:
        assert readiness(client)[0] == 200
    finally:
        call_command("migrate", verbosity=0)


def test_a_server_with_wrong_settings_is_not_ready(db, client, settings):
    settings.PORTAL_URL = "https://backups.example.com"  # the demo is for loopback only

    assert readiness(client)[1]["settings"] == "failed"


def test_asking_again_and_again_costs_nothing(db, client, django_assert_num_queries):
    readiness(client)

    with django_assert_num_queries(0):
        assert readiness(client)[0] == 200


# --- DCS -------------------------------------------------------------------------


def ask_dcs(project):
    with suppress(DcsError):
        client_for(configured_projects()[project]).list_backup_records(ORDERS_CACHE_ID, limit=1)


@pytest.mark.parametrize(
    ("spoilt", "state"), [((), "ok"), (("eu-prod",), "partly failing"), (("eu-prod", "cn-prod"), "failing")]
)
def test_dcs_is_told_and_never_takes_a_server_out(db, client, portal, emulator, spoilt, state):
    for project in ("eu-prod", "cn-prod"):
        if project in spoilt:
            emulator.fail_with(500)
        ask_dcs(project)
        emulator.heal()

    status, body = readiness(client)
    assert (status, body["ready"], body["dcs"]) == (200, True, state)
    assert "eu-prod" not in str(body)


def test_an_unknown_instance_says_nothing_against_dcs_and_old_news_is_no_news(portal, emulator):
    ask_dcs("cn-prod")  # orders-cache is in another project
    _, asked_at = clients._last["cn-prod"]

    assert clients.dcs_state(asked_at) == "ok"
    assert clients.dcs_state(asked_at + clients.NEWS_SECONDS + 1) == "unknown"
