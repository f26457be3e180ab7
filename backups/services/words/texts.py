"""Sentences and texts that are templates without markup: the Jinja2 environment of templates/**/*.txt.

Nothing in them escapes by itself: what others wrote goes through the writer of its text. Words come from
functions, never from filters: Jinja2 would keep those of constants in one language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from django.conf import settings
from django.utils.translation import gettext, ngettext, npgettext, pgettext

from .. import words
from ..eligibility import eligibility


def text_template(name: str) -> jinja2.Template:
    """Return the template of a text."""
    return _environment().get_template(name)


@lru_cache(maxsize=64)
def text_macro(template: str, name: str) -> Callable[..., str]:
    """Return a macro that writes a sentence in the language that is active."""
    macro: Callable[..., str] = getattr(text_template(template).module, name)
    return macro


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(settings.BASE_DIR, "templates"))
    return translated_environment(loader=loader, undefined=jinja2.StrictUndefined)


class _Environment(jinja2.Environment):
    def make_globals(self, own: Mapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return a plain dict: each import compares its names, which in a ChainMap is a tenth of a page."""
        return {**self.globals, **(own or {})}


def translated_environment(**options: Any) -> jinja2.Environment:
    """Return a Jinja2 environment that knows the words and translates."""
    made = _Environment(**options, extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True)
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(gettext, ngettext, newstyle=False, pgettext=pgettext, npgettext=npgettext)  # type: ignore[attr-defined]
    made.globals |= {"_": gettext, "eligibility": eligibility, "words": words}
    return made
