"""What the tests of the pages share: addresses, and what stands on a page."""

import csv
import html
import io
import re
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID
from tests.services.conftest import with_pauses
from tests.services.readings import read_at

PROJECT = "/projects/eu-prod/"


def history_of(instance_id, project="eu-prod"):
    return f"/projects/{project}/instances/{instance_id}/"


ORDERS = history_of(ORDERS_CACHE_ID)


@pytest.fixture
def ada(client_of, portal, monkeypatch):
    """A browser in which the demo person who sees all projects has signed in; no call is tried again."""
    with_pauses(monkeypatch, ())
    return client_of("ada")


@pytest.fixture
def lists(emulator):
    """`lists(records)`: from now on DCS lists these backups of orders-cache."""
    return partial(emulator.set_records, ORDERS_CACHE_ID)


@pytest.fixture
def reread(ada, lists):
    """`reread(records)`: DCS lists these now, and ada presses Refresh."""

    def read(records):
        lists(records)
        ada.post(f"{ORDERS}refresh/")

    return read


@pytest.fixture
def impatient(portal):
    """A portal that waits half a second for DCS."""
    portal.DCS_READ_BUDGET = 0.5
    portal.DCS_READ_TIMEOUT = 0.2
    return portal


@pytest.fixture
def read(portal, emulator):
    """`read(records, at)`: the portal reads a list of these records at that time, and no more by itself."""
    portal.DCS_FRESH_SECONDS = 10**9
    return partial(read_at, emulator)


def copied(page):
    """The link that Copy link copies, as it is opened."""
    [link] = links_of(page, "data-copy-link")
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def text_of(response):
    """The words of a page, without its tags."""
    words = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(words))


def dated(text):
    """A text with the year of its days, all of 2026, as pages write it in any other year."""
    if datetime.now(UTC).year == 2026:
        return text
    text = re.sub(r"(\d+) to (\d+ (Oct|Nov))\b", r"\1 \3 to \2", text)
    return re.sub(r"(?<!年)(?=1[01]月)", "2026年", re.sub(r"(?<=\d )(Oct|Nov)\b(?! 2026)", r"\1 2026", text))


def rows_of(response):
    """The ids of the backups in a page's table, in its order."""
    return re.findall(r'data-backup-id="([^"]*)"', response.content.decode())


def links_of(response, attributes=""):
    found = re.findall(rf'<a\b[^>]*{attributes}[^>]*\bhref="([^"]*)"', response.content.decode())
    found += re.findall(rf'<a\b[^>]*\bhref="([^"]*)"[^>]*{attributes}', response.content.decode())
    return [html.unescape(link) for link in dict.fromkeys(found)]


def ticket_text(client, address):
    """The bare text for a ticket."""
    return client.get(address, headers={"Accept": "text/plain"}).content.decode()


def csv_text(response):
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def csv_rows(response):
    return list(csv.DictReader(io.StringIO(csv_text(response).removeprefix("\ufeff"), newline="")))


def all_of(client, address):
    """A history as page, JSON and CSV, asked with the same query."""
    path, _, query = address.partition("?")
    return {name: client.get(f"{path}{name}?{query}") for name in ("", "backups.json", "backups.csv")}
