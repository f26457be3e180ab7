"""docs/nginx.conf in front of two servers, as docs/deploying.md has it: with TLS and a company's sign-in."""

import os
import re
import socket
import ssl
import subprocess
from contextlib import ExitStack
from http.cookies import SimpleCookie

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID

from ..conftest import LONG
from ..sso import openid
from .conftest import METRICS_TOKEN
from .nginx import HOST
from .served import HISTORY, ROOT, asking, token_of, wait_for


def test_viewers_come_in_by_https_and_stay_there_with_links_of_eight_kilobytes(production):
    nginx = production.nginx
    plain = nginx.browser().get(f"http://{HOST}:{nginx.http}{HISTORY}?q=a%20b", allow_redirects=False)
    assert plain.headers["Location"] == f"{nginx.url}{HISTORY}?q=a%20b"

    link = f"{nginx.url}{HISTORY}?q=" + "%E5%A4%87" * 890
    page = nginx.browser().get(link)  # by way of the provider
    assert page.url == link
    assert "DCS backups" in page.text  # the portal has seen it, whatever it says of so long a search


def test_a_viewer_comes_in_from_a_link_and_no_other_host_and_no_plain_page_can_set_a_cookie(production):
    session = production.nginx.browser()
    names = set()

    def collect(answer, **options):
        for line in answer.raw.headers.getlist("Set-Cookie"):
            names.update(SimpleCookie(line))

    session.hooks["response"].append(collect)
    page = session.get(f"{production.url}{HISTORY}?status=failed")
    assert (page.status_code, page.url) == (200, f"{production.url}{HISTORY}?status=failed")
    assert "orders-cache" in page.text
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"

    session.get(f"{production.url}{HISTORY}ticket/?text=plain")
    form, origin = {"csrfmiddlewaretoken": token_of(page)}, {"Origin": production.url}
    chosen = form | {"theme": "dark", "zone": "UTC", "language": "en"}
    session.post(f"{production.url}/preferences/", chosen, headers=origin)
    for _ in range(2):
        session.post(f"{production.url}{HISTORY}refresh/", form, headers=origin)

    own = {re.sub("^__Host-(portal_|sso-.*)", "", name) for name in names} - {""}  # one is of the sign-in
    assert own == {"session", "csrf", "recent", "ticket", "theme", "zone", "language", "just_read"}


def test_the_log_knows_the_viewer_s_address_and_the_request_s_id_from_nginx_and_no_secret(
    production, emulator
):
    session = production.signed_in(HISTORY)
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Request-ID": "forged-forged"}
    id = session.get(production.url + HISTORY, headers=forged).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", id)  # nginx's own form

    def addresses(**wanted):
        events = [event for server in production.servers for event in server.events]
        return {event["from"] for event in events if "from" in event and wanted.items() <= event.items()}

    wait_for(lambda: addresses(request_id=id))
    assert addresses(request_id=id) == addresses(event="sign-in") == {"127.0.0.1"}
    cookies = {cookie.name: str(cookie.value) for cookie in session.cookies}
    assert "__Host-portal_session" in cookies
    text = "\n".join(line for server in production.servers for line in server.logs)
    for secret in (*cookies.values(), openid.CLIENT_SECRET, emulator.fleet.primary.sk, "an-access-token"):
        assert secret not in text
    assert [server.errors for server in production.servers] == [[], []]


def test_what_machines_ask_is_open_to_this_machine_and_not_to_the_world(production):
    nginx, server = production.nginx, production.servers[0]

    for path in ("/metrics", "/metrics/instances", "/static/..%2fmetrics", "/readyz"):
        assert nginx.browser().get(nginx.url + path).status_code == 404
    assert nginx.browser().get(f"{nginx.url}/healthz").text == server.get("/healthz").text == "ok"
    assert server.get("/readyz").json()["ready"]
    assert server.get("/metrics").status_code == 401
    token = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    assert "dcs_portal_sign_ins_total" in server.get("/metrics", headers=token).text
    assert server.get("/", headers={"Host": "backups.example.com"}).status_code == 400


def test_exports_and_files_come_through_whole_and_files_are_kept_for_ever(production):
    address, session = production.url, production.signed_in()

    export = session.get(f"{address}/projects/eu-prod/instances/{BULK_HISTORY_ID}/backups.csv")
    assert len(export.text.splitlines()) == LONG + 1
    files = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', session.get(address + HISTORY).text))
    assert len(files) >= 4
    for file in files:
        answer = session.get(address + file, headers={"Accept-Encoding": "br, gzip"}, stream=True)
        assert (answer.status_code, bool(answer.raw.read())) == (200, True)
        if file.endswith((".css", ".js")):
            assert answer.headers.get("Content-Encoding") == "br"
        for name, part in (
            *(("Cache-Control", "immutable"), ("Content-Security-Policy", "default-src 'self'")),
            *(("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY")),
            *(("Cross-Origin-Resource-Policy", "same-origin"), ("Strict-Transport-Security", "max-age")),
        ):
            assert part in answer.headers[name]


def test_too_much_is_refused_before_the_portal_sees_it(production):
    stranger = production.nginx.browser()

    assert stranger.post(f"{production.url}/sign-in/", data=b"x" * 100_000).status_code == 413
    assert stranger.get(f"{production.url}/find/?q={'a' * 70_000}").status_code == 414
    assert stranger.get(production.url, headers={"X-Long": "a" * 70_000}).status_code == 400


def connected(nginx):
    """Return a connection for what no browser would send."""
    raw = socket.create_connection(("127.0.0.1", nginx.https), timeout=30)
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    return context.wrap_socket(raw, server_hostname=HOST)


def test_who_asks_without_end_is_refused_and_nobody_else_of_the_same_address(production):
    one, another, stranger = production.signed_in(), production.signed_in(), production.nginx.browser()
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in one.cookies)
    # Which costs the portal next to nothing.
    asked = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookies}\r\n"
    with connected(production.nginx) as connection:
        # All at once: a busy machine would ask one by one as slowly as is allowed.
        connection.sendall(f"{asked}\r\n".encode() * 400 + f"{asked}Connection: close\r\n\r\n".encode())
        answers = b"".join(iter(lambda: connection.recv(65536), b""))

    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)
    assert set(statuses[:200]) == {b"200"}
    assert b"429" in statuses
    for session in (another, stranger):
        assert {session.get(f"{production.url}/healthz").status_code for _ in range(50)} == {200}
    assert one.get(f"{production.url}/static/nothing").status_code == 404  # files are not counted


def test_slow_clients_wait_at_nginx_and_even_forms_go_on(production):
    nginx = production.nginx
    half_a_head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: "
    half_a_body = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nperson="
    with ExitStack() as stack:
        for number in range(200):
            connection = stack.enter_context(connected(nginx))
            connection.sendall((half_a_head, half_a_body)[number % 2])
        session = production.signed_in(HISTORY)
        form = {"csrfmiddlewaretoken": token_of(session.get(nginx.url)), "theme": "dark"}
        answer = session.post(f"{nginx.url}/preferences/", form, headers={"Referer": f"{nginx.url}/"})
        assert answer.status_code == 200


def test_while_one_server_is_replaced_no_viewer_notices(production):
    sessions = [production.signed_in() for _ in range(2)]

    def look(viewer):
        return sessions[viewer].get(production.url + HISTORY, timeout=60).status_code

    with asking(look, viewers=2) as seen:
        wait_for(lambda: seen.total() > 20)
        production.replace_the_first()
        until = seen.total() + 40
        wait_for(lambda: seen.total() > until)

    assert set(seen) == {200}


# --- systemd ---------------------------------------------------------------------


@pytest.mark.needs("systemd-analyze", "systemd")
def test_the_unit_of_systemd_is_one_and_runs_the_commands_of_run(tmp_path):
    unit = (ROOT / "docs" / "portal.service").read_text()
    commands = re.findall(r"^Exec(?:Start|Reload)=(.*)$", unit, flags=re.MULTILINE)
    file = tmp_path / "dcs-backups.service"
    here = unit.replace("/srv/dcs-backups", str(ROOT))
    file.write_text(re.sub(r"^(User|Group)=.*$", r"\1=root", here, flags=re.MULTILINE))

    verify = ["systemd-analyze", "verify", "--man=no", file]
    quiet = os.environ | {"SYSTEMD_LOG_LEVEL": "warning"}
    result = subprocess.run(verify, capture_output=True, text=True, check=False, env=quiet)

    assert (result.returncode, result.stderr) == (0, "")
    assert [command.removeprefix("/srv/dcs-backups/") for command in commands] == [
        "run serve --bind 127.0.0.1:8000 --workers 2",
        "run manage check --deploy --fail-level ERROR",
        "/bin/kill -HUP $MAINPID",
    ]
