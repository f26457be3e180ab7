"""Every call ends, is asked again only where that helps, and goes the way the installation says."""

import contextlib
import gzip
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice

import pytest

from backups.dcs.client import USER_AGENT, DcsClient
from backups.dcs.errors import DcsAnswerGarbled, DcsThrottled, DcsUnavailable
from backups.dcs.signing import Credentials
from backups.emulator.fleet import ORDERS_CACHE_ID

from ..raw_server import answering, for_ever, http, server
from ..servers.nginx import self_signed
from .conftest import refusal

EMPTY = b'{"total_num":0,"backup_record_response":[]}'


def client_at(endpoint, **options):
    options = {"sleep": lambda seconds: None, **options}
    return DcsClient(endpoint=endpoint, project_id="0" * 32, credentials=Credentials("AK0", "SK0"), **options)


def query_of(emulator):
    return dict(part.split("=") for part in emulator.calls[-1].query.split("&") if part)


# What is asked -------------------------------------------------------------------


def test_backup_records_are_asked_for_by_the_documented_parameters(emulator, client_of):
    client = client_of()
    client.list_backup_records(ORDERS_CACHE_ID)
    assert query_of(emulator) == {"limit": "1000", "offset": "0"}
    assert emulator.calls[-1].headers["user-agent"] == USER_AGENT == "dcs-backup-portal/1.0"
    begin, end = (
        datetime.fromisoformat("2019-01-01T02:00+08:00"),
        datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    page = client.list_backup_records(ORDERS_CACHE_ID, limit=7, offset=3, begin_time=begin, end_time=end)
    assert query_of(emulator) == {
        "limit": "7", "offset": "3", "begin_time": "20181231180000", "end_time": "20991231235959",
    }  # fmt: skip
    assert emulator.calls[-1].path.endswith(f"/instances/{ORDERS_CACHE_ID}/backups")
    rows = emulator.fleet.backups(ORDERS_CACHE_ID)[3:10]
    assert [one.backup_id for one in page.records] == [row.backup_id for row in rows]
    assert page.request_id == emulator.calls[-1].request_id


def test_instances_are_asked_for_by_the_documented_parameters(emulator, client_of):
    first, second, *_ = client_of().list_instances().records
    assert query_of(emulator) == {"limit": "1000", "offset": "0"}
    assert client_of().list_instances(limit=1, offset=1).records == (second,) != (first,)
    assert query_of(emulator) == {"limit": "1", "offset": "1"}
    answer = client_of().show_instance(ORDERS_CACHE_ID)
    assert answer.records[0].cache_mode
    assert answer.request_id == emulator.calls[-1].request_id


def test_an_empty_history_is_a_page_without_records(emulator, client_of):
    emulator.set_records(ORDERS_CACHE_ID, [])
    page = client_of().list_backup_records(ORDERS_CACHE_ID)
    assert (page.records, page.length, page.body) == ((), 0, b"")
    assert (emulator.calls[-1].status, emulator.calls[-1].request_id) == (204, page.request_id)


# What is asked again ---------------------------------------------------------------


ASKED_AGAIN = dict.fromkeys((429, 502, 503, 504), 3) | dict.fromkeys((400, 401, 403, 404, 500), 1)


@pytest.mark.parametrize(("status", "calls"), ASKED_AGAIN.items())
def test_only_what_may_pass_is_asked_twice_more(emulator, client_of, status, calls):
    emulator.fail_with(status)
    assert (refusal(client_of()).http_status, len(emulator.calls)) == (status, calls)


def test_a_third_answer_is_as_good_as_the_first(emulator, client_of):
    slept = []
    emulator.fail_with(503, times=1)
    emulator.throttle(None, times=1)
    assert client_of(sleep=slept.append).list_backup_records(ORDERS_CACHE_ID).length > 0
    assert len(emulator.calls) == 3
    assert 0.5 <= slept[0] <= 0.7
    assert slept[1] == 2.0, "the vendor advises 2 s where it throttles"


@pytest.mark.parametrize("at", [0, 1, 200, None])
def test_a_cut_body_is_noticed_and_asked_again(emulator, client_of, at):
    emulator.cut_body(at)
    assert (refusal(client_of()).kind, len(emulator.calls)) == ("cut_short", 3)


def test_no_connection_is_tried_three_times_and_says_why():
    slept = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refusal(client_at(f"http://127.0.0.1:{port}", sleep=slept.append))
    assert (error.kind, error.message) == ("unreachable", "no connection (Connection refused)")
    assert len(slept) == 2


def test_a_read_timeout_is_not_asked_again(emulator, client_of):
    emulator.hang()
    assert (refusal(client_of(read_timeout=0.1)).kind, len(emulator.calls)) == ("timed_out", 1)


# Retry-After -------------------------------------------------------------------------


def test_retry_after_is_waited_for_in_seconds_and_as_a_date(emulator, client_of):
    slept = []
    emulator.throttle(3, times=1)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)
    emulator.fail_with(503, retry_after=date, times=1)
    client_of(sleep=slept.append).list_backup_records(ORDERS_CACHE_ID)
    assert slept[0] == 3.0
    assert 3 < slept[1] < 6.5
    emulator.throttle("Thu, 01 Jan 2026 00:00:00 -0000")
    assert refusal(client_of()).retry_after == 0.0, "a date in the past means now"


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_beyond_the_deadline_is_passed_on_at_once(emulator, client_of, status):
    slept = []
    emulator.fail_with(status, retry_after=60)
    assert refusal(client_of(sleep=slept.append)).retry_after == 60.0
    assert (slept, len(emulator.calls)) == ([], 1)


UNREADABLE = ["soon", "", "-5", "1.5", "²", "Mon, 32 Foo 2026", " ", ",", "(", "9" * 40]
UNREADABLE.append("Mon, 01 Jan 2026 00:00:00 +" + "9" * 30)


@pytest.mark.parametrize("header", UNREADABLE)
def test_a_retry_after_that_cannot_be_read_is_as_good_as_none(emulator, client_of, header):
    slept = []
    emulator.throttle(header)
    error = refusal(client_of(sleep=slept.append))
    assert isinstance(error, DcsThrottled)
    assert (error.retry_after, slept) == (None, [2.0, 2.0])


def test_of_eight_calls_that_are_throttled_together_one_is_made_again(emulator, client_of):
    together, told = threading.Barrier(8, timeout=60), threading.Event()
    emulator.fail_with(429, times=8).before = together.wait
    client = client_of(sleep=lambda seconds: told.wait(60))
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(client.list_backup_records, ORDERS_CACHE_ID) for _ in range(8)]
        refused = list(islice(as_completed(asked, timeout=60), 7))
        told.set()
    assert all(isinstance(one.exception(), DcsThrottled) for one in refused)
    assert [one.result().length > 0 for one in asked if one not in refused] == [True]
    assert len(emulator.calls) == 9


# Deadlines and caps --------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\x03"
DRIPS = {
    "the status line": for_ever(b"HTTP/1.1 200 ", b"O", 0.02),
    "one header": for_ever(OK + b"X-Long: ", b"a", 0.02),
    "more headers": for_ever(OK, b"X-A: b\r\n", 0.1),
    "a body": for_ever(OK + b"Content-Length: 99999\r\n\r\n", b" ", 0.02),
    "a chunk": for_ever(CHUNKED + b"ffff\r\n", b" ", 0.02),
    "a chunk's length": for_ever(CHUNKED, b"0", 0.02),
    "a chunk's extension": for_ever(CHUNKED + b"1;", b"x", 0.02),
    "the trailers": for_ever(CHUNKED + b"0\r\n", b"X-T: 1\r\n", 0.05),
    "a packed body that never begins": for_ever(PACKED, b"n", 0.02),
    "interim answers": for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02),
    "nothing": lambda connection: connection.recv(1),
}


def given_up(client):
    """Call until the deadline, and return the kind of the failure."""
    return refusal(client, deadline=time.monotonic() + 0.3).kind


@pytest.mark.parametrize("part", DRIPS)
def test_the_deadline_ends_a_call_whatever_drips(part):
    with server(DRIPS[part]) as (endpoint, seen):
        assert given_up(client_at(endpoint, read_timeout=5)) == "timed_out"
    assert len(seen) == 1


def test_no_call_begins_after_the_deadline(emulator, client_of):
    emulator.fail_with(503)
    assert refusal(client_of(), deadline=time.monotonic() + 0.4).http_status == 503
    assert refusal(client_of(), deadline=time.monotonic() - 1).kind == "timed_out"
    assert len(emulator.calls) == 1


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found", b"500 Away"])
@pytest.mark.parametrize("packed", [False, True])
def test_an_endless_body_is_left_at_the_cap(status, packed):
    piece = gzip.compress(b" " * 10_000_000, mtime=0) if packed else b" " * 65536
    head = b"Location: /x\r\n" + (b"Content-Encoding: gzip\r\n" if packed else b"")
    with server(for_ever(b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n", piece)) as (endpoint, seen):
        error = refusal(client_at(endpoint, max_body_bytes=1_000_000))
    assert (type(error), "larger" in error.message, len(seen)) == (DcsAnswerGarbled, True, 1)


PACKED_500 = OK + b"Content-Encoding: gzip\r\nContent-Length: 500\r\n\r\n"
BROKEN = {
    "cut_short": [
        *(CHUNKED, CHUNKED + b"10\r\n{", CHUNKED + b"1\r\n{\r\n", CHUNKED + b"zz\r\n"),
        PACKED_500 + gzip.compress(EMPTY, mtime=0)[:20],
    ],
    "unreachable": [
        *(b"", b"SSH-2.0-OpenSSH_9.2\r\n", OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        *(OK + b"X-A: b\r\n" * 200 + b"\r\n", OK + b"X-A: " + b"b" * 70_000 + b"\r\n\r\n"),
    ],
    "garbled": [
        OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe://[\r\nContent-Length: 0\r\n\r\n",
        OK + b"X-Request-Id: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    ],
}


@pytest.mark.parametrize(
    ("kind", "answer"), [(kind, one) for kind, all_of in BROKEN.items() for one in all_of]
)
def test_a_body_that_is_cut_and_what_is_no_http_are_errors_of_ours(kind, answer):
    with server(lambda connection: connection.sendall(answer)) as (endpoint, seen):
        assert refusal(client_at(endpoint)).kind == kind
    assert len(seen) == (1 if kind == "garbled" else 3)


# Redirects, cookies, packing -------------------------------------------------------------


def test_a_redirect_is_not_followed_and_takes_no_signature_elsewhere():
    with server(answering(EMPTY)) as (elsewhere, seen_elsewhere):
        head = f"Location: {elsewhere}/v2/x\r\n".encode()
        with server(answering(b"", head=head, status=b"302 Found")) as (endpoint, seen):
            error = refusal(client_at(endpoint))
    assert (error.kind, error.http_status) == ("garbled", 302)
    assert (len(seen), len(seen_elsewhere)) == (1, 0)


def test_a_packed_answer_is_unpacked():
    with server(answering(gzip.compress(EMPTY), head=b"Content-Encoding: gzip\r\n")) as (endpoint, seen):
        assert client_at(endpoint).list_backup_records("i").body == EMPTY
    assert b"gzip" in seen[0].lower()


# Connections ---------------------------------------------------------------------------


def keeping(*answers):
    """Give one answer after another over one connection, and keep it open."""

    def handle(connection):
        for answer in answers:
            connection.sendall(answer)
            connection.recv(65536)

    return handle


def test_calls_one_after_another_share_one_connection():
    rejected = http(b'{"error_code":"DCS.4002","error_msg":"no"}', b"400 Bad Request")
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    with server(keeping(http(EMPTY), rejected, http(b"<html></html>"), nothing, http(EMPTY))) as (
        endpoint,
        seen,
    ):
        client = client_at(endpoint)
        client.list_backup_records("i")
        assert [refusal(client).kind for _ in range(2)] == ["rejected", "garbled"]
        assert [client.list_backup_records("i").length for _ in range(2)] == [0, 0]
        client.close()
    assert len(seen) == 1


def test_one_thread_s_deadline_is_not_another_s():
    let_go = threading.Event()

    def handle(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(EMPTY))
        let_go.wait(60)
        connection.sendall(EMPTY)

    with server(handle) as (endpoint, _), ThreadPoolExecutor(4) as pool:
        client = client_at(endpoint, read_timeout=60)
        ends = [time.monotonic() + seconds for seconds in (0.2, 60, 0.2, 60)]
        hasty, patient, other_hasty, other = [
            pool.submit(client.list_backup_records, "i", deadline=one) for one in ends
        ]
        for call in (hasty, other_hasty):
            with pytest.raises(DcsUnavailable, match="time allowed"):
                call.result()
        let_go.set()
        assert (patient.result().length, other.result().length) == (0, 0)
        client.close()


# The way of the installation --------------------------------------------------------------


@pytest.fixture
def no_proxies(monkeypatch):
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def test_the_proxy_for_https_is_asked_for_a_tunnel(no_proxies):
    with server(answering(b"", status=b"403 Forbidden")) as (proxy, seen):
        no_proxies.setenv("HTTPS_PROXY", proxy)
        error = refusal(client_at("https://dcs.example"))
    assert (error.kind, error.message) == ("unreachable", "no connection through the proxy")
    assert seen[0].startswith(b"CONNECT dcs.example:443 ")
    assert b"SDK-HMAC" not in seen[0]
    assert len(seen) == 3


def test_no_proxy_names_hosts_that_are_asked_directly(no_proxies, client_of):
    no_proxies.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert refusal(client_of()).kind == "unreachable"
    no_proxies.setenv("NO_PROXY", "other.example, 127.0.0.1")
    assert client_of().list_backup_records(ORDERS_CACHE_ID).length > 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate's file and what serves it."""
    path, key = self_signed(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return str(path), context


@pytest.mark.needs("openssl", "openssl")
def test_only_a_certificate_of_the_ca_bundle_is_trusted(certificate, no_proxies):
    with server(answering(EMPTY), context=certificate[1]) as (endpoint, seen):
        assert refusal(client_at(endpoint)).message == "no secure connection (self-signed certificate)"
        assert seen == []
        no_proxies.setenv("REQUESTS_CA_BUNDLE", certificate[0])
        assert client_at(endpoint).list_backup_records("i").length == 0
        assert len(seen) == 1
        no_proxies.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
        assert "CA bundle could not be found" in refusal(client_at(endpoint)).message


def pass_on(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


def tunnel_to(port):
    """What a proxy does that was asked for a tunnel: it says so, and passes bytes on."""

    def handle(connection):
        with socket.create_connection(("127.0.0.1", port)) as far:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pass_on, args=(far, connection), daemon=True)
            back.start()
            pass_on(connection, far)
            back.join(5)

    return handle


@pytest.mark.needs("openssl", "openssl")
def test_calls_through_a_proxy_s_tunnel_share_it(certificate, no_proxies):
    with (
        server(keeping(*[http(EMPTY)] * 2), context=certificate[1]) as (endpoint, seen),
        server(tunnel_to(int(endpoint.rpartition(":")[2]))) as (proxy, asked),
    ):
        no_proxies.setenv("HTTPS_PROXY", proxy)
        no_proxies.setenv("REQUESTS_CA_BUNDLE", certificate[0])
        client = client_at(endpoint)
        assert client.list_backup_records("i").length == 0
        assert client.list_backup_records("i").length == 0
        client.close()
    assert [request.split(b" ")[0] for request in asked] == [b"CONNECT"]
    assert b"SDK-HMAC" not in asked[0]
    assert seen[0].startswith(b"GET /v2/")


@pytest.mark.needs("openssl", "openssl")
def test_the_deadline_holds_over_tls_and_at_a_proxy(certificate, no_proxies):
    no_proxies.setenv("REQUESTS_CA_BUNDLE", certificate[0])
    with server(DRIPS["one header"], context=certificate[1]) as (endpoint, _):
        assert given_up(client_at(endpoint)) == "timed_out"
    with server(DRIPS["the status line"]) as (proxy, _):
        no_proxies.setenv("HTTPS_PROXY", proxy)
        assert given_up(client_at("https://dcs.example")) in ("timed_out", "unreachable")
