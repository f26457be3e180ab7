"""`./run manage doctor`: for all that can be wrong a sentence that says so, and one that says what to do."""

import io
import os
import re
import socket
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest
from django.core.management import call_command
from django.db import connection

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.models import Backup, InstanceSummary
from backups.services.listings import acquire_lease, reader
from dcsportal import doctor

from .raw_server import answering, server
from .servers.served import SECRET_KEY
from .services.conftest import with_pauses
from .sso import openid
from .sso.conftest import _running_openid, company, sso  # noqa: F401  # fixtures


def examined(*options, ends_with=None):
    """What the doctor says, on one line; by default whatever the exit status is."""
    out, status = io.StringIO(), 0
    try:
        call_command("doctor", *options, stdout=out, no_color=True)
    except SystemExit as end:
        status = end.code
    assert ends_with in (None, status), out.getvalue()
    return re.sub(r"\s+", " ", out.getvalue())


@pytest.fixture(autouse=True)
def _installation_of_an_operator(settings):
    """The tests in a browser need a variable in this process that an operator is warned of."""
    settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, "async.E001"]


@pytest.fixture
def well(db, portal, monkeypatch):
    """A demo in which nothing is wrong, with one project; no call is tried again."""
    with_pauses(monkeypatch, ())
    portal.DCS_PROJECTS = {"eu-prod": portal.DCS_PROJECTS["eu-prod"]}
    return portal


def change(settings, **changes):
    settings.DCS_PROJECTS = {"eu-prod": settings.DCS_PROJECTS["eu-prod"] | changes}


# --- All well --------------------------------------------------------------------


def test_an_installation_that_is_well_is_told_so_and_ends_with_zero(well, emulator):
    said = examined(ends_with=0)

    for part in (
        *("No things wrong", "ok settings: They fit together", "ok database: SQLite"),
        *("The clocks of this machine and of", "ok project eu-prod: DCS accepts the key"),
        *("The key may read an instance.", "The key may read the backups of an instance."),
    ):
        assert part in said
    assert [call.query for call in emulator.calls if call.query] == ["limit=1&offset=0", "limit=1&offset=0"]


def test_it_can_leave_out_what_is_well_and_no_log_stands_among_what_it_says(well, emulator, capfd):
    emulator.fail_with(403)

    said = examined("--wrong-only", ends_with=1)

    assert " ok " not in said
    assert "1 thing wrong" in said
    assert capfd.readouterr().err == ""


# --- Settings --------------------------------------------------------------------


def test_an_installation_for_viewers_is_told_what_it_lacks(well):
    well.HTTPS, well.ON_LOOPBACK, well.DCS_DEMO = True, False, False
    well.PORTAL_URL, well.SECURE_HSTS_SECONDS = "https://backups.example.com", 3600
    well.SECRET_KEY_FALLBACKS, well.TRUSTED_PROXIES, well.METRICS_TOKEN = [SECRET_KEY], [], ""

    said = examined()

    assert "HSTS" not in said  # what the portal silences of Django's advice
    assert "note settings: TRUSTED_PROXIES is empty" in said
    assert "note settings: METRICS_TOKEN is not set" in said
    assert "note settings: SECRET_KEY_FALLBACKS still holds earlier keys. -> Empty it 12 hours after" in said
    assert "WRONG settings: No sign-in is configured. -> Set SSO_ISSUER with" in said


def test_a_file_of_secrets_that_everybody_can_read_is_told(well, tmp_path, monkeypatch):
    file = tmp_path / "env"
    file.touch(0o600)
    monkeypatch.setenv("ENV_FILE", str(file))

    assert "can be read by everybody" not in examined()
    file.chmod(0o644)
    assert f"-> Run: chmod o-r {file}" in examined(ends_with=0)


# --- Database --------------------------------------------------------------------


def test_a_database_without_its_tables_is_told(transactional_db, portal):
    call_command("migrate", "sso", "zero", verbosity=0)
    try:
        said = examined(ends_with=1)
    finally:
        call_command("migrate", verbosity=0)

    assert "lacks tables or columns of this version. -> Run: ./run manage migrate." in said


def test_a_full_disk_is_told_before_it_is_full(well, tmp_path, monkeypatch):
    connection.ensure_connection()  # to the tests' database, which has the tables
    monkeypatch.setitem(well.DATABASES["default"], "NAME", str(tmp_path / "portal.sqlite3"))
    (tmp_path / "portal.sqlite3").touch()
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 10**18)

    assert f"MB are free where SQLite keeps its file. -> Make room in {tmp_path}" in examined(ends_with=1)


# --- Evidence --------------------------------------------------------------------


def test_it_says_how_much_is_kept_and_of_which_cloud_projects_nobody_sees_it(well, client_of):
    ada = client_of("ada")
    assert ada.get(f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/").status_code == 200
    assert reader.wait_for_readers()
    count, old = Backup.objects.count(), well.DCS_PROJECTS["eu-prod"]["project_id"]
    kept = f"evidence: {count} backups of 1 instances are kept, of which DCS no longer lists 0."
    said = examined(ends_with=0)
    assert f"ok {kept}" in said
    assert "shown to nobody" not in said

    change(well, project_id="f" * 32)
    said = examined()
    assert f"note evidence: The name eu-prod stood for cloud project {old}" in said
    assert f"its {count} backups are kept, but shown to nobody." in said
    assert f"./run manage forget --project {old}" in said

    well.DCS_PROJECTS = {"other": well.DCS_PROJECTS["eu-prod"]}
    assert f"No project is configured for cloud project {old}" in examined()


# --- The collector ---------------------------------------------------------------


def test_it_says_who_collects_and_whether_that_keeps_up(well, client_of):
    assert "COLLECT is off" in examined(ends_with=0)
    well.COLLECT = True
    assert "note collector: No process collects at this moment. -> It runs in ./run serve" in examined()
    client_of("ada").get(f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/")
    assert reader.wait_for_readers()
    lease = acquire_lease("collector")
    assert lease

    said = examined(ends_with=0)
    assert f"ok collector: It runs on {socket.gethostname()}, process {os.getpid()}." in said
    assert "ok collector: Half of the 1 lists of eu-prod were read within 1 min, all within 1 min;" in said

    InstanceSummary.objects.update(read_at=datetime.now(UTC) - timedelta(hours=2, minutes=11))
    said = examined(ends_with=0)
    lease.release()
    assert "all within 2 h 12 min; 0 are not read yet. -> The log says which calls fail." in said


# --- The provider ----------------------------------------------------------------


@pytest.mark.usefixtures("well", "sso")
def test_a_provider_that_is_well_is_told(company):  # noqa: F811
    said = examined(ends_with=0)

    for part in (
        f"ok sign-in: The provider at {company.issuer} announces all that is needed.",
        "Its 2 key(s) can be read; it signs with ES256, RS256.",
        "The provider knows the client portal, and accepts its secret.",
        "The redirect URI that must be registered there is http://testserver/sso/callback/",
    ):
        assert part in said
    assert openid.CLIENT_SECRET not in said


HS256 = {"id_token_signing_alg_values_supported": ["HS256"]}


@pytest.mark.parametrize(
    ("name", "value", "says", "to_do"),
    [
        ("down", "all", "WRONG sign-in: The provider's announcement", "Check SSO_ISSUER"),
        ("metadata", {"issuer": "https://else.example"}, "calls itself otherwise", "Check SSO_ISSUER"),
        ("keys", {}, "publishes no key", "Look at the provider's keys"),
        ("down", "/keys", "keys at", "Let this machine reach that address too"),
        ("metadata", HS256, "signs with HS256, none of which the portal accepts", "Let the provider sign"),
        (
            "SSO_CLIENT_SECRET",
            "x",
            "WRONG sign-in: The provider does not accept the client",
            "Check SSO_CLIENT",
        ),
        (
            "down",
            "/token",
            "note sign-in: Whether the provider accepts the client portal could",
            "Sign in once",
        ),
    ],
)
def test_what_is_wrong_with_the_provider_is_told(well, sso, company, name, value, says, to_do):  # noqa: F811
    setattr(sso if name.isupper() else company, name, value)

    said = examined(ends_with=0 if says.startswith("note") else 1)

    assert says in said
    assert f"-> {to_do}" in said


def test_addresses_where_nobody_listens_are_told_with_the_system_s_word(well, sso):  # noqa: F811
    sso.SSO_ISSUER = "http://127.0.0.1:1"
    change(sso, endpoint="http://127.0.0.1:1")

    said = examined(ends_with=1)

    assert "the provider cannot be asked (ConnectionError): Connection refused." in said
    assert re.search("WRONG project eu-prod: DCS cannot be reached at http://127.0.0.1:1:.* refused", said)


def test_with_a_sign_in_proxy_it_says_what_it_cannot_see(well):
    well.DCS_DEMO, well.SSO_PROXY_USER_HEADER = False, "X-User"
    well.SSO_TRUSTED_PROXIES = ["10.1.2.3"]

    said = examined()

    assert "A proxy at 10.1.2.3 names viewers in X-User." in said
    assert "cannot be seen from here. -> Try it" in said


# --- Clocks ----------------------------------------------------------------------


@contextmanager
def server_whose_clock_is_off(seconds):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    with server(answering(b"", status=b"404 Not Found", head=f"Date: {date}\r\n".encode())) as (address, _):
        yield address


@pytest.mark.parametrize(("off", "level"), [(20, "ok"), (60, "note"), (-60, "note"), (901, "wrong")])
def test_a_clock_is_wrong_from_where_nothing_is_accepted(off, level):
    with server_whose_clock_is_off(-off) as address:
        (finding,) = doctor.clock(address, wrong_from=900)

    assert finding.level == level
    assert level == "ok" or re.search(rf"is {abs(off)}|{abs(off) - 1}|{abs(off) + 1} s", finding.says)
    assert level == "ok" or ("ahead of" if off > 0 else "behind") in finding.says


def test_with_a_wrong_clock_no_key_is_tried(well):
    with server_whose_clock_is_off(3600) as address:
        change(well, endpoint=address)
        said = examined(ends_with=1)

    assert "WRONG clock: The clock of this machine is 3600 s behind" in said or "3599 s behind" in said
    assert "-> Set the clock" in said
    assert "project eu-prod: Not tried" in said


# --- Projects --------------------------------------------------------------------


def test_a_refused_key_is_told_once_and_not_tried_again(well, emulator):
    project = well.DCS_PROJECTS["eu-prod"]
    project |= {"credentials": replace(project["credentials"], sk="not-the-secret-key")}
    well.DCS_PROJECTS = {"first": project, "second": project}

    said = examined(ends_with=1)
    again = examined(ends_with=1)

    assert "WRONG project first: The cloud refuses the access key (HTTP 401, APIGW.0301" in said
    assert "-> Check access key, secret key, and with a temporary key its security token" in said
    assert "project second: Not tried: the cloud has just refused the key of first" in said
    assert "It is not tried before" in again
    assert emulator.count("/instances", status=401) == 1
    assert project["credentials"].ak not in said
    assert "not-the-secret-key" not in said


NONE = b'{"instance_num":0,"instances":[]}'
LACKS, POLICY = "The key lacks the permission dcs:instance:", "Give its user the policy DCS ReadOnlyAccess"


@pytest.mark.parametrize(
    ("spoil", "level", "says", "to_do"),
    [
        *(
            (partial(Emulator.fail_with, status=403, path_contains=path, times=1), "WRONG", said, POLICY)
            for path, said in {
                "/instances": f"{LACKS}list (HTTP 403, DCS.2003",
                "/instances/": f"{LACKS}get (HTTP 403, DCS.2003",
                "/backups": f"{LACKS}getDataBackupLog (HTTP 403, DCS.2003",
            }.items()
        ),
        (lambda e: e.fail_with(404, "APIGW.0101"), "WRONG", "rejects the call (HTTP 404", "Check DCS_REGION"),
        (lambda e: e.answer_html(), "WRONG", "is not the DCS API", "Check the endpoint: a proxy"),
        (lambda e: e.throttle(60), "note", "DCS asks for fewer calls just now", "Run the doctor again later"),
        (lambda e: e.fail_with(500), "note", "error of its own (HTTP 500, DCS.5078", "Run the doctor again"),
        (lambda e: e.hang(), "WRONG", "DCS cannot be reached at", "Check the endpoint's name, the way out"),
        (
            lambda e: e.answer_body(NONE, path_contains="/instances"),
            "note",
            "no instance",
            "If there should be",
        ),
    ],
)
def test_what_dcs_answers_is_told_with_what_to_do(well, emulator, spoil, level, says, to_do):
    well.DCS_READ_BUDGET, well.DCS_READ_TIMEOUT = 1.0, 0.3
    spoil(emulator)

    said = examined(ends_with=1 if level == "WRONG" else 0)

    assert f"{level} project eu-prod: " in said
    assert says in said
    assert f"-> {to_do}" in said
