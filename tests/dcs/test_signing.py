"""Requests are signed as the vendor's own SDK signs them, and what is signed is what is sent."""

import traceback
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer as OfficialSigner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backups.dcs.client import DcsClient
from backups.dcs.errors import DcsError
from backups.dcs.signing import Credentials, Signer, canonical_query, signature
from backups.emulator.fleet import ORDERS_CACHE_ID

from ..raw_server import answering, server

AK, SK, TOKEN = "AKEXAMPLE0000000000", "SKexampleSecretKey0000000000000000000000", "TOKENEXAMPLE"
PROJECT_ID = "0123456789abcdef0123456789abcdef"
DATE = "20260101T000000Z"
NOON = datetime(2026, 1, 1, tzinfo=UTC)

# The official signer as the oracle ------------------------------------------------

LETTERS = st.characters(exclude_categories=("Cs",))
TEXT = st.text(LETTERS, max_size=12) | st.sampled_from(
    ["a b", "+", "%", "%20", "~", "ä ö", "备份", "a&b=c", "/", "?", "#", "*", "100%25", "😀"]
)
PAIRS = st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=6)
SEGMENT = st.text(LETTERS, min_size=1, max_size=8).filter(lambda text: text not in (".", ".."))
SEGMENTS = st.lists(SEGMENT, max_size=4)
HOSTS = st.sampled_from(["dcs.eu-west-101.example.com", "127.0.0.1:8123", "dcs.example:8443", "[::1]:1"])
TOKENS = st.sampled_from(["", TOKEN, "gAAA+/=~ with blanks"])


@settings(max_examples=300, deadline=None)
@given(segments=SEGMENTS, pairs=PAIRS, host=HOSTS, token=TOKENS)
# They are ordered before they are quoted.
@example(segments=[], pairs=[("name", "ä"), ("name", "z"), ("ä", "1"), ("z", "2")], host="h", token="")
@example(segments=[], pairs=[("a b", "1"), ("a", "2"), ("a", "1"), ("a", "1")], host="h", token="")
def test_any_request_is_signed_as_the_official_signer_does(segments, pairs, host, token):
    path = "/v2/" + "/".join(quote(segment, safe="") for segment in segments)
    query = canonical_query(pairs)
    headers = Signer(Credentials(AK, SK, token), PROJECT_ID, host).headers(path, query, now=NOON)

    signed = {"Host": host, "X-Sdk-Date": DATE, "X-Project-Id": PROJECT_ID}
    if token:
        signed["X-Security-Token"] = token
    official = SdkRequest(
        method="GET", schema="https", host=host, resource_path=path, query_params=list(pairs),
        header_params=signed, body="",
    )  # fmt: skip
    OfficialSigner(BasicCredentials(AK, SK, PROJECT_ID)).sign(official)

    assert headers["Authorization"] == official.header_params["Authorization"]
    assert {name: headers[name] for name in signed} == signed
    assert query == official.uri.partition("?")[2]


# What goes over the wire -----------------------------------------------------------


@pytest.mark.parametrize("project_id", [PROJECT_ID, "a b", "ü~+%", "%2F", "a/b?c#d", "*'()!", "A..b"])
@pytest.mark.parametrize("instance_id", ["a b", "ü~+%&=", "100%25", "备份 😀", "'*()!"])
def test_what_is_signed_is_byte_for_byte_what_is_sent(project_id, instance_id):
    key = Credentials(AK, SK, TOKEN)
    with server(answering(b"", status=b"204 No Content")) as (endpoint, seen):
        client = DcsClient(endpoint=endpoint, project_id=project_id, credentials=key)
        client.list_backup_records(instance_id)
        client.close()
    method, target, version = seen[0].split(b"\r\n")[0].decode().split(" ")
    assert (method, version) == ("GET", "HTTP/1.1")
    instance = f"/v2/{quote(project_id, safe='')}/instances/{quote(instance_id, safe='')}"
    assert target == f"{instance}/backups?limit=1000&offset=0"
    lines = (line.partition(": ") for line in seen[0].decode("latin-1").split("\r\n")[1:])
    sent = {name.lower(): value for name, _, value in lines}
    assert sent["host"] == endpoint.removeprefix("http://")
    path, _, query = target.partition("?")
    names = ("host", "x-project-id", "x-sdk-date", "x-security-token")
    expected = signature(
        secret_key=SK, method="GET", path=path, query=query,
        headers=sent | {"x-project-id": project_id}, signed_headers=names,
    )  # fmt: skip
    assert sent["authorization"] == (
        f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders={';'.join(names)}, Signature={expected}"
    )


def test_a_netrc_file_does_not_replace_the_signature(emulator, client_of, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    # The file is one that would be used.
    assert requests.utils.get_netrc_auth("http://127.0.0.1") == ("somebody", "else")
    assert client_of().list_backup_records(ORDERS_CACHE_ID).length > 0


def test_permanent_and_temporary_keys_are_both_accepted(emulator, client_of):
    for project in emulator.fleet.projects:
        assert client_of(project.name).list_instances(limit=1).length == 1
    assert {bool(project.security_token) for project in emulator.fleet.projects} == {True, False}


# Nothing shows a secret --------------------------------------------------------------


def shown(error):
    """What a debug page or an error tracker would show: the frames below the test with their variables."""
    error = error.with_traceback(error.__traceback__.tb_next)
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


WRONG = {"security_token": "Token-of-its-own-0123456789", "sk": "Wrong-secret-key-0123456789"}
FAULTS = {
    "hang": lambda emulator: emulator.hang(),
    "cut": lambda emulator: emulator.cut_body(),
    "html": lambda emulator: emulator.answer_html(),
    "garbled": lambda emulator: emulator.answer_body(b"[1, 2]"),
}


@pytest.mark.parametrize("fault", ["refused", "nobody", "bad key", *FAULTS])
def test_no_traceback_shows_a_secret_or_a_signature(emulator, client_of, fault):
    key = {} if fault in FAULTS else WRONG
    FAULTS.get(fault, lambda emulator: None)(emulator)
    if fault == "bad key":
        key = key | {"ak": "AKwithanewline\n0123"}
    options = {"endpoint": "http://127.0.0.1:1"} if fault == "nobody" else {}
    with pytest.raises(DcsError) as caught:
        client_of(key=key, read_timeout=0.1, **options).list_backup_records(ORDERS_CACHE_ID)
    text = shown(caught.value)
    project = emulator.fleet.primary
    for secret in (project.ak, project.sk, *key.values(), "Signature="):
        assert secret not in text
    assert caught.value.__cause__ is caught.value.__context__ is None
