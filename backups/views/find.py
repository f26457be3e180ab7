"""The find box: from whatever stands in a ticket to the page that it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from ..forms import link_grammar
from ..guards import LONGEST_LINK, clock_of, recently_opened, viewer_key, viewer_of
from ..services import find as finding
from ..services.pasted import iso_time
from ..services.projects import visible_projects

LONGEST_TEXT = 20_000
# What of a text may stand in the address of the find page.
LONGEST_IN_ADDRESS = 1000
LONGEST_SEARCH = timedelta(hours=1)


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Go where a text leads, or list what it may mean. A POST brings a long text, or searches DCS."""
    is_post = request.method == "POST"
    query, now, viewer = request.POST if is_post else request.GET, timezone.now(), viewer_key(request)
    whole = _text(query)
    text, is_cut = whole[:LONGEST_TEXT], len(whole) > LONGEST_TEXT
    is_search = is_post and query.get("search") == "dcs"
    projects = visible_projects(viewer_of(request))
    found = finding.Found((), ())
    if text:
        found = finding.find(
            text,
            projects,
            grammar_of=link_grammar,
            now=now,
            zone=clock_of(request, now).zone,
            viewer=viewer,
            search_began=_search_began(query, now) if is_search else None,
        )
    if len(text) > LONGEST_IN_ADDRESS and (is_cut or not found.destination):
        # An address cannot carry that much.
        text = finding.recognised(text, found) or text[:80]
    if is_post and not (is_cut or is_search):
        target = found.destination or f"{reverse('find')}?{urlencode({'q': text})}"
        return HttpResponseRedirect(target, status=303)
    if found.destination and not is_cut:
        if len(iri_to_uri(found.destination)) > LONGEST_LINK:
            request.META["QUERY_STRING"] = ""  # the page's links would repeat it
            return render(request, "414.html", status=400)
        if "HX-Request" in request.headers:
            return HttpResponseClientRedirect(found.destination)
        return HttpResponseRedirect(found.destination, status=303 if is_post else 302)
    return render(request, "find.html", {"q": text, "is_cut": is_cut, "found": found})


def _text(query: QueryDict) -> str:
    return query.get("q", "").replace("\0", "").strip()


def _search_began(query: QueryDict, now: datetime) -> datetime:
    """Return when the search of DCS began: now, unless it goes on with one of the last hour."""
    since = iso_time(query.get("since", ""), UTC)
    return since if since and timedelta(0) <= now - since < LONGEST_SEARCH else now


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """What stands under the find box as one types: out of what is at hand, so that no key asks DCS."""
    text = _text(request.GET)[:LONGEST_TEXT]
    projects = visible_projects(viewer_of(request))
    if text:
        candidates = finding.suggestions(text, projects, now=timezone.now(), viewer=viewer_key(request))
    else:
        candidates = ()
    context = {"candidates": candidates, "recent": () if text else recently_opened(request)}
    return render(request, "_suggestions.html", context)
