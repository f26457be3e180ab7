"""The find box: from whatever stands in a ticket to the page that it means."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from ..forms import FindForm, link_grammar
from ..guards import LONGEST_LINK, clock_of, recently_opened, viewer_key, viewer_of
from ..services import find as finding
from ..services.projects import visible_projects

# What of a text may stand in the address of the find page.
LONGEST_IN_ADDRESS = 1000


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Go where a text leads, or list what it may mean. A POST brings a long text, or searches DCS."""
    is_post = request.method == "POST"
    form = FindForm(request.POST if is_post else request.GET)
    is_search = is_post and form.is_search
    text, now, viewer = form.text, timezone.now(), viewer_key(request)
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
            search_began=form.search_began(now) if is_search else None,
        )
    if len(text) > LONGEST_IN_ADDRESS and (form.is_cut or not found.destination):
        # An address cannot carry that much.
        text = finding.recognised(text, found) or text[:80]
    if is_post and not (form.is_cut or is_search):
        return _see_other(found.destination or f"{reverse('find')}?{urlencode({'q': text})}")
    if found.destination and not form.is_cut:
        if len(iri_to_uri(found.destination)) > LONGEST_LINK:
            request.META["QUERY_STRING"] = ""  # the page's links would repeat it
            return render(request, "414.html", status=400)
        if "HX-Request" in request.headers:
            return HttpResponseClientRedirect(found.destination)
        return _see_other(found.destination) if is_post else redirect(found.destination)
    return render(request, "find.html", {"q": text, "is_cut": form.is_cut, "found": found})


def _see_other(url: str) -> HttpResponse:
    """Answer a POST with the page to get."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """What stands under the find box as one types: out of what is at hand, so that no key asks DCS."""
    text = FindForm(request.GET).text
    projects = visible_projects(viewer_of(request))
    if text:
        candidates = finding.suggestions(text, projects, now=timezone.now(), viewer=viewer_key(request))
    else:
        candidates = ()
    context = {"candidates": candidates, "recent": () if text else recently_opened(request)}
    return render(request, "_suggestions.html", context)
