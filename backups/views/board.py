"""The board: every instance of the viewer's projects, or of one, as a page and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from ..dcs.records import Instance
from ..forms import BoardForm
from ..guards import clock_of, recently_opened, viewer_key, viewer_of
from ..services import listings
from ..services.board import Board, board, frozen_board_link
from ..services.collector import reads_by_itself
from ..services.listings import Listing
from ..services.live import LATER, QUIET, Live
from ..services.projects import Project, visible_projects
from .live import live_page, nothing_newer, patience
from .pages import of_project


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return _page(request, visible_projects(viewer_of(request)))


@require_safe
@of_project
def project(request: HttpRequest, project: Project) -> HttpResponse:
    return _page(request, [project], project)


def _page(request: HttpRequest, projects: Sequence[Project], project: Project | None = None) -> HttpResponse:
    context: dict[str, Any] = {"projects": projects, "recent": () if project else recently_opened(request)}
    if not projects:
        return render(request, "board.html", context)
    if project:
        context["project"] = project
    form = BoardForm(request.GET)
    if not form.is_valid():
        return render(request, "board.html", context | {"problems_in_query": form.problems}, status=400)
    now, wanted = timezone.now(), form.filter()
    listing = _instances(request, projects, now) if project else None
    shown = board(projects, wanted, now=now)
    is_automatic = reads_by_itself()
    live, clock = _live(shown, listing, now, is_automatic), clock_of(request, now, wanted.tz)
    if answer := nothing_newer(request, live, clock):
        return answer
    context |= {
        "as_of": wanted.as_of,
        "board": shown,
        "clock": clock,
        "filter": wanted,
        "frozen_url": frozen_board_link(request.path, request.GET, now=now),
        "is_automatic": is_automatic,
        "listing": listing,
    }
    return live_page(request, "board.html", context, live)


def _instances(request: HttpRequest, projects: Sequence[Project], now: datetime) -> Listing[Instance]:
    """Have the list of the one project read where it is not fresh. Raises NothingToShow."""
    [project] = projects
    return listings.project_instances(
        project, now=now, patience=patience(request), viewer=viewer_key(request)
    )


def _live(shown: Board, listing: Listing[Instance] | None, now: datetime, is_automatic: bool) -> Live:
    if shown.filter.as_of:
        return Live(shown.mark)
    of_list = Live.of_listing(listing, now=now) if listing else None
    if of_list and of_list.state != "quiet":
        return replace(of_list, mark=f"{shown.mark}.{of_list.mark}")
    return Live(shown.mark, ask_after=LATER if shown.unlisted and is_automatic else QUIET)
