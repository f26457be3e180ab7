"""Answers are compressed for who can read that, and not where their length might tell a stranger anything."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.templatetags.kept import Piece, pieces_of
from dcsportal.compression import accepted_encodings, compressed
from tests.pages.conftest import ORDERS

BROWSER = "gzip, deflate, br, zstd"


@pytest.fixture
def ada(portal: object, client_of: Callable[[str], Client]) -> Client:
    return client_of("ada")


def plain(response: Any) -> bytes:
    """The bytes that a browser makes of an answer."""
    body: bytes = response.getvalue() if response.streaming else response.content
    match response.headers.get("Content-Encoding"):
        case "br":
            return bytes(brotli.decompress(body))
        case "gzip":
            return zlib.decompress(body, wbits=31)
        case encoding:
            assert encoding is None
            return body


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (BROWSER, "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("*;q=0.1, br;q=0", "gzip"),
        ("gzip;q=0, *;q=0", ""),
        ("deflate, identity", ""),
        ("gzip;q=hello", ""),
        ("", ""),
    ],
)
def test_the_best_encoding_that_is_accepted_is_written(accepted: str, encoding: str) -> None:
    assert "".join(accepted_encodings(accepted)[:1]) == encoding


@given(st.text(max_size=60))
def test_no_header_breaks_an_answer(accepted: str) -> None:
    assert set(accepted_encodings(accepted)) <= {"br", "gzip"}


@pytest.mark.parametrize("accepted", ["br", "gzip"])
@pytest.mark.parametrize("name", ["backups.json", "backups.csv"])
def test_exports_say_the_same_compressed(ada: Client, name: str, accepted: str) -> None:
    ada.get(f"{ORDERS}{name}")
    as_it_is = ada.get(f"{ORDERS}{name}")
    answer = ada.get(f"{ORDERS}{name}", headers={"Accept-Encoding": accepted})

    assert answer.headers["Content-Encoding"] == accepted
    assert plain(answer) == plain(as_it_is)
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert "Accept-Encoding" in as_it_is.headers["Vary"]


@pytest.mark.parametrize(("accepted", "part"), [("br", 1 / 7), ("gzip", 1 / 6)])
def test_a_page_is_a_small_part_of_its_length_on_the_wire(ada: Client, accepted: str, part: float) -> None:
    answer = ada.get(ORDERS, headers={"Accept-Encoding": accepted})

    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert len(answer.content) < len(plain(answer)) * part
    assert plain(answer).rstrip().endswith(b"</html>")


def test_a_page_shown_again_is_the_same_of_parts_that_are_compressed_already(ada: Client) -> None:
    seen = [plain(ada.get(ORDERS, headers={"Accept-Encoding": "gzip"})) for _ in range(3)]
    answer = ada.get(ORDERS, headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(answer.content) < len(plain(answer)) / 5
    own = rb'value="\w{64}"|data-(?:now|after)="[^"]*"|\d+ s(?: ago)?|just now'
    texts = {re.sub(own, b"", page) for page in [*seen, plain(answer), ada.get(ORDERS).content]}
    assert len(texts) == 1
    # Who reads Brotli gets that, which is shorter.
    assert ada.get(ORDERS, headers={"Accept-Encoding": BROWSER}).headers["Content-Encoding"] == "br"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=300), st.sampled_from(["", "one", "two", "three"])), max_size=6))
def test_whatever_stands_around_a_compressed_part_comes_out_as_it_went_in(
    page: list[tuple[bytes, str]],
) -> None:
    texts = {name: f"{name} 备份 {'x' * n} " * 300 for n, name in enumerate(["one", "two", "three"], 3)}
    pieces = {name: Piece(text) for name, text in texts.items()}
    for piece in pieces.values():
        piece.deflated()
    content = b"".join(before + texts.get(name, "").encode() for before, name in page) + b"." * 600
    # One that is announced and not there, and one that is there and not announced.
    announced = [pieces[name] for _, name in page[:-1] if name] + [pieces["one"]]
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    pieces_of(request).extend(announced)

    answer = compressed(lambda request: HttpResponse(content))(request)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == content


def test_an_unchanged_export_is_known_by_the_tag_of_its_compressed_form(ada: Client) -> None:
    ada.get(f"{ORDERS}backups.json")
    headers = {"Accept-Encoding": BROWSER}
    tag = ada.get(f"{ORDERS}backups.json", headers=headers).headers["ETag"]

    assert tag.startswith('W/"')
    again = ada.get(f"{ORDERS}backups.json", headers={**headers, "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("fetch", "is_compressed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-User": "?1"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, False),
    ],
)
def test_what_a_script_of_another_site_asks_for_tells_nothing_by_its_length(
    ada: Client, fetch: dict[str, str], is_compressed: bool
) -> None:
    answer = ada.get(f"{ORDERS}?q=guess", headers={"Accept-Encoding": BROWSER, **fetch})

    assert ("Content-Encoding" in answer.headers) is is_compressed


def answered(response: HttpResponse | StreamingHttpResponse) -> Any:
    """What becomes of a response on its way out to a browser."""

    def view(request: HttpRequest) -> Any:
        return response

    return compressed(view)(RequestFactory().get("/", headers={"Accept-Encoding": BROWSER}))


def test_short_answers_and_other_types_stay_as_they_are() -> None:
    for response in (
        HttpResponse("ok", content_type="text/plain; charset=utf-8"),
        HttpResponse(b"x" * 9000, content_type="image/png"),
        HttpResponse(b"x" * 9000, headers={"Content-Encoding": "zstd"}),
        HttpResponse(status=304),
    ):
        before = response.content, response.headers.get("Content-Encoding")
        after = answered(response)
        assert (after.content, after.headers.get("Content-Encoding")) == before


def test_a_stream_is_compressed_as_it_comes_and_has_no_length_in_advance() -> None:
    parts = [b"a,b\r\n" * 20_000, b"", "备份".encode() * 20_000]
    seen: list[int] = []

    def stream() -> Any:
        for number, part in enumerate(parts):
            seen.append(number)
            yield part

    response = StreamingHttpResponse(stream(), content_type="text/csv", headers={"Content-Length": "9"})
    answer = answered(response)

    assert not seen
    assert plain(answer) == b"".join(parts)
    assert "Content-Length" not in answer.headers
