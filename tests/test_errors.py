"""When the portal itself fails: the page has the number of the request, and nothing shows a secret."""

import copy

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError, connection
from django.test import Client
from django.urls import include, path

from backups.dcs.signing import Credentials
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings.clients import client_for
from backups.services.projects import configured_projects
from dcsportal.logging import forget_secrets

# Put together here, since a page of DEBUG shows lines of code.
AK = "AK" * 9 + "20"
SK = "-".join(["a", "secret", "key", "of", "forty", "characters", "0123456"])
TOKEN = "-".join(["a", "security", "token", "0123456789"])


@login_not_required
def broken(request):
    credentials = Credentials(AK, SK, TOKEN)
    header = f"SDK-HMAC-SHA256 Access={credentials.ak}, Signature={SK}"
    raise RuntimeError(f"it broke over {len(header)} characters")


@login_not_required
def without_a_database(request):
    raise OperationalError("the server closed the connection unexpectedly")


urlpatterns = [
    path("broken/", broken),
    path("away/", without_a_database),
    path("", include("dcsportal.urls")),
]
handler500 = "dcsportal.errors.server_error"


@pytest.fixture
def breakable(settings):
    settings.ROOT_URLCONF = __name__
    project = {"region": "eu-west-101", "project_id": "0123456789", "endpoint": "http://127.0.0.1:1"}
    settings.DCS_PROJECTS = {"p": project | {"credentials": Credentials(AK, SK, TOKEN), "groups": ()}}
    forget_secrets()
    yield Client(raise_request_exception=False)
    forget_secrets()


def test_the_page_has_the_number_by_which_the_logs_find_it(breakable, caplog):
    response = breakable.get("/broken/?<script>=x")

    assert response.status_code == 500
    page = response.content.decode()
    assert response.headers["X-Request-ID"] in page
    assert 'action="/find/"' in page
    assert "it broke" not in page
    assert "<script>" not in page
    assert any("it broke" in str(record.exc_info) for record in caplog.records)
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "private, no-store"

    breakable.cookies["portal_language"] = "zh-hans"
    assert "请求的编号" in breakable.get("/broken/").content.decode()


def test_a_database_that_is_away_is_no_error_of_the_portal_and_passes(breakable):
    response = breakable.get("/away/")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    page = response.content.decode()
    assert "database does not answer" in page
    assert response.headers["X-Request-ID"] in page
    assert "unexpectedly" not in page


def test_a_database_that_is_away_is_waited_for_once(client_of):
    client = client_of("ada")
    client.raise_request_exception = False
    asked = []

    def away(*arguments):
        asked.append(arguments)
        raise OperationalError("the server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        response = client.get(f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/")

    assert response.status_code == 503
    assert len(asked) == 1


# --- Secrets ---------------------------------------------------------------------


def test_a_page_of_debug_shows_no_secret(breakable, settings):
    settings.DEBUG = True
    secrets = {"DCS_SK": SK, "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
    secrets["DATABASE_URL"] = "postgresql://x:hunter22@y/z"

    page = breakable.get("/broken/", **secrets).content.decode()

    assert "it broke" in page
    for secret in (SK, TOKEN, "hunter22", AK, django_settings.SECRET_KEY):
        assert secret not in page


def test_no_object_that_lives_as_long_as_the_process_shows_its_secrets(breakable):
    credentials = Credentials(AK, SK, TOKEN)
    project = configured_projects()["p"]
    client = client_for(project)

    copied, projects = copy.copy(credentials), django_settings.DCS_PROJECTS
    for holder in (credentials, copied, project, client, client._signer, projects):
        inside = vars(holder) if hasattr(holder, "__dict__") else {}
        for shown in (repr(holder), str(holder), repr(inside)):
            for secret in (SK, TOKEN, AK):
                assert secret not in shown, type(holder)
    with pytest.raises(TypeError):
        vars(credentials)  # so nothing dumps it
