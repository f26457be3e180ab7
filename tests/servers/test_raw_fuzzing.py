"""Bytes that no client library would send: the server answers or hangs up, and fails over none of them."""

import contextlib
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ..test_security_headers import ADDRESSES

BYTES = st.binary(max_size=60).filter(lambda value: b"\r" not in value and b"\n" not in value)
TOKEN = st.from_regex(rb"[A-Za-z0-9_-]{1,20}", fullmatch=True)
NAMES = (
    "Accept Accept-Language Authorization Connection Content-Length Content-Type Cookie Expect Host Range"
    " Referer Transfer-Encoding Upgrade X-User X-Forwarded-For X-Request-ID x_forwarded_for If-None-Match"
)
KNOWN = st.sampled_from(NAMES.encode().split())
VALUES = (
    "chunked|gzip, chunked|-1|0|5|99999999999999999999|100-continue|close|keep-alive, Upgrade|websocket|h2c"
    '|W/"'
    "|127.0.0.1|evil.example|text/plain; charset=utf-8|application/x-www-form-urlencoded; charset=utf-16"
    "|portal_session=x; portal_session=y"
)
WORDS = st.sampled_from(VALUES.encode().split(b"|"))
HEADERS = st.lists(st.tuples(st.one_of(KNOWN, TOKEN, BYTES), st.one_of(WORDS, BYTES)), max_size=6)
TARGETS = st.one_of(
    st.sampled_from([address.encode() for address in ADDRESSES if len(address) < 1000]),
    BYTES.map(lambda value: b"/" + value.replace(b" ", b"+")),
    st.sampled_from(
        [b"*", b"http://evil.example/", b"//evil.example/", b"/%00", b"/%ff%fe", b"/find/?q=%ff&%"]
    ),
)
METHODS = st.one_of(st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"CONNECT", b"PRI"]), TOKEN)


@pytest.fixture(scope="module")
def cookie(served):
    """Ada's, so that what is asked for is reached."""
    session = served.signed_in()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(method=METHODS, target=TARGETS, headers=HEADERS, body=st.binary(max_size=60))
@example(
    method=b"POST",
    target=b"/find/?" + b"a=1&" * 2000,
    headers=[(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", b"0")],
    body=b"",
)
def test_no_bytes_make_the_server_fail(served, cookie, method, target, headers, body):
    lines = [b"%s %s HTTP/1.1" % (method, target), b"Host: 127.0.0.1", b"Cookie: " + cookie]
    lines += [b"%s: %s" % header for header in headers]
    told = len(served.logs)
    with served.connect() as connection:
        connection.settimeout(0.5)
        answer = b""
        with contextlib.suppress(OSError):
            connection.sendall(b"\r\n".join([*lines, b"Connection: close", b"", body]))
            while got := connection.recv(65536):
                answer += got

    status = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    # Without an end of its body it may be waiting; what is no HTTP is answered by nothing.
    assert not status or status[1] != b"500", answer[:300]
    assert not [line for line in served.logs[told:] if '"exception"' in line or '"level":"error"' in line]
    assert served.errors == []
