"""Links that are too long: they are refused in words, and what is carried along stays small."""

import logging

import pytest

from .addresses import BULK, POINT
from .conftest import ORDERS, PROJECT

pytestmark = pytest.mark.usefixtures("portal")

REPORTS = [f"/{one}{end}" for one in ("failures", "changes") for end in ("/", "/ticket/", ".json", ".csv")]
BOARDS = ["/", "/ticket/", "/instances.json", "/instances.csv", PROJECT, f"{PROJECT}ticket/"]
OF_ORDERS = [f"{ORDERS}{one}" for one in ("", "ticket/", "compare/", "backups.csv", "backups.json")]
PATHS = [*OF_ORDERS, POINT, f"{POINT}ticket/", *BOARDS, *REPORTS]


@pytest.mark.parametrize("query", ["x=" + "a" * 999, "q=" + "+" * 999, "q=" + "a" * 9000])
def test_a_query_that_is_too_long_is_refused(ada, query):
    for path in PATHS:
        response = ada.get(f"{path}?{query}")
        assert response.status_code == 414
        assert "this link is too long" in response.content.decode().lower()


def test_so_is_one_of_a_page_that_reads_next_to_nothing(ada):
    assert ada.get(f"/find/?x={'a' * 999}").status_code == 414


@pytest.mark.parametrize(
    ("file", "wrong"),
    [
        (f"{ORDERS}backups.json", "status=bogus"),
        ("/instances.json", "verdict=bogus"),
        ("/failures.json", "range=bogus"),
        ("/changes.json", "range=bogus"),
    ],
)
def test_a_program_gets_the_envelope_of_every_error(ada, file, wrong):
    body = ada.get(f"{file}?x={'a' * 999}").json()

    assert body.keys() == ada.get(f"{file}?{wrong}").json().keys()
    assert body["problem"]["kind"] == "bad_query"
    assert not {"backups", "instances", "failures", "changes"} & body.keys()


def test_two_hundred_rows_with_a_thousand_unknown_characters_are_a_small_page(ada):
    response = ada.get(f"{BULK}?per_page=200&x={'a' * 998}")

    assert response.status_code == 200
    assert len(response.content) < 450_000


def test_signed_out_such_a_link_is_kept_for_the_sign_in(client):
    for query in ("x=" + "a" * 999, "q=" + "a" * 7900):
        response = client.get(f"{ORDERS}?{query}")
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/sign-in/?next=")
        assert query.partition("=")[2] in response.headers["Location"]
    assert client.get("/sign-in/", {"next": f"/find/?q={'a' * 8000}"}).status_code == 200


TAILS = ["a" * 17_000, "%25" * 6000, "é" * 3000, "\0" + "a" * 17_000, "\udcff"]


@pytest.mark.parametrize("host", ["portal.example", "[::1", "a:99999", "h" * 2000])
def test_find_reads_a_long_link_or_says_that_it_is_too_long(ada, caplog, host):
    for tail in TAILS:
        text = f"https://{host}{ORDERS}?x={tail}".encode("utf-8", "surrogateescape")
        response = ada.get("/find/", {"q": text})
        if len(text) > 20_000:
            assert response.status_code == 414 or b"longer than 20,000 characters" in response.content
        else:
            assert response.status_code == 302 or b"too long" in response.content
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
