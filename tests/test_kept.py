"""Parts of a page that are kept: the same until something that they depend on is another."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Engine, TemplateSyntaxError
from django.test import RequestFactory
from django.utils.safestring import mark_safe
from django.utils.translation import override
from pytest_django.fixtures import Settings

from backups.templatetags.kept import Shelf, Text

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
LIBRARIES = {"portal": "backups.templatetags.portal", "i18n": "django.templatetags.i18n"}


def page(**partials: str) -> Any:
    """A page of these partials: `page(a="…")("{% kept 'a' %}", values of the page…)`."""
    loaders = [("django.template.loaders.locmem.Loader", partials)]
    engine = Engine(loaders=loaders, libraries=LIBRARIES, builtins=["backups.templatetags.portal"])

    def shown(source: str, query: str = "", **values: Any) -> str:
        request = RequestFactory().get(f"/projects/{'?' + query if query else ''}")
        context = Context({"now": NOW, "request": request, **values})
        return str(engine.from_string(source).render(context))

    return shown


class Seen:
    """A text of a page that tells how often it was asked for; equal ones say the same."""

    def __init__(self, text: str) -> None:
        self.text, self.asked = text, 0

    def __str__(self) -> str:
        self.asked += 1
        return self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seen) and self.text == other.text


def test_a_part_is_written_once_for_equal_values() -> None:
    shown = page(**{"once.html": "<b>{{ name }}</b>"})
    first, second = Seen("a<b"), Seen("a<b")

    for name in (first, second, first):
        assert shown("{% kept 'once.html' name=name %}", name=name) == "<b>a&lt;b</b>"

    assert (first.asked, second.asked) == (1, 0)
    assert shown("{% kept 'once.html' name=name %}", name=Seen("c")) == "<b>c</b>"


def test_a_part_sees_nothing_but_what_it_is_given() -> None:
    partial = "{{ name }}|{{ user }}|{{ request }}|{{ now }}|{{ preferences }}|{{ csrf }}"
    shown = page(**{"alone.html": partial})

    assert shown("{% kept 'alone.html' name='n' %}", user="Ada", preferences="hers", csrf="x") == "n|||||"


def test_a_part_is_kept_by_language() -> None:
    shown = page(**{"word.html": "{% load i18n %}{% translate 'Failed' %}"})

    assert shown("{% kept 'word.html' %}") == "Failed"
    with override("zh-hans"):
        chinese = shown("{% kept 'word.html' %}")
    assert chinese not in ("", "Failed")
    assert shown("{% kept 'word.html' %}") == "Failed"


def test_an_age_in_a_part_moves_on() -> None:
    shown = page(**{"age.html": "{% age since %}", "around.html": "<i>{% kept 'age.html' since=since %}</i>"})
    since = NOW - timedelta(hours=3, minutes=12, seconds=20)

    for name in ("age.html", "around.html"):
        seen = [
            shown(f"{{% kept '{name}' since=since %}}", since=since, now=NOW + timedelta(seconds=later))
            for later in (0, 39, 40, 101, -30)
        ]
        ages = ["3 h 12 min ago", "3 h 12 min ago", "3 h 13 min ago", "3 h 14 min ago", "3 h 11 min ago"]
        assert [re.sub("<[^>]*>", "", text) for text in seen] == ages


def test_a_part_is_written_in_the_page_s_zone() -> None:
    shown = page(**{"time.html": "{% moment at %}"})

    assert "12:00:00" in shown("{% kept 'time.html' at=at %}", at=NOW)
    assert "20:00:00" in shown("{% kept 'time.html' at=at %}", at=NOW, zone=ZoneInfo("Asia/Shanghai"))


def test_token_and_address_are_those_of_each_view() -> None:
    form = "{% csrf_token %}<a href='{% here %}'>{{ text }}</a>"
    shown = page(**{"form.html": form, "nested.html": "{% kept 'form.html' text=text %}"})

    for name in ("form.html", "nested.html"):
        for token, query in (("one", "q=%22%3E&a=1"), ("two", ""), ("three", "a=1")):
            form_html = shown(f"{{% kept '{name}' text='x' %}}", query, csrf_token=token)
            assert f'value="{token}"' in form_html
            assert f"href='/projects/{'?' + query.replace('&', '&amp;') if query else ''}'" in form_html


def test_a_developer_sees_a_changed_partial_at_once(settings: Settings) -> None:
    settings.DEBUG = True
    shown, name = page(**{"debug.html": "<b>{{ name }}</b>"}), Seen("a")

    for _ in range(3):
        shown("{% kept 'debug.html' name=name %}", name=name)

    assert name.asked == 3


def test_a_late_text_is_put_in_for_each_view_and_never_kept() -> None:
    shown = page(
        **{
            "menu.html": "<b title='{{ user }}'>{{ user }}</b>{{ word }}",
            "outer.html": "<i>{% kept 'menu.html' word=word late user=user %}</i>",
        }
    )
    word, again = Seen("x"), Seen("x")

    first = shown("{% kept 'outer.html' word=word late user=name %}", word=word, name="Ada <3")
    second = shown("{% kept 'outer.html' word=word late user=name %}", word=again, name="Ben")

    assert first == "<i><b title='Ada &lt;3'>Ada &lt;3</b>x</i>"
    assert second == "<i><b title='Ben'>Ben</b>x</i>"
    assert again.asked == 0


@pytest.mark.parametrize(
    "tag", ["{% kept %}", "{% kept 'a.html' late %}", "{% kept name a=b %}", "{% kept 'a.html' b %}"]
)
def test_a_part_is_named_by_its_template_and_its_values(tag: str) -> None:
    with pytest.raises((TemplateSyntaxError, ValueError)):
        page()(tag)


def test_a_shelf_is_bounded_and_keeps_what_is_asked_for() -> None:
    shelf = Shelf(1_000_000)
    text = Text(mark_safe("x" * 1000), 0, 10)
    shelf.put("wanted", text)

    for number in range(20_000):
        shelf.put(number, text)
        assert shelf.get("wanted", 5) == text

    kept = [number for number in range(20_000) if shelf.get(number, 5)]
    assert 300 < len(kept) <= 1000
    assert kept[-1] == 19_999


def test_the_odd_dash_is_kept_as_a_reference_and_chinese_as_it_is() -> None:
    shelf = Shelf(100_000)
    dash, chinese = "<td>" + "x" * 200 + " · –</td>", "<td>备份成功</td>"
    for text in (dash, chinese):
        shelf.put(text, Text(mark_safe(text), 0, 10))

    kept = [shelf.get(text, 5) for text in (dash, chinese)]
    assert kept[0]
    assert kept[0].html.isascii()
    assert html.unescape(kept[0].html) == dash
    assert kept[1]
    assert kept[1].html == chinese


def test_a_shelf_counts_what_viewers_asked_for() -> None:
    shelf = Shelf(1_000_000)
    for number in range(1000):
        shelf.put(("a.html", f"{number}" + "q" * 8000), Text(mark_safe("x"), 0, 10))

    kept = sum(shelf.get(("a.html", f"{number}" + "q" * 8000), 5) is not None for number in range(1000))
    assert 50 < kept < 130


def test_a_shelf_gives_no_text_before_or_past_its_time() -> None:
    shelf = Shelf(1000)
    shelf.put("a", Text(mark_safe("x"), 10, 20))

    assert [bool(shelf.get("a", now)) for now in (9.9, 10, 19.9, 20)] == [False, True, True, False]
