"""The logs: one line of JSON for each event, which carries its request's id and no secret."""

import io
import json
import logging
from dataclasses import replace
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings import reader
from dcsportal.logging import (
    LONGEST_VALUE,
    NO_REQUEST,
    REDACTED,
    Current,
    JsonFormatter,
    TextFormatter,
    current,
    forget_secrets,
    forms_of,
    redacted,
    secrets_of_settings,
)
from dcsportal.middleware import id_of, observed

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"


@pytest.fixture
def lines(caplog):
    """What production writes: `lines()` are the events so far."""
    forget_secrets()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    caplog.set_level(logging.INFO, logger="dcsportal.requests")
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    forget_secrets()


def events(lines, event):
    return [line for line in lines if line.get("event") == event]


def record_of(message, *args, **extra):
    record = logging.LogRecord("portal", logging.WARNING, "", 0, message, args, None)
    record.__dict__.update(extra)
    return record


# --- Lines -----------------------------------------------------------------------


def test_an_event_is_one_line_of_json(lines):
    try:
        raise ValueError("of two\nlines")
    except ValueError:
        logging.getLogger("portal").exception("it %s", "failed", extra={"event": {"what": ["a", 1]}})

    (line,) = lines()
    assert line.pop("time").endswith("+00:00")
    assert line.pop("exception").endswith("ValueError: of two\nlines")
    assert line == {"level": "error", "logger": "portal", "message": "it failed", "what": ["a", 1]}


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_any_text_is_one_line_that_can_be_read_and_written(message, value):
    record = record_of("%s", message, event={"value": value})

    as_json, as_text = JsonFormatter().format(record), TextFormatter().format(record)

    assert "\n" not in as_json
    assert len(as_text.splitlines()) == 1
    assert isinstance(json.loads(as_json), dict)
    as_json.encode()
    as_text.encode()


def test_a_line_is_never_huge():
    line = JsonFormatter().format(record_of("x" * 1_000_000, event={"value": ["é" * 1_000_000]}))

    assert len(line) < 10 * LONGEST_VALUE
    assert json.loads(line)["message"].startswith("xxx")


def test_a_line_for_people_is_short_and_names_its_request():
    token = current.set(Current("0123456789ab"))
    try:
        line = TextFormatter().format(record_of("hello\nINFO forged: all is well"))
    finally:
        current.reset(token)

    assert line.endswith(r"WARNING portal: hello\nINFO forged: all is well [0123456789ab]")


# --- The id of a request ---------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "given", "is_taken"),
    [
        ("10.0.0.0/8", "4c1d-8f.a_7b", True),
        ("192.168.0.0/16", "4c1d8fa7b000", False),
        *(("10.0.0.0/8", given, False) for given in ("short", "x" * 65, "<b>12345678", "a" * 9 + "\n")),
    ],
)
def test_only_a_trusted_proxy_names_a_request_and_by_an_id_that_harms_no_page(
    settings, proxies, given, is_taken
):
    settings.TRUSTED_PROXIES = [ip_network(proxies)]
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Request-ID": given})

    assert (id_of(request) == given) is is_taken
    assert is_taken or len(id_of(request)) == 24


def test_each_request_has_an_id_of_its_own_until_it_is_answered(client):
    ids = {client.get(path).headers["X-Request-ID"] for path in ("/healthz", "/healthz", "/no-such", "/")}

    assert len(ids) == 4
    assert current.get() is NO_REQUEST


def test_all_lines_of_a_view_carry_its_id_and_the_call_s_carries_that_of_dcs_too(
    portal, emulator, client_of, lines
):
    response = client_of("ada").get(HISTORY)
    assert reader.wait_for_readers()

    ours = [line for line in lines() if line.get("request_id") == response.headers["X-Request-ID"]]
    (request,) = events(ours, "request")
    expected = {"method": "GET", "path": HISTORY, "view": "history", "status": 200}
    assert request | expected == request
    assert request["ms"] > 0
    (view,) = events(ours, "view")
    assert view["instance"] == ORDERS_CACHE_ID
    # They were made by threads of their own.
    asked = events(ours, "dcs call")
    assert {call["dcs_request_id"] for call in asked} == {call.request_id for call in emulator.calls}
    assert {call["call"] for call in asked} == {"ListBackupRecords", "ShowInstance"}


def test_a_line_has_no_query_and_what_is_asked_every_few_seconds_leaves_one_only_where_it_fails(
    client, lines
):
    client.get("/healthz")
    client.post("/healthz/")
    client.get("/static/no-such.css")
    client.get("/sso/callback/?code=abc&state=xyz")

    told = [(line["path"], line["status"]) for line in events(lines(), "request")]
    assert told == [("/healthz/", 404), ("/static/no-such.css", 404), ("/sso/callback/", 404)]
    assert "abc" not in json.dumps(lines())


def test_a_refused_call_to_dcs_is_a_warning_that_names_it_and_no_error_of_the_portal(
    client_of, portal, emulator, lines
):
    emulator.fail_with(403, path_contains="/backups")

    assert client_of("ada").get(HISTORY).status_code == 502

    denied = next(line for line in events(lines(), "dcs call") if line["outcome"] != "ok")
    expected = {"call": "ListBackupRecords", "outcome": "access_denied", "error_code": "DCS.2003"}
    assert denied | expected | {"http_status": 403} == denied
    assert denied["dcs_request_id"] in [call.request_id for call in emulator.calls]
    assert {line["level"] for line in lines()} == {"info", "warning"}


# --- Secrets ---------------------------------------------------------------------


PASSWORD = "p@ss/word:5"


@pytest.fixture
def secretive(portal, monkeypatch):
    """The secrets of an installation in which each is known."""
    portal.SECRET_KEY = "signing-key-signing-key-signing-key-1"
    portal.SECRET_KEY_FALLBACKS = ["earlier-key-earlier-key-earlier-key-2"]
    portal.METRICS_TOKEN, portal.SSO_CLIENT_SECRET = "metrics-token-3", 'client "secret" \\4'
    monkeypatch.setitem(portal.DATABASES["default"], "PASSWORD", PASSWORD)
    project = portal.DCS_PROJECTS["eu-prod"]
    key = replace(project["credentials"], security_token="security-token-7")
    portal.DCS_PROJECTS = {"eu-prod": project | {"credentials": key}}
    forget_secrets()
    yield [
        *(portal.SECRET_KEY, *portal.SECRET_KEY_FALLBACKS, portal.METRICS_TOKEN, portal.SSO_CLIENT_SECRET),
        *(PASSWORD, key.ak, key.sk, key.security_token),
    ]
    forget_secrets()


def test_no_secret_of_the_installation_gets_into_a_line(secretive):
    assert set(secretive) <= secrets_of_settings()
    for secret in secretive:
        for written in (secret, [secret], json.dumps({"a": secret}), quote(secret, safe="")):
            record = record_of("it is %s", written, event={"also": [written]})
            for formatter in (JsonFormatter(), TextFormatter()):
                assert REDACTED in formatter.format(record)
                assert not any(form in formatter.format(record) for form in forms_of(secret))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=8, max_size=80))
def test_a_known_secret_is_found_however_it_is_quoted(secret):
    for written in (secret, repr([secret]), json.dumps(secret), quote(secret, safe="")):
        for line in (written, json.dumps({"message": written})):
            assert any(form in line for form in forms_of(secret))


def test_a_traceback_holds_no_secret(secretive, lines):
    address = f"postgresql://portal:{quote(PASSWORD, safe='')}@database.example"
    try:
        raise RuntimeError(f"{address} refused {secretive[-1]}")
    except RuntimeError:
        logging.getLogger("portal").exception("failed")

    (line,) = lines()
    hidden = f"postgresql://portal:{REDACTED}@database.example refused {REDACTED}"
    assert line["exception"].endswith(f"RuntimeError: {hidden}")


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: "),
        ("{'Authorization': 'SDK-HMAC-SHA256 Access=abc, Signature=abc'}", "{'Authorization': '"),
        (r'{"message":"{\"authorization\": \"Basic abc==\"}"}', r'{"message":"{\"authorization\": \"'),
        ("Set-Cookie: __Host-portal_session=abc123; Path=/", "Set-Cookie: "),
        ("got __Host-portal_csrf=abc123def456", "got __Host-portal_csrf="),
        ("got __Host-sso-AbC-1=eyJx:1v:abc", "got __Host-sso-AbC-1="),
        ("X-Security-Token: abcdefgh", "X-Security-Token: "),
        ("id_token=abc.def.ghi&limit=1", "id_token="),
        ("GET /sso/callback/?code=abc", "GET /sso/callback/?code="),
        ('{"state": "abc.def"}', '{"state": "'),
        ('{"client_secret": "abc", "scope": "openid"}', '{"client_secret": "'),
        ("postgresql://portal:abc@d@db.example/portal", "postgresql://portal:"),
        ("DETAIL:  Key (session_key)=(abcdef) already exists.", "DETAIL:  Key (session_key)=("),
    ],
)
def test_a_field_that_holds_a_secret_is_taken_out_whole(line, left):
    assert redacted(line).startswith(left + REDACTED)
    assert "abc" not in redacted(line)


@pytest.mark.parametrize(
    "line",
    [
        "read backups of project eu-prod: 50 records in 1 calls, 12 ms",
        "the token expired 130 s ago, status code: 403, error_code=DCS.2003",
        "https://dcs.eu-west-101.myhuaweicloud.com/v2/0123/instances?limit=1 and ada@example.com",
        "GET /sso/callback/ 303",
    ],
)
def test_other_words_are_left_as_they_are(line):
    assert redacted(line) == line


def test_a_short_password_is_taken_out_of_addresses_but_not_out_of_words(portal, monkeypatch):
    monkeypatch.setitem(portal.DATABASES["default"], "PASSWORD", "portal")
    forget_secrets()

    line = redacted("the portal reads postgresql://portal:portal@db/portal")

    assert line == f"the portal reads postgresql://portal:{REDACTED}@db/portal"


def test_a_line_of_a_request_never_holds_what_its_browser_sent_for_a_secret(lines):
    session, authorization = "s" * 16 + "0123", "Custom 0123456789-secret"
    headers = {"Cookie": f"portal_session={session}", "Authorization": authorization}

    def view(request):
        logging.getLogger("portal").warning("%s and %s", session, authorization)
        return HttpResponse()

    observed(view)(RequestFactory().get("/", headers=headers))

    assert lines()[0]["message"] == f"{REDACTED} and {REDACTED}"
