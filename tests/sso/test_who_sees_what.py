"""Every URL of the portal, as nobody, as a viewer of another project, as a viewer without a group."""

import pytest
from django.contrib.auth import SESSION_KEY

from backups.emulator.contract import REFERENCE_BACKUP_ID
from backups.emulator.fleet import ORDERS_CACHE_ID
from dcsportal.sso.models import Viewer

from ..test_security_headers import addresses

SECRETS = ("orders-cache", "backup_20", "880,232", "eu-west-101")
# What everybody may open: signing in and out, health, preferences.
OPEN = (
    *("sign-in", "sso-start", "sso-callback", "sso-back-channel-logout", "sign-out", "signed-out"),
    *("preferences", "healthz", "readyz", "metrics", "metrics-instances"),
)

pytestmark = pytest.mark.usefixtures("portal")


@pytest.mark.parametrize("method", ["get", "post", "head", "options", "put", "delete"])
def test_nobody_sees_nothing_at_any_address(client, method):
    for name, path in addresses():
        if name in OPEN:
            continue
        response = getattr(client, method)(path)
        assert response.status_code == 302, path
        assert response.headers["Location"].startswith("/sign-in/"), path
        _shows_nothing(response)
        assert SESSION_KEY not in client.session


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Accept": "application/json"}])
def test_nobody_gets_401_behind_a_page(client, headers):
    for name, path in addresses():
        if name not in OPEN:
            response = client.get(path, headers=headers)
            assert (response.status_code, path) == (401, path)
            _shows_nothing(response)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(("person", "existing"), [("cleo", "eu-prod"), ("ben", "cn-prod")])
def test_a_project_of_others_is_as_missing_as_one_that_is_not_there(
    client_of, emulator, person, existing, method
):
    client, ada = client_of(person), client_of("ada")
    for _, path in addresses(project_name=existing):
        ada.get(path)  # so that it is known to the portal
    emulator.clear_calls()
    pairs = zip(addresses(project_name=existing), addresses(project_name="z" * len(existing)), strict=True)
    for (name, there), (_, missing) in pairs:
        if name in OPEN or existing not in there:
            continue
        one, other = getattr(client, method)(there), getattr(client, method)(missing)
        assert one.status_code == other.status_code, there
        assert one.status_code in (404, 405), there
        assert len(one.content) == len(other.content), there
        assert [name for name, value in one.items() if other.headers[name] != value] == ["X-Request-ID"]
        _shows_nothing(one)
    assert not emulator.calls


def test_a_viewer_without_a_group_finds_nothing(client_of):
    cleo = client_of("cleo")

    for text in ("", "orders", ORDERS_CACHE_ID, REFERENCE_BACKUP_ID):
        _shows_nothing(cleo.get("/find/", {"q": text}) if text else cleo.get("/"))


def test_a_lost_group_counts_at_the_next_request(client_of):
    ada, path = client_of("ada"), f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
    assert ada.get(path).status_code == 200

    Viewer.objects.update(groups=[])

    assert ada.get(path).status_code == 404


def _shows_nothing(response):
    text = response.content.decode() + response.headers.get("Location", "")
    assert not any(secret in text for secret in SECRETS)
