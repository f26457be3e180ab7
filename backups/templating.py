"""The Jinja2 environment of all pages, with its few globals.

Words come from functions, never from filters, nor from a `set` outside of a macro: Jinja2 would keep
those in the language that compiled or imported a template first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jinja2
from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from markupsafe import Markup

from .guards import copied_last, recently_opened
from .query_links import QueryLinks
from .services import insights, recovery, words
from .services.history import DEFAULT_SORT, RANGE_WORDS, absolute, backup_url, instance_url, utc_text
from .services.pasted import without_marks
from .services.tickets import API_EXPLORER, MARKUPS

# What only some pages have, and those around and in all of them ask for; a page that is written without a
# request has none of it. Any other name that nobody gives is an error with DEBUG on, and in tests.
OPTIONAL = (
    *(
        "as_of",
        "asked",
        "backup_id",
        "board",
        "clock",
        "csrf_token",
        "damaged_link",
        "demo",
        "filter",
        "find_q",
    ),
    *("finished", "frame", "history", "instance_id", "just_read", "keys_on", "listing", "live", "live_path"),
    *(
        "lives",
        "not_watched",
        "number",
        "overview",
        "point",
        "problem",
        "problem_before",
        "problems_in_query",
    ),
    *("project", "recent", "report", "request", "rows_end", "said", "seen", "shown", "since", "theme"),
    *("unread_parts", "unread_seen", "user", "zone_name"),
)

_static = lru_cache(maxsize=256)(static)


def environment(**options: Any) -> jinja2.Environment:
    if settings.DEBUG:
        options["undefined"] = jinja2.StrictUndefined
    made = words.translated_environment(**options)
    made.globals |= dict.fromkeys(OPTIONAL, "")
    made.globals |= {
        "absolute": absolute,
        "api_explorer": API_EXPLORER,
        "backup_url": backup_url,
        "default_sort": DEFAULT_SORT,
        "icon": icon,
        "initials": initials,
        "insights": insights,
        "instance_url": instance_url,
        "language": get_language,
        "last_markup": lambda request: copied_last(request)[0],
        "markups": tuple(MARKUPS),
        "now": timezone.now,
        "range_words": RANGE_WORDS,
        "recently_opened": recently_opened,
        "recovery": recovery,
        "static": _static,
        "url": url,
        "utc_text": utc_text,
        "without_marks": without_marks,
    }
    return made


def links(request: HttpRequest) -> dict[str, Any]:
    """A context processor: links of a page to itself, and what was wrong with the one that led to it."""
    told = {name: getattr(request, name, "") for name in ("damaged_link", "unread_parts")}
    return {"links": QueryLinks.of(request), **told}


@lru_cache(maxsize=256)
def icon(name: str, classes: str = "") -> Markup:
    """Return an icon of static/icons.svg. It is decoration: a word stands beside it, or hidden in it."""
    css = f"icon {classes}".strip()
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        css, _static("icons.svg"), name
    )


@lru_cache(maxsize=256)
def url(name: str, *args: str) -> str:
    return reverse(name, args=args)


def initials(name: str) -> str:
    """Return at most two letters for a person's mark."""
    letters = [word[0] for word in name.split() if word[0].isalnum()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()
