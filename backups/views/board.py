"""The board: every instance of the viewer's projects, or of one; what failed; what became worse or better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from ..forms import BoardForm, FailuresForm, ReportForm
from ..guards import clock_of, recently_opened, viewer_key, viewer_of
from ..services import board, listings
from ..services.collector import reads_by_itself
from ..services.live import LATER, QUIET, Live
from ..services.projects import Project, visible_projects
from ..services.words import Words
from .live import live_page, nothing_newer, patience
from .pages import of_project


class Report(NamedTuple):
    title: Words
    form: type[ReportForm]
    of: Callable[..., board.Report]


REPORTS = {
    "failures": Report(_("Failures"), FailuresForm, board.failures),
    "changes": Report(_("Changes"), ReportForm, board.changes),
}
# What a page shows as of now: its context, what is live of it, and its filter.
Shown = tuple[dict[str, Any], Live, board.BoardFilter | board.ReportFilter]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context = {"recent": recently_opened(request)}
    return _board(request, visible_projects(viewer_of(request)), context)


@require_safe
@of_project
def project(request: HttpRequest, project: Project) -> HttpResponse:
    return _board(request, [project], {"project": project})


def _board(request: HttpRequest, projects: Sequence[Project], context: dict[str, Any]) -> HttpResponse:
    form = BoardForm(request.GET)

    def shown(now: datetime) -> Shown:
        wanted, listing = form.filter(), None
        if project := context.get("project"):
            # Read where it is not fresh. Raises NothingToShow.
            viewer = viewer_key(request)
            listing = listings.project_instances(project, now=now, patience=patience(request), viewer=viewer)
        found = board.board(projects, wanted, now=now)
        is_automatic = reads_by_itself()
        live = Live(found.mark, ask_after=LATER if found.unlisted and is_automatic else QUIET)
        of_list = Live.of_listing(listing, now=now) if listing else None
        if wanted.as_of:
            live = Live(found.mark)
        elif of_list and of_list.state != "quiet":
            live = replace(of_list, mark=f"{found.mark}.{of_list.mark}")
        return {"board": found, "is_automatic": is_automatic, "listing": listing}, live, wanted

    return _page(request, "board.html", {"projects": projects, **context}, form, shown)


@require_safe
def report(request: HttpRequest, name: str) -> HttpResponse:
    projects = visible_projects(viewer_of(request))
    form = REPORTS[name].form(request.GET)

    def shown(now: datetime) -> Shown:
        wanted = form.filter(projects)
        found = REPORTS[name].of(wanted, now=now)
        return {"report": found}, Live(found.mark, ask_after=0 if wanted.as_of else QUIET), wanted

    return _page(request, f"{name}.html", {"projects": projects}, form, shown)


def _page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    form: BoardForm | ReportForm,
    shown: Callable[[datetime], Shown],
) -> HttpResponse:
    if not context["projects"]:
        return render(request, template, context)
    if not form.is_valid():
        return render(request, template, context | {"problems_in_query": form.problems}, status=400)
    now = timezone.now()
    own, live, wanted = shown(now)
    clock = clock_of(request, now, wanted.tz)
    if answer := nothing_newer(request, live, clock):
        return answer
    frozen_url = board.frozen_board_link(request.path, request.GET, now=now)
    context |= {"as_of": wanted.as_of, "clock": clock, "filter": wanted, "frozen_url": frozen_url}
    return live_page(request, template, context | own, live)
