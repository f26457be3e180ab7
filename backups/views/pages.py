"""HTTP in, HTTP out: guard, form, service, render."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from ..dcs.records import BackupRecord, Instance, as_text, has_value
from ..forms import FindForm, HistoryForm, InstancesForm, RecoveryForm, link_grammar
from ..guards import (
    LONGEST_LINK,
    clock_of,
    project_or_404,
    set_cookie,
    viewer_key,
    viewer_of,
    with_retry_after,
)
from ..services import find as finding
from ..services import listings
from ..services.find import recents
from ..services.history import (
    DEFAULT_SORT,
    RANGE_WORDS,
    absolute,
    backup_history,
    frozen_link,
    frozen_recovery_path,
    history_url,
    instance_page,
    name_of,
    neighbours,
    records_of,
)
from ..services.insights import overview
from ..services.listings import Listing, NothingToShow, Window
from ..services.live import Live, unfinished
from ..services.pasted import ids_in
from ..services.problems import Problem
from ..services.projects import Project, visible_projects
from ..services.recovery import examples, is_backing_up, recovery_page, restore_blocks, usable_reach
from ..services.tickets import MOST_RECORDS, backup_command, history_command
from ..services.words import ERROR_CODES
from .live import SHOWN, live_page, nothing_newer, patience, say_just_read

# What of a text may stand in the address of the find page.
LONGEST_IN_ADDRESS = 1000

# Pages -----------------------------------------------------------------------


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    projects = visible_projects(viewer_of(request))
    return render(request, "home.html", {"projects": projects, "recent": _recent(request, projects)})


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    form = FindForm(request.POST if request.method == "POST" else request.GET)
    text, now = form.text, timezone.now()
    projects = visible_projects(viewer_of(request))
    found = finding.Found((), ())
    if text:
        found = finding.find(
            text,
            projects,
            grammar_of=link_grammar,
            now=now,
            zone=clock_of(request, now).zone,
            began=form.began,
            viewer=viewer_key(request),
        )
    if len(text) > LONGEST_IN_ADDRESS and (form.is_cut or not found.destination):
        # An address cannot carry that much.
        text = finding.recognised(text, found) or text[:80]
    if request.method == "POST" and not form.is_cut:
        response = HttpResponseRedirect(found.destination or f"{reverse('find')}?{urlencode({'q': text})}")
        response.status_code = 303
        return response
    if found.destination and not form.is_cut:
        if len(iri_to_uri(found.destination)) > LONGEST_LINK:
            request.META["QUERY_STRING"] = ""  # the page's links would repeat it
            return render(request, "414.html", status=400)
        fetched = "HX-Request" in request.headers
        return HttpResponseClientRedirect(found.destination) if fetched else redirect(found.destination)
    context = {"q": text, "is_cut": form.is_cut, "found": found, "candidates": found.candidates}
    context |= {"problems": found.problems, "searched": found.searched}
    if not text:
        context["recent"] = _recent(request, projects)
    return render(request, "find.html", context)


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """What stands under the find box as one types: out of what is at hand, so that no key asks DCS."""
    text = FindForm(request.GET).text
    projects = visible_projects(viewer_of(request))
    candidates = finding.suggestions(text, projects, now=timezone.now(), viewer=viewer_key(request))
    context: dict[str, Any] = {"q": text, "candidates": candidates}
    if not text:
        context["recent"] = _recent(request, projects)
    return render(request, "_suggestions.html", context)


@require_safe
def keyboard(request: HttpRequest) -> HttpResponse:
    """What the keys do: a page, and for `?` what a dialog shows of it."""
    return render(request, "_keys.html" if "HX-Request" in request.headers else "keyboard.html")


@require_safe
def project(request: HttpRequest, project_name: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    form = InstancesForm(request.GET)
    context: dict[str, Any] = {"project": project, "q": request.GET.get("q", "")}
    if not form.is_valid():
        return render(request, "project.html", context | {"problems_in_query": form.problems}, status=400)
    now = timezone.now()
    try:
        listing = listings.project_instances(
            project, now=now, patience=patience(request), viewer=viewer_key(request)
        )
    except NothingToShow as nothing:
        return _problem_page(request, nothing.problem, {"project": project})
    live = Live.of_listing(listing, now=now)
    if told := nothing_newer(request, live):
        return told
    wanted = form.filter()
    shown = instance_page(listing.records, wanted)
    context |= {
        "listing": listing,
        "shown": shown,
        "filter": wanted,
        # ListInstances need not tell the cache mode: no empty column.
        "modes_known": any(instance.cache_mode for instance in shown.rows),
        "clock": clock_of(request, now),
    }
    return live_page(request, "project.html", context, live)


@require_safe
def history(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    context: dict[str, Any] = {"project": project, "instance_id": instance_id, "range_words": RANGE_WORDS}
    form = HistoryForm(request.GET)
    if not form.is_valid():
        instance = listings.cached_instance(project, instance_id)
        context |= {"instance": instance, "name": name_of(instance, instance_id)}
        return render(request, "history.html", context | {"problems_in_query": form.problems}, status=400)
    now, wanted = timezone.now(), form.filter()
    try:
        listing, instance = _read_instance(request, context, now, bounds=wanted.bounds(now))
    except NothingToShow as nothing:
        return _problem_page(request, nothing.problem, context)
    live = Live.of_listing(listing, now=now, running=unfinished(listing), instance=instance)
    if told := nothing_newer(request, live):
        return told
    history = backup_history(records_of(listing), wanted, now=now)
    frozen = frozen_link(request.path, request.GET, history, now=now, read_at=listing.read_at)
    context |= {
        "clock": clock_of(request, now, wanted.tz),
        "command": history_command(project, instance_id, frozen.window),
        "default_sort": DEFAULT_SORT,
        "filter": wanted,
        "frozen": frozen,
        "history": history,
        "long_list": listing.total > MOST_RECORDS,
        "overview": overview(listing, instance, now=now, zone=ZoneInfo(wanted.tz or "UTC")),
        "problems_in_query": (),
        "zone": wanted.tz,
    }
    response = live_page(request, "history.html", context, live)
    _remember_opened(request, response, project, instance_id)
    return response


@require_safe
def backup(request: HttpRequest, project_name: str, instance_id: str, backup_id: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    context: dict[str, Any] = {"project": project, "instance_id": instance_id, "backup_id": backup_id}
    now = timezone.now()
    try:
        listing, instance = _read_instance(request, context, now, holding=backup_id)
    except NothingToShow as nothing:
        return _problem_page(request, nothing.problem, context)
    record = next((r for r in listing.records if r.backup_id == backup_id), None)
    running = (backup_id,) if record and record.is_running else ()
    live = Live.of_listing(listing, now=now, running=running, instance=instance)
    if told := nothing_newer(request, live):
        return told
    context |= {"record": record, "clock": clock_of(request, now)}
    context["history_url"] = history_url(project, instance_id)
    if record is None:
        return live_page(request, "backup.html", context, live, status=404)
    older, newer = neighbours(records_of(listing), record)
    context |= {
        "outlook": overview(listing, instance, now=now).outlook(record),
        "raw_fields": _raw_fields(listings.received_record(listing, backup_id) or {}, record),
        "error": ERROR_CODES.get(record.error_code),
        "older": older,
        "newer": newer,
        "frozen_url": absolute(request.path),
        "command": backup_command(project, instance_id, record),
    }
    return live_page(request, "backup.html", context, live)


@require_safe
def recovery_point(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    now = timezone.now()
    context: dict[str, Any] = {"project": project, "instance_id": instance_id}
    form = RecoveryForm(request.GET, now=now)
    if not form.is_valid():
        instance = listings.cached_instance(project, instance_id)
        context |= {"name": name_of(instance, instance_id), "problems_in_query": form.problems}
        context |= {"tz": form.cleaned_data.get("tz"), "examples": examples(now)}
        return render(request, "recovery_point.html", context, status=400)
    asked = form.asked()
    try:
        bounds = (None, asked.at if asked else None)
        listing, instance = _read_instance(request, context, now, bounds=bounds)
    except NothingToShow as nothing:
        return _problem_page(request, nothing.problem, context)
    live = Live.of_listing(listing, now=now, running=unfinished(listing), instance=instance)
    if told := nothing_newer(request, live):
        return told
    backing_up = listing.derived("backing up", is_backing_up)
    context |= {"asked": asked, "tz": form.cleaned_data["tz"]}
    context["blocks"] = restore_blocks(instance, backing_up=backing_up)
    if asked:
        context["page"] = recovery_page(project, instance_id, listing, asked.at, now=now)
        frozen = frozen_recovery_path(request.path, request.GET, asked.at)
        context["frozen_url"] = absolute(frozen)
        context["ticket_url"] = frozen_recovery_path(f"{request.path}ticket/", request.GET, asked.at)
        context["overview"] = overview(listing, instance, now=now)
        # "2 h ago" is asked once: what comes later answers for the same time.
        context["live_path"] = frozen
    else:
        context |= {"reach": usable_reach(listing), "examples": examples(now)}
    context["clock"] = clock_of(request, now, context["tz"])
    return live_page(request, "recovery_point.html", context, live)


@require_POST
def refresh(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    destination = history_url(project, instance_id)
    asked = request.POST.get("next", "")
    is_page_of_it = asked.startswith(destination) and len(asked) <= LONGEST_LINK
    response = HttpResponseRedirect(asked if is_page_of_it else destination)
    with suppress(NothingToShow):  # the page that follows says why
        listing = listings.instance_backups(
            project, instance_id, now=timezone.now(), read_now=True, viewer=viewer_key(request)
        )
        if listing.source == "cache":
            # It was read a moment ago, and the page that follows says so.
            say_just_read(response, project.name, instance_id)
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that nothing is here; an id that the address holds may lead somewhere."""
    return render(request, "404.html", {"ids": ids_in(request.path)}, status=404)


# What the views share --------------------------------------------------------


def _recent(request: HttpRequest, projects: Sequence[Project]) -> Sequence[finding.Candidate]:
    """Return the instances whose pages this viewer opened last, of those that may still be seen."""
    opened = recents.opened_by(viewer_key(request), request.COOKIES.get(recents.COOKIE, ""))
    return finding.recent_instances(opened, projects)


def _remember_opened(
    request: HttpRequest, response: HttpResponse, project: Project, instance_id: str
) -> None:
    """Put an instance first among those that its viewer opened last: in a cookie, which costs no query."""
    if SHOWN in request.headers:  # the page asked, not its viewer
        return
    viewer, cookie = viewer_key(request), request.COOKIES.get(recents.COOKIE, "")
    text = recents.with_opened(viewer, cookie, project.name, instance_id)
    if text != cookie:
        set_cookie(response, recents.COOKIE, text, seconds=recents.COOKIE_SECONDS)


def _read_instance(
    request: HttpRequest,
    context: dict[str, Any],
    now: datetime,
    *,
    bounds: Window = (None, None),
    holding: str = "",
) -> tuple[Listing[BackupRecord], Instance | None]:
    """Read the history of a page's instance, and the instance beside it. Raises NothingToShow."""
    project, instance_id = context["project"], context["instance_id"]
    listing, instance = listings.backups_and_instance(
        project,
        instance_id,
        now=now,
        bounds=bounds,
        holding=holding,
        patience=patience(request),
        viewer=viewer_key(request),
    )
    context |= {"listing": listing, "instance": instance, "name": name_of(instance, instance_id)}
    return listing, instance


def _raw_fields(received: dict[str, Any], record: BackupRecord) -> list[tuple[str, str, str]]:
    """Return each field as DCS sent it; the third says how the portal could not read it."""
    unread = {name for name, _ in record.unread}
    return [
        (name, as_text(value), "unread" if name in unread else "" if has_value(value) else "no value")
        for name, value in received.items()
    ]


def _problem_page(request: HttpRequest, problem: Problem, context: dict[str, Any]) -> HttpResponse:
    now = timezone.now()  # later than the view began, by what DCS was waited for
    context = context | {"problem": problem, "retry_url": request.get_full_path()}
    context["clock"] = clock_of(request, now)
    instance_id = context.get("instance_id")
    if instance_id:
        instance = listings.cached_instance(context["project"], instance_id)
        context["name"] = name_of(instance, instance_id)
    live = Live.of_problem(problem, now=now)
    response = nothing_newer(request, live)
    if response is None:
        response = live_page(request, "problem.html", context, live, status=problem.page_status)
    return with_retry_after(response, problem.retry_after(now))
