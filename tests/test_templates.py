"""HTML stands in templates, in lines that can be read; macros write values safely and in each language."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template import engines
from django.test import RequestFactory
from jinja2 import UndefinedError

from backups.dcs.records import STATUSES, BackupRecord
from backups.query_links import QueryLinks
from backups.services.history.query import Facet
from backups.services.words import Clock

from .conftest import ROOT

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.*"))
PYTHON = [path for room in ("backups", "dcsportal") for path in sorted((ROOT / room).rglob("*.py"))]


def written(imports, call, query="", **values):
    """What a macro writes: `written('"macros/values.html" import size', "size(2)")`."""
    request = RequestFactory().get(f"/projects/eu-prod/{'?' + query if query else ''}")
    template = engines["jinja2"].from_string("{% from " + imports + " %}{{ " + call + " }}")
    html = template.render({"clock": Clock(NOW), **values}, request)
    return re.sub(r"\s+", " ", html).strip()


def test_no_line_of_a_template_is_longer_than_120_characters():
    long = [
        f"{path.name}:{number}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > 120
    ]

    assert long == []


def test_no_html_is_written_in_python_but_the_icon():
    tags = "a|b|bdi|button|div|li|ol|p|span|svg|table|td|th|time|title|tr|ul"
    html = re.compile(rf"""mark_safe|format_html|SafeString|["'(]</?(?:{tags})\b""")
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in PYTHON
        for line in path.read_text().splitlines()
        if html.search(line)
    }

    assert [line for line in found if "<svg class=" not in line] == []


def test_a_misspelt_name_is_an_error_and_the_page_of_a_bad_request_needs_none():
    with pytest.raises(UndefinedError):
        engines["jinja2"].from_string("{{ listng }}").render()

    assert "could not make sense" in engines["jinja2"].get_template("400.html").render()


@pytest.mark.parametrize("status", [*STATUSES, "<archiving>"])
def test_each_status_has_a_shape_of_its_own_and_an_unknown_one_is_shown_as_itself(status):
    badges = {
        one: written('"macros/badges.html" import status_badge', "status_badge(status)", status=one)
        for one in (*STATUSES, status)
    }
    shapes = [badge.split(".svg#")[1].split('"')[0] for badge in badges.values()]

    assert len(set(shapes)) == len(shapes)
    assert "&lt;archiving&gt;" in badges[status] or status in STATUSES


def test_an_age_carries_its_time_so_that_it_can_count_on():
    html = written(
        '"macros/values.html" import age', "age(clock, at, 'short')", at=NOW - timedelta(seconds=38)
    )

    assert html == '<span data-since="2026-11-24T11:59:22.000Z" data-age="short">38 s ago</span>'


def test_a_time_that_cannot_be_read_is_shown_as_dcs_wrote_it():
    record = BackupRecord.from_api({"backup_id": "b", "execution_at": "<yesterday>"})

    html = written('"macros/values.html" import data_from', "data_from(clock, record)", record=record)

    assert "&lt;yesterday&gt;" in html
    assert "<time" not in html


def test_links_and_hidden_fields_are_escaped_for_the_page():
    query = "q=%22%3E%3Cscript%3E&x=%3Cb%3E"

    facet = Facet("failed", "w", 1, chosen=False)
    called = "chip('status-failed', links.toggling('status', facet.value), facet)"
    chip = written('"macros/lists.html" import chip', called, query, facet=facet)
    hidden = written('"macros/values.html" import hidden_fields', "hidden_fields(links.others('q'))", query)

    assert "&amp;status=failed" in chip
    assert "<script" not in chip
    assert hidden == '<input type="hidden" name="x" value="&lt;b&gt;">'


@pytest.mark.parametrize(
    ("query", "by", "first", "url", "direction"),
    [
        ("", "size", "-", "?sort=-size", ""),
        ("sort=-size&page=2", "size", "-", "?sort=size", "descending"),
        ("sort=size", "size", "-", "?sort=-size", "ascending"),
        ("sort=size", "started", "-", "", ""),  # the default order is left out
    ],
)
def test_a_column_descends_first_and_then_turns(query, by, first, url, direction):
    links = QueryLinks.of(RequestFactory().get(f"/projects/eu-prod/?{query}"))

    link = links.ordered(links.asked["sort"] or "-started", "-started").by(by, first)

    assert (link.url, link.direction) == (f"/projects/eu-prod/{url}", direction)
