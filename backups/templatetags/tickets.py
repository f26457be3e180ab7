"""Links to the texts for tickets, and the words of their choices."""

from __future__ import annotations

from django import template
from django.http import HttpRequest
from django.template import Context
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backups.services.history import absolute
from backups.services.tickets import API_EXPLORER, COOKIE, MARKUPS, copied_last

register = template.Library()

MARKUP_WORDS: dict[str, str | Promise] = {
    "markdown": "Markdown",
    "jira": _("Jira wiki markup"),
    "plain": _("Plain text"),
}
ALWAYS_WORDS: dict[str, str | Promise] = {
    "24h": _("always the last 24 hours"),
    "3d": _("always the last 3 days"),
    "7d": _("always the last 7 days"),
    "30d": _("always the last 30 days"),
    "90d": _("always the last 90 days"),
    "": _("always with the newest backups"),
}


@register.filter
def ticket_link(page: str) -> str:
    """Return the link of the text about a page, which takes the page's query."""
    path, mark, query = page.partition("?")
    return f"{path}ticket/{mark}{query}"


@register.filter
def page_of(page: str) -> str:
    """Return the path of a link."""
    return page.partition("?")[0]


@register.filter
def always(relative: str) -> str:
    """Return what a link with a relative range shows, whenever it is opened."""
    return str(ALWAYS_WORDS[relative])


@register.filter
def and_more(link: str) -> str:
    """Return a link to which one more parameter can be added."""
    return f"{link}{'&' if '?' in link else '?'}"


@register.filter
def markup_word(markup: str) -> str:
    return str(MARKUP_WORDS[markup])


@register.filter
def absolute_link(path: str) -> str:
    return absolute(path)


@register.simple_tag
def markups() -> tuple[str, ...]:
    return tuple(MARKUPS)


@register.simple_tag
def ticket_languages() -> list[tuple[str, str]]:
    """Return each language with its own name for itself."""
    return [("en", "English"), ("zh-hans", "中文")]


@register.simple_tag
def api_explorer() -> str:
    return API_EXPLORER


@register.simple_tag(takes_context=True)
def last_markup(context: Context) -> str:
    """Return the markup of the text that this viewer copied last."""
    request = context.get("request")
    told = request.COOKIES.get(COOKIE, "") if isinstance(request, HttpRequest) else ""
    return copied_last(told)[0]
