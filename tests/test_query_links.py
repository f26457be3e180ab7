"""Links of a page back to itself say what Django's own QueryDict would."""

import pytest
from django.http import QueryDict
from django.test import RequestFactory
from django.utils.encoding import escape_uri_path
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.query_links import QueryLinks

names = st.sampled_from(["status", "q", "page", "tz", "utm", "käse", "a b", "", "x[]"])
texts = st.sampled_from(
    ["", "failed", "100%", "a&b=c", "a b+c", "备份", "Asia/Shanghai", "%00", "~*'()", "#"]
)
queries = st.lists(st.tuples(names, texts), max_size=8).map(
    lambda pairs: "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)
)
odd_queries = st.sampled_from(["&&", "a", "=b", "a=%ff", "a=1;b=2", "%zz=%", "q=\xe4", "a=1&a=2&b&a=3"])


def _quoted(text):
    query = QueryDict(mutable=True)
    query["k"] = text
    return query.urlencode()[2:]


def links(query, path="/projects/eu-prod/"):
    request = RequestFactory().get(path)
    request.META["QUERY_STRING"] = query
    return QueryLinks.of(request)


def as_django_writes(query, path="/projects/eu-prod/"):
    for name in [name for name, values in query.lists() if not values]:
        del query[name]
    return escape_uri_path(path) + (f"?{query.urlencode()}" if query else "")


@settings(max_examples=300, deadline=None)
@given(queries | odd_queries, names, texts)
def test_a_toggled_value_is_the_only_difference(query, name, value):
    expected = QueryDict(query.encode("latin-1"), mutable=True)
    values = expected.getlist(name)
    rest = [other for other in values if other != value]
    expected.setlist(name, rest if len(rest) < len(values) else [*values, value])
    expected.pop("page", None)

    if name != "page":
        assert links(query).toggling(name, value) == as_django_writes(expected)


@settings(max_examples=300, deadline=None)
@given(queries | odd_queries, st.dictionaries(names, st.lists(texts, max_size=2), max_size=3))
def test_what_a_link_sets_or_takes_out_is_the_only_difference(query, changes):
    expected = QueryDict(query.encode("latin-1"), mutable=True)
    for name, values in changes.items():
        expected.setlist(name, values)
    without = QueryDict(query.encode("latin-1"), mutable=True)
    for name in changes:
        without.pop(name, None)

    assert links(query).setting(changes) == as_django_writes(expected)
    assert links(query).without(changes) == as_django_writes(without)


@pytest.mark.parametrize(("path", "query"), [("/a b/ü/", "q=%20+%2B&q=ä"), ("/", ""), ("/x/", "a=1&&b")])
def test_a_page_s_own_address_is_kept_as_it_came(path, query):
    request = RequestFactory().get(path)
    request.META["QUERY_STRING"] = query

    assert QueryLinks.of(request).here == request.get_full_path()


@pytest.mark.parametrize(
    ("matched", "query"), [(30, ""), (72, "?per_page=100"), (201, "?per_page=2000"), (2001, None)]
)
def test_all_rows_are_one_link_away_as_long_as_a_page_can_hold_them(matched, query):
    assert links("page=2").all_rows(matched) == ("" if query is None else f"/projects/eu-prod/{query}")
