"""Answers are compressed for who can read that; the same backups have the same tag in either form."""

from tests.pages.conftest import ORDERS

BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


def test_an_unchanged_export_is_known_by_the_tag_of_its_compressed_form(portal, client_of):
    ada = client_of("ada")
    ada.get(f"{ORDERS}backups.json")
    tag = ada.get(f"{ORDERS}backups.json", headers=BROWSER).headers["ETag"]

    assert tag.startswith('W/"')
    again = ada.get(f"{ORDERS}backups.json", headers={**BROWSER, "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
