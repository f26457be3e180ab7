"""The logs: one line of JSON for each event, which carries its request's id and no secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings import reader
from backups.services.listings.background import background_thread
from dcsportal import redaction
from dcsportal.logging import LONGEST_LINE, JsonFormatter, TextFormatter
from dcsportal.observed import observed
from dcsportal.redaction import REDACTED, Redactor, secrets_of_settings
from dcsportal.request_ids import NO_REQUEST, Current, current

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Lines]:
    """What production writes: `lines()` are the events so far."""
    redaction._of_settings.cache_clear()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    caplog.set_level(logging.INFO, logger="dcsportal.requests")
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    redaction._of_settings.cache_clear()


def events(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line.get("event") == event]


def record_of(message: str, *args: Any, **extra: Any) -> logging.LogRecord:
    record = logging.LogRecord("portal", logging.WARNING, "", 0, message, args, None)
    record.__dict__.update(extra)
    return record


# --- Lines -----------------------------------------------------------------------


def test_an_event_is_one_line_of_json(lines: Lines) -> None:
    try:
        raise ValueError("of two\nlines")
    except ValueError:
        logging.getLogger("portal").exception("it %s", "failed", extra={"event": {"what": ["a", 1]}})

    (line,) = lines()
    assert line["time"].endswith("+00:00")
    assert (line["level"], line["logger"], line["message"]) == ("error", "portal", "it failed")
    assert line["what"] == ["a", 1]
    assert line["exception"].endswith("ValueError: of two\nlines")
    assert "request_id" not in line


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_any_text_is_one_line_that_can_be_read_and_written(message: str, value: str) -> None:
    record = record_of("%s", message, event={"value": value})

    as_json, as_text = JsonFormatter().format(record), TextFormatter().format(record)

    assert "\n" not in as_json
    assert len(as_text.splitlines()) == 1
    assert isinstance(json.loads(as_json), dict)
    as_json.encode()
    as_text.encode()


def test_a_line_is_never_huge() -> None:
    line = JsonFormatter().format(record_of("x" * 1_000_000, event={"value": "é" * 1_000_000}))

    assert len(line) < LONGEST_LINE
    assert json.loads(line)["message"].startswith("xxx")


def test_a_line_for_people_is_short_and_names_its_request() -> None:
    token = current.set(Current("0123456789ab"))
    try:
        line = TextFormatter().format(record_of("hello\nINFO forged: all is well"))
    finally:
        current.reset(token)

    assert line.endswith(r"WARNING portal: hello\nINFO forged: all is well [0123456789ab]")


# --- The id of a request ---------------------------------------------------------


def answered(settings: Settings, given: str, *, proxies: str = "", address: str = "10.0.0.1") -> str:
    import ipaddress

    settings.TRUSTED_PROXIES = [ipaddress.ip_network(proxies)] if proxies else []
    request = RequestFactory().get("/", REMOTE_ADDR=address, headers={"X-Request-ID": given})
    return str(observed(lambda request: HttpResponse())(request).headers["X-Request-ID"])


def test_a_trusted_proxy_names_the_request(settings: Settings) -> None:
    assert answered(settings, "4c1d-8f.a_7b", proxies="10.0.0.0/8") == "4c1d-8f.a_7b"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "with space 1", "<b>12345678", "naïve-12345", "-1234567", "a" * 9 + "\n"]
)
def test_an_id_that_could_harm_a_log_or_a_page_is_not_taken(settings: Settings, given: str) -> None:
    made = answered(settings, given, proxies="10.0.0.0/8")

    assert made != given
    assert len(made) == 24


def test_nobody_else_names_a_request(settings: Settings) -> None:
    assert answered(settings, "4c1d8fa7b000") != "4c1d8fa7b000"
    assert answered(settings, "4c1d8fa7b000", proxies="192.168.0.0/16") != "4c1d8fa7b000"


def test_each_request_has_an_id_of_its_own(client: Client) -> None:
    ids = {client.get(path).headers["X-Request-ID"] for path in ("/healthz", "/healthz", "/no-such", "/")}

    assert len(ids) == 4


def test_after_the_request_its_id_is_forgotten(db: None, client: Client) -> None:
    client.get("/healthz").close()

    assert current.get() is NO_REQUEST


def test_all_lines_of_a_view_carry_its_id_and_the_call_s_carries_that_of_dcs_too(
    portal: Settings, emulator: Emulator, client_of: Callable[[str], Client], lines: Lines
) -> None:
    response = client_of("ada").get(HISTORY)
    assert reader.wait_for_readers()

    ours = [line for line in lines() if line.get("request_id") == response.headers["X-Request-ID"]]
    (request,) = events(ours, "request")
    assert (request["method"], request["path"], request["view"]) == ("GET", HISTORY, "history")
    assert request["status"] == 200
    assert request["ms"] > 0
    (view,) = events(ours, "view")
    assert view["instance"] == ORDERS_CACHE_ID
    # They were made by threads of their own.
    asked = events(ours, "dcs call")
    assert {call["dcs_request_id"] for call in asked} == {call.request_id for call in emulator.calls}
    assert {call["call"] for call in asked} == {"ListBackupRecords", "ShowInstance"}


def test_a_line_of_a_request_has_no_query(client: Client, lines: Lines) -> None:
    client.get("/sso/callback/?code=abc&state=xyz")

    (line,) = events(lines(), "request")
    assert line["path"] == "/sso/callback/"
    assert "abc" not in json.dumps(line)


def test_what_is_asked_every_few_seconds_leaves_a_line_only_where_it_fails(
    client: Client, lines: Lines
) -> None:
    client.get("/healthz")
    client.post("/healthz/")
    client.get("/static/no-such.css")

    assert [line["status"] for line in events(lines(), "request")] == [404, 404]


def test_a_call_to_dcs_leaves_a_line_with_its_request_id_and_outcome(
    portal: Settings, emulator: Emulator, lines: Lines
) -> None:
    from backups.dcs.errors import DcsError
    from backups.services.listings.clients import client_for
    from backups.services.projects import configured_projects

    client = client_for(configured_projects()["eu-prod"])
    client.show_instance(ORDERS_CACHE_ID)
    emulator.fail_with(403)
    with pytest.raises(DcsError):
        client.list_backup_records(ORDERS_CACHE_ID)

    well, denied = events(lines(), "dcs call")
    assert (well["level"], well["call"], well["outcome"]) == ("info", "ShowInstance", "ok")
    assert (denied["level"], denied["call"], denied["outcome"]) == (
        "warning",
        "ListBackupRecords",
        "access_denied",
    )
    assert (denied["http_status"], denied["error_code"]) == (403, "DCS.2003")
    assert [well["dcs_request_id"], denied["dcs_request_id"]] == [call.request_id for call in emulator.calls]


def test_a_page_that_says_what_is_wrong_with_dcs_is_no_error_of_the_portal(
    client_of: Callable[[str], Client], portal: Settings, emulator: Emulator, lines: Lines
) -> None:
    emulator.fail_with(500)

    response = client_of("ada").get(HISTORY)

    assert response.status_code == 503
    assert {line["level"] for line in lines()} == {"info", "warning"}


def test_work_behind_a_request_is_logged_in_its_name(lines: Lines) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        thread = background_thread(logging.getLogger("portal").warning, "behind %s", "it", name="a-reader")
        thread.start()
        thread.join()
        return HttpResponse()

    response = observed(view)(RequestFactory().get("/"))

    (line,) = [line for line in lines() if line["message"] == "behind it"]
    assert line["request_id"] == response.headers["X-Request-ID"]


# --- Secrets ---------------------------------------------------------------------


@pytest.fixture
def secretive(portal: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An installation in which each secret is known."""
    secrets = {
        "SECRET_KEY": "signing-key-signing-key-signing-key-1",
        "SECRET_KEY_FALLBACKS": "earlier-key-earlier-key-earlier-key-2",
        "METRICS_TOKEN": "metrics-token-3",
        "SSO_CLIENT_SECRET": 'client "secret" \\4',
        "database": "p@ss/word:5",
        "cache": "cache#word 6",
    }
    portal.SECRET_KEY, portal.SECRET_KEY_FALLBACKS = secrets["SECRET_KEY"], [secrets["SECRET_KEY_FALLBACKS"]]
    portal.METRICS_TOKEN, portal.SSO_CLIENT_SECRET = secrets["METRICS_TOKEN"], secrets["SSO_CLIENT_SECRET"]
    monkeypatch.setitem(portal.DATABASES["default"], "PASSWORD", secrets["database"])
    address = f"redis://:{quote(secrets['cache'], safe='')}@cache.example:6379/0"
    portal.CACHES = {"default": portal.CACHES["default"], "other": {"LOCATION": address}}
    project = portal.DCS_PROJECTS["eu-prod"]
    token = replace(project["credentials"], security_token="security-token-7")
    portal.DCS_PROJECTS = {"eu-prod": project | {"credentials": token}}
    redaction._of_settings.cache_clear()
    yield secrets | {"ak": token.ak, "sk": token.sk, "security token": token.security_token}
    redaction._of_settings.cache_clear()


def test_no_secret_of_the_installation_gets_into_a_line(secretive: dict[str, str]) -> None:
    assert set(secretive.values()) <= secrets_of_settings()
    for secret in secretive.values():
        for written in (
            secret,
            repr(secret),
            json.dumps({"a": secret}),
            quote(secret, safe=""),
            f"x{secret}y",
        ):
            record = record_of("it is %s", written, event={"also": [written]})
            for formatter in (JsonFormatter(), TextFormatter()):
                line = formatter.format(record)
                assert secret not in line
                assert REDACTED in line
        assert secret not in JsonFormatter().format(record_of(json.dumps({"a": secret})))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=8, max_size=80))
def test_a_known_secret_is_found_however_it_is_quoted(secret: str) -> None:
    redactor = Redactor([secret])
    for written in (secret, repr([secret]), json.dumps(secret), quote(secret, safe="")):
        line = redactor.clean(json.dumps({"message": written}, ensure_ascii=False))
        assert secret not in str(json.loads(line)["message"]).replace(REDACTED, "")


def test_a_traceback_holds_no_secret(secretive: dict[str, str], lines: Lines) -> None:
    try:
        raise RuntimeError(
            f"redis://:{quote(secretive['cache'], safe='')}@cache.example refused {secretive['sk']}"
        )
    except RuntimeError:
        logging.getLogger("portal").exception("failed")

    text = json.dumps(lines())
    assert quote(secretive["cache"], safe="") not in text
    assert secretive["sk"] not in text


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: "),
        ("{'Authorization': 'SDK-HMAC-SHA256 Access=AK, Signature=00ff'}", "{'Authorization': '"),
        ('{"authorization":"Basic cG9ydGFsOnNlY3JldA=="}', '{"authorization":"'),
        ("sent Bearer 0123456789abcdef to it", "sent Bearer "),
        ("sent Basic cG9ydGFsOnNlY3JldA== to it", "sent Basic "),
        ("Cookie: portal_session=abc123; other=1", "Cookie: "),
        ("Set-Cookie: __Host-portal_session=abc123; Path=/", "Set-Cookie: "),
        ("got portal_session=abc123def456;", "got portal_session="),
        ("got __Host-portal_csrf=abc123def456", "got __Host-portal_csrf="),
        ("got __Host-sso-AbC-1=eyJx:1v:abc", "got __Host-sso-AbC-1="),
        ("X-Security-Token: abcdefgh", "X-Security-Token: "),
        ("x-auth-token=abcdefgh&limit=1", "x-auth-token="),
        ('{"client_secret": "abc", "scope": "openid"}', '{"client_secret": "'),
        (r'{"message":"{\"password\": \"abc\"}"}', r'{"message":"{\"password\": \"'),
        ("postgresql://portal:hunter2@db.example/portal", "postgresql://portal:"),
        ("rediss://:p%40ss@cache.example", "rediss://:"),
        ("postgresql://portal:hunt@er2@db.example", "postgresql://portal:"),
        ("DETAIL:  Key (session_key)=(abcdef) already exists.", "DETAIL:  Key (session_key)=("),
        (f"the token is {JWT}, said it", "the token is "),
        ("code_verifier=abc.def", "code_verifier="),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(line: str, left: str) -> None:
    cleaned = Redactor(()).clean(line)

    assert cleaned.startswith(left + REDACTED)
    for secret in ("abc", "hunter2", "er2@db", "cG9y", "0123456789abcdef", "00ff", "p%40ss", "eyJ"):
        assert secret not in cleaned


@pytest.mark.parametrize(
    "line",
    [
        "read backups of project eu-prod: 50 records in 1 calls, 12 ms",
        "the token expired 130 s ago",
        "https://dcs.eu-west-101.myhuaweicloud.com/v2/0123/instances?limit=1 and ada@example.com",
        "Basic information is missing",
        "GET /sso/callback/ 303",
    ],
)
def test_other_words_are_left_as_they_are(line: str) -> None:
    assert Redactor(()).clean(line) == line


def test_a_short_password_is_taken_out_of_addresses_but_not_out_of_words(portal: Settings) -> None:
    redactor = Redactor(["portal"])

    cleaned = redactor.clean("the portal reads postgresql://portal:portal@db/portal")

    assert cleaned == f"the portal reads postgresql://portal:{REDACTED}@db/portal"


def test_a_line_of_a_request_never_holds_what_its_browser_sent_for_a_secret(lines: Lines) -> None:
    session, authorization = "s" * 16 + "0123", "Custom 0123456789-secret"

    def view(request: HttpRequest) -> HttpResponse:
        logging.getLogger("portal").warning("%s and %s", session, authorization)
        return HttpResponse()

    request = RequestFactory().get(
        "/", headers={"Cookie": f"portal_session={session}", "Authorization": authorization}
    )
    observed(view)(request)

    assert lines()[0]["message"] == f"{REDACTED} and {REDACTED}"


def test_the_repr_of_a_request_s_state_holds_no_secret() -> None:
    assert "abcdefgh" not in repr(Current("id", ("abcdefgh",)))
