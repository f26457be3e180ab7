"""Answers are compressed for who can read that; the same backups have the same tag in either form."""

import gzip

import pytest

from tests.pages.conftest import ORDERS

BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.fixture
def ada(portal, client_of):
    return client_of("ada")


def body_of(response):
    body = response.getvalue() if response.streaming else response.content
    return gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body


def test_an_unchanged_export_is_known_by_the_tag_of_its_compressed_form(ada):
    ada.get(f"{ORDERS}backups.json")
    tag = ada.get(f"{ORDERS}backups.json", headers=BROWSER).headers["ETag"]

    assert tag.startswith('W/"')
    again = ada.get(f"{ORDERS}backups.json", headers={**BROWSER, "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
