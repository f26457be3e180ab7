"""The links by which a list is filtered, ordered and paged, written without templates.

A page has some forty, each with its own address, and a filter that nobody has asked for before
makes all of them anew: as templates they would cost more than finding the backups.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from html import escape

from django import template
from django.template import Context
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from backups.services.history import DEFAULT_PER_PAGE, DEFAULT_SORT, PER_PAGE, Facet, FacetGroup

from .portal import SortHead, icon, sort_head
from .query_links import QueryLinks, links_of

register = template.Library()


_TITLES: dict[str, str | Promise] = {
    "status": _("Status"),
    "type": _("Type"),
    "restorable": _("Restorable"),
    "format": _("Format"),
    "error": pgettext_lazy("of a backup", "Error"),
    "restore": _("Restore"),
    "backup": _("Backup"),
    "started": _("Data from"),
    "duration": _("Took"),
    "size": _("Size"),
    "note": _("Remark or error"),
    "name": _("Name"),
    "order": _("Order"),
}


@lru_cache(maxsize=256)
def _title(name: str, language: str | None) -> str:
    return escape(str(_TITLES[name]))


# Filters ---------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def history_chips(context: Context, facets: Iterable[FacetGroup]) -> SafeString:
    """Return the filters of a history; each group is known by its parameter."""
    return mark_safe(
        "".join(
            _group(context, group.name, str(group.title), group.facets) for group in facets if group.facets
        )
    )


@register.simple_tag(takes_context=True)
def instance_chips(context: Context, facets: Iterable[Facet]) -> SafeString:
    return mark_safe(_group(context, "status", gettext("Status"), facets))


def _group(context: Context, parameter: str, title: str, facets: Iterable[Facet]) -> str:
    """Return links that add a value to a filter or take it out; the counts are of the whole list."""
    links = links_of(context)
    shown = [_chip(links, parameter, f) for f in facets if f.count or f.chosen]
    return (
        f'<div class="group" role="group" aria-labelledby="chips-{parameter}">'
        f'<h3 id="chips-{parameter}">{escape(title)}</h3>\n{"".join(shown)}</div>\n'
    )


def _chip(links: QueryLinks, parameter: str, facet: Facet) -> str:
    css = "chip" if facet.count else "chip zero"
    url, chosen = escape(links.toggling(parameter, facet.value)), _chosen() if facet.chosen else ">"
    mono = ' class="mono"' if parameter == "error" else ""
    word = f"<bdi{mono}>{escape(str(facet.word))}</bdi>"
    return f'<a class="{css}" href="{url}"{chosen}{word} <span class="n">{facet.count}</span></a>\n'


def _chosen() -> str:
    return f' aria-current="true">{icon("check")}'


@register.simple_tag
def export_note(narrows: bool, matched: int) -> str:
    """Return what an export holds."""
    if narrows:
        said = ngettext(
            "The %(n)s backup that matches the filters", "All %(n)s backups that match the filters", matched
        )
    else:
        said = ngettext("The one backup", "All %(n)s backups", matched)
    return said % {"n": matched}


# Order -----------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def table_head(
    context: Context, field: str, title: str, sort: str, default: str, first: str = "", css: str = ""
) -> SafeString:
    """Return the head of a column that rows can be ordered by."""
    by = sort_head(context, field, sort, default, first)
    return mark_safe(_head(by, escape(title), css))


def _head(by: SortHead, title: str, css: str) -> str:
    attributes = (f' class="{css}"' if css else "") + (f' aria-sort="{by.order}"' if by.order else "")
    return f'<th scope="col"{attributes}><a href="{escape(by.url)}">{title}{icon(by.icon)}</a></th>\n'


# Column, what it is ordered by, the direction of the first click, and its class.
_COLUMNS = (
    ("status", "status", "", ""),
    ("restore", "", "", ""),
    ("backup", "name", "", ""),
    ("type", "type", "", ""),
    ("started", "started", "-", ""),
    ("duration", "duration", "-", "num"),
    ("size", "size", "-", "num"),
    ("note", "", "", ""),
)


@register.simple_tag(takes_context=True)
def history_heads(context: Context, sort: str) -> SafeString:
    language = get_language()
    heads = []
    for column, field, first, css in _COLUMNS:
        title = _title(column, language)
        if field:
            heads.append(_head(sort_head(context, field, sort, DEFAULT_SORT, first), title, css))
        else:
            heads.append(f'<th scope="col">{title}</th>\n')
    return mark_safe("".join(heads))


@register.simple_tag(takes_context=True)
def sort_chips(context: Context, sort: str) -> SafeString:
    """Return the order of a history as chips: a narrow screen has no table head."""
    language, chips = get_language(), []
    for field, first in (("started", "-"), ("size", "-"), ("duration", "-"), ("status", ""), ("name", "")):
        by = sort_head(context, field, sort, DEFAULT_SORT, first)
        chosen = f' aria-current="true">{icon(by.icon)}' if by.order else ">"
        chips.append(f'<a class="chip" href="{escape(by.url)}"{chosen}{_title(field, language)}</a>\n')
    return mark_safe(
        '<div class="group narrow-only" role="group" aria-labelledby="chips-sort">'
        f'<h3 id="chips-sort">{_title("order", language)}</h3>\n{"".join(chips)}</div>\n'
    )


# Pages -----------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def per_page_links(context: Context, per_page: int) -> SafeString:
    links = links_of(context)
    sizes = [_size_link(links, size, chosen=size == per_page) for size in PER_PAGE]
    label, word = escape(gettext("Rows per page")), escape(gettext("Rows"))
    return mark_safe(
        f'<nav class="per-page" aria-label="{label}"><span>{word}</span>\n{"".join(sizes)}</nav>'
    )


def _size_link(links: QueryLinks, size: int, *, chosen: bool) -> str:
    if chosen:
        return f'<span aria-current="true">{size}</span>\n'
    url = links.setting({"per_page": [] if size == DEFAULT_PER_PAGE else [str(size)], "page": []})
    return f'<a href="{escape(url)}">{size}</a>\n'


@register.simple_tag(takes_context=True)
def pager(context: Context, page: int, pages: int, first_row: int, last_row: int, matched: int) -> SafeString:
    """Return which rows of how many are shown, and the links to the previous and the next page."""
    rows = gettext("%(first_row)s–%(last_row)s of %(matched)s") % {
        "first_row": first_row,
        "last_row": last_row,
        "matched": matched,
    }
    label = escape(gettext("Pages"))
    turn = _turning(links_of(context), page, pages) if pages > 1 else ""
    return mark_safe(
        f'<nav class="pager" aria-label="{label}">\n<span class="rows">{escape(rows)}</span>\n{turn}</nav>'
    )


def _turning(links: QueryLinks, page: int, pages: int) -> str:
    where = gettext("page %(page)s of %(pages)s") % {"page": page, "pages": pages}
    before = _page_link(links, page - 1, "prev", "chevron-left", gettext("Previous page")) if page > 1 else ""
    after = _page_link(links, page + 1, "next", "chevron-right", gettext("Next page")) if page < pages else ""
    return (
        f"{before or _no_page('chevron-left')}\n<span>{escape(where)}</span>\n"
        f"{after or _no_page('chevron-right')}\n"
    )


def _page_link(links: QueryLinks, page: int, rel: str, shape: str, title: str) -> str:
    url = links.setting({"page": [] if page == 1 else [str(page)]})
    title = escape(title)
    return (
        f'<a class="page" rel="{rel}" href="{escape(url)}" title="{title}">'
        f'{icon(shape)}<span class="vh">{title}</span></a>'
    )


def _no_page(shape: str) -> str:
    return f'<span class="page off" aria-hidden="true">{icon(shape)}</span>'
