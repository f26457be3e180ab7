"""HTTP in, HTTP out: guard, form, service, render."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header, parse_etags
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from .dcs.records import BackupRecord, Instance, as_text, has_value
from .forms import FindForm, HistoryForm, InstancesForm, RecoveryForm, history_form
from .guards import project_or_404, viewer_of, with_retry_after
from .services import find as finding
from .services import listings, recents
from .services.csv_export import csv_chunks, csv_headers
from .services.eligibility import Eligibility, eligibility
from .services.exports import Export, exported_history, file_name, refused_query
from .services.frozen_links import FrozenLink, frozen_link
from .services.history import History, backup_history, index_of, neighbours
from .services.instances import instance_page
from .services.links import (
    absolute,
    backup_url,
    frozen_recovery_path,
    history_url,
    instance_url,
)
from .services.listings import Listing, NothingToShow
from .services.live import JUST_READ, Live, finished, problem_of, unfinished
from .services.overview import overview
from .services.problems import Problem
from .services.projects import Project, visible_projects
from .services.recovery_page import examples, is_backing_up, recovery_page, usable_reach
from .services.reproduce import MOST_RECORDS, backup_command, history_command
from .services.restore_blocks import restore_blocks
from .services.subjects import Window
from .services.words import ERROR_CODES

# Pages -----------------------------------------------------------------------


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    projects = visible_projects(viewer_of(request))
    return render(request, "home.html", {"projects": projects, "recent": _recent(request, projects)})


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    form = FindForm(request.GET)
    text, began = form.text, form.began
    projects = visible_projects(viewer_of(request))
    found = finding.find(text, projects, now=timezone.now(), began=began) if text else finding.Found((), ())
    if found.destination:
        fetched = "HX-Request" in request.headers
        return HttpResponseClientRedirect(found.destination) if fetched else redirect(found.destination)
    context = {"q": text, "found": found, "candidates": found.candidates}
    context |= {"problems": found.problems, "searched": found.searched}
    if not text:
        context["recent"] = _recent(request, projects)
    return render(request, "find.html", context)


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """What stands under the find box as one types: out of what is at hand, so that no key asks DCS."""
    text = FindForm(request.GET).text
    projects = visible_projects(viewer_of(request))
    context = {"q": text, "candidates": finding.suggestions(text, projects, now=timezone.now())}
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
        listing = listings.project_instances(project, now=now, patience=_patience(request))
    except NothingToShow as nothing:
        return _problem_page(request, nothing.problem, {"project": project})
    live = Live.of_listing(listing, now=now)
    if nothing_newer := _nothing_newer(request, live):
        return nothing_newer
    wanted = form.filter()
    page = instance_page(listing.records, wanted)
    rows = [_InstanceRow(instance, instance_url(project, instance)) for instance in page.rows]
    context |= {
        "listing": listing,
        "instances": rows,
        # ListInstances need not tell the cache mode: no empty column.
        "modes_known": any(instance.cache_mode for instance in page.rows),
        "instances_total": listing.total,
        "matched": page.matched,
        "status": wanted.statuses,
        "statuses": page.statuses,
        "sort": wanted.sort,
        "page": page.page,
        "pages": page.pages,
        "first_row": page.first_row,
        "last_row": page.last_row,
        "page_past_end": page.page_past_end,
        "now": now,
    }
    return _live_page(request, "project.html", context, live)


@require_safe
def history(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    context: dict[str, Any] = {"project": project, "instance_id": instance_id}
    form = _history_form(request)
    if not form.is_valid():
        instance = listings.cached_instance(project, instance_id)
        context |= {"instance": instance, "name": _name(instance, instance_id)}
        return render(request, "history.html", context | {"problems_in_query": form.problems}, status=400)
    now, wanted = timezone.now(), form.filter()
    try:
        known = _known_instance(request, project, instance_id, now, bounds=wanted.bounds(now))
    except NothingToShow as nothing:
        return _problem_page(request, nothing.problem, context)
    live = _live(known, unfinished(known.listing), now)
    if nothing_newer := _nothing_newer(request, live):
        return nothing_newer
    history = backup_history(index_of(known.listing), wanted, now=now)
    frozen = _frozen(request, history, now=now, read_at=known.listing.read_at)
    context |= _instance_context(known) | {
        "filter": wanted,
        "history": history,
        "now": now,
        "frozen": frozen,
        "command": history_command(project, instance_id, frozen.window),
        "long_list": known.listing.total > MOST_RECORDS,
        "problems_in_query": (),
        "zone": ZoneInfo(wanted.tz) if wanted.tz else None,
        "overview": overview(known.listing, known.instance, now=now, zone=ZoneInfo(wanted.tz or "UTC")),
    }
    response = _live_page(request, "history.html", context, live)
    _remember_opened(request, response, project, instance_id)
    return response


@require_safe
def backup(request: HttpRequest, project_name: str, instance_id: str, backup_id: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    context: dict[str, Any] = {"project": project, "instance_id": instance_id, "backup_id": backup_id}
    now = timezone.now()
    try:
        known = _known_instance(request, project, instance_id, now, holding=backup_id)
    except NothingToShow as nothing:
        return _problem_page(request, nothing.problem, context)
    records = known.listing.records
    record = next((r for r in records if r.backup_id == backup_id), None)
    live = _live(known, (backup_id,) if record and record.is_running else (), now)
    if nothing_newer := _nothing_newer(request, live):
        return nothing_newer
    context |= _instance_context(known) | {"record": record, "now": now}
    context["history_url"] = history_url(project, instance_id)
    if record is None:
        return _live_page(request, "backup.html", context, live, status=404)
    older, newer = neighbours(index_of(known.listing), record)
    context |= {
        "eligibility": eligibility(record),
        "outlook": overview(known.listing, known.instance, now=now).outlook(record),
        "raw_fields": _raw_fields(listings.received_record(known.listing, backup_id) or {}, record),
        "error": ERROR_CODES.get(record.error_code),
        "older": older and _row(project, instance_id, older),
        "newer": newer and _row(project, instance_id, newer),
        "frozen_url": absolute(request.path),
        "command": backup_command(project, instance_id, record),
    }
    return _live_page(request, "backup.html", context, live)


@require_safe
def recovery_point(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    now = timezone.now()
    context: dict[str, Any] = {"project": project, "instance_id": instance_id, "now": now}
    form = RecoveryForm(request.GET, now=now)
    if not form.is_valid():
        instance = listings.cached_instance(project, instance_id)
        context |= {"name": _name(instance, instance_id), "problems_in_query": form.problems}
        context |= {"tz": form.cleaned_data.get("tz"), "examples": examples(now)}
        return render(request, "recovery_point.html", context, status=400)
    asked = form.asked()
    try:
        bounds = (None, asked.at if asked else None)
        known = _known_instance(request, project, instance_id, now, bounds=bounds)
    except NothingToShow as nothing:
        return _problem_page(request, nothing.problem, context)
    live = _live(known, unfinished(known.listing), now)
    if nothing_newer := _nothing_newer(request, live):
        return nothing_newer
    backing_up = known.listing.derived("backing up", is_backing_up)
    context |= _instance_context(known) | {"asked": asked, "tz": form.cleaned_data["tz"]}
    context["blocks"] = restore_blocks(known.instance, backing_up=backing_up)
    if asked:
        context["page"] = recovery_page(project, instance_id, known.listing, asked.at, now=now)
        context["frozen_path"] = frozen_recovery_path(request.path, request.GET, asked.at)
        context["frozen_url"] = absolute(context["frozen_path"])
        context["overview"] = overview(known.listing, known.instance, now=now)
        # "2 h ago" is asked once: what comes later answers for the same time.
        context["live_path"] = context["frozen_path"]
    else:
        context |= {"reach": usable_reach(known.listing), "examples": examples(now)}
    if context["tz"]:
        context["zone"] = ZoneInfo(context["tz"])
    return _live_page(request, "recovery_point.html", context, live)


@require_POST
def refresh(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponse:
    project = project_or_404(request, project_name)
    destination = history_url(project, instance_id)
    asked = urlsplit(request.POST.get("next", ""))
    path = asked.path if asked.path.startswith(destination) else destination
    query = f"?{asked.query}" if asked.query and path == asked.path else ""
    response = HttpResponseRedirect(path + query)
    with suppress(NothingToShow):  # the page that follows says why
        listing = listings.instance_backups(project, instance_id, now=timezone.now(), read_now=True)
        if listing.source == "cache":
            # It was read a moment ago, and the page that follows says so.
            response.set_cookie(
                JUST_READ_COOKIE,
                "1",
                max_age=10,
                path=destination,
                secure=settings.HTTPS,
                httponly=True,
                samesite="Lax",
            )
    return response


# Exports ---------------------------------------------------------------------


@require_safe
def backups_json(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponseBase:
    project = project_or_404(request, project_name)
    export = _export(request, project, instance_id)
    if export.history is None:
        return _json(export.body, export.status, export.retry_after)
    viewer = viewer_of(request)
    etag = export.etag((viewer.pk, sorted(viewer.groups)))
    # A proxy that compresses makes the tag a weak one.
    asked = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
    if "*" in asked or etag in asked:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = _json({**export.body, "backups": list(export.rows())}, 200, None)
        response.headers["Content-Disposition"] = _disposition(export, "json")
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@require_safe
def backups_csv(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponseBase:
    project = project_or_404(request, project_name)
    export = _export(request, project, instance_id)
    headers = csv_headers(export.body)
    if export.history is None:
        problem = export.body["problem"]
        told = (problem["kind"], problem["code"], problem["message"], problem["request_id"])
        sentence = ": ".join(text for text in told if text) + "\n"
        answer = HttpResponse(
            sentence, status=export.status, content_type="text/plain; charset=utf-8", headers=headers
        )
        return with_retry_after(answer, export.retry_after)
    chunks = csv_chunks(export.rows())
    response = StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8", headers=headers)
    response.headers["Content-Disposition"] = _disposition(export, "csv")
    return response


def _export(request: HttpRequest, project: Project, instance_id: str) -> Export:
    form = _history_form(request)
    if not form.is_valid():
        return refused_query(project, instance_id, form.problems)
    return exported_history(project, instance_id, form.filter(), now=timezone.now())


def _json(body: dict[str, Any], status: int, retry_after: int | None) -> HttpResponse:
    response = HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")
    return with_retry_after(response, retry_after)


def _disposition(export: Export, ending: str) -> str:
    """Return Content-Disposition; the name may hold Chinese (RFC 6266). JSON can be looked at as well."""
    name = _name(listings.cached_instance(export.project, export.instance_id), export.instance_id)
    name = file_name(name, export.body, ending)
    return content_disposition_header(as_attachment=ending != "json", filename=name) or "attachment"


# Pages that keep themselves current ------------------------------------------

SHOWN = "X-Shown-Generation"
SHOWN_RUNNING = "X-Shown-Running"
JUST_READ_COOKIE = "portal_just_read"


def _live(known: _Known, running: tuple[str, ...], now: datetime) -> Live:
    return Live.of_listing(known.listing, now=now, running=running, instance=known.instance)


def _patience(request: HttpRequest) -> float | None:
    """A page that asks for itself never waits for DCS, so that it takes no thread from those who look."""
    return 0.0 if SHOWN in request.headers else None


def _nothing_newer(request: HttpRequest, live: Live) -> HttpResponse | None:
    """Answer a page that asks while it shows all that is known: 204, and when to ask again."""
    shown = request.headers.get(SHOWN)
    # What is on the screen stays until there is something to show.
    if shown is None or (shown != _mark(live, request.get_full_path()) and live.problem != "being_read"):
        return None
    told: dict[str, Any] = {"state": live.state, "after": live.ask_after}
    if progress := live.progress:
        told |= {"sentence": progress.sentence, "read": progress.pages_read, "total": progress.pages_total}
    if request.COOKIES.get(JUST_READ_COOKIE):
        told["said"] = JUST_READ
    response = HttpResponse(status=204)
    trigger_client_event(response, "live:told", told)
    return _finished_answer(request, response)


def _live_page(
    request: HttpRequest, template: str, context: dict[str, Any], live: Live, status: int = 200
) -> HttpResponse:
    """Render a page that keeps itself current: whole, or what to swap in for one that asks."""
    shown = request.headers.get(SHOWN)
    mark = _mark(live, context.get("live_path") or request.get_full_path())
    context = {
        # What most pages do not have: looking for a name in vain costs ten times as much as finding it.
        "live_path": "",
        "finished": (),
        "just_read": "",
        "said": "",
        "problem_before": "",
        **context,
        "live": live,
        "mark": mark,
        "frame": "base.html" if shown is None else "_newer.html",
    }
    if request.COOKIES.get(JUST_READ_COOKIE):
        # On top of a page that was loaded, beside the button of one that was there before.
        context["just_read" if shown is None else "said"] = str(JUST_READ)
    if shown is not None:
        context["problem_before"] = problem_of(shown)
        if listing := context.get("listing"):
            context["finished"] = finished(listing, request.headers.get(SHOWN_RUNNING, "").split())
    response = render(request, template, context, status=status)
    # What a page swaps in must be the portal's: a proxy's words never have this.
    response.headers[SHOWN] = mark
    return _finished_answer(request, response)


def _mark(live: Live, path: str) -> str:
    """Return the mark of this very page: an ask for another one must not pass for it."""
    return f"{live.mark}.{crc32(path.encode()):08x}"


def _finished_answer(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["HX-Request", SHOWN])
    match = request.resolver_match
    if request.COOKIES.get(JUST_READ_COOKIE) and match and "instance_id" in match.kwargs:
        of_history = {name: match.kwargs[name] for name in ("project_name", "instance_id")}
        response.delete_cookie(JUST_READ_COOKIE, path=reverse("history", kwargs=of_history), samesite="Lax")
    return response


# What the views share --------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    record: BackupRecord
    eligibility: Eligibility
    url: str


@dataclass(frozen=True)
class _InstanceRow:
    instance: Instance
    url: str


@dataclass(frozen=True)
class _Known:
    """What is known of an instance: its listing, and itself where DCS tells."""

    instance_id: str
    listing: Listing[BackupRecord]
    instance: Instance | None


def _recent(request: HttpRequest, projects: Sequence[Project]) -> Sequence[finding.Candidate]:
    """Return the instances whose pages this viewer opened last, of those that may still be seen."""
    opened = recents.opened_by(str(viewer_of(request).pk), request.COOKIES.get(recents.COOKIE, ""))
    return finding.named(opened, projects)


def _remember_opened(
    request: HttpRequest, response: HttpResponse, project: Project, instance_id: str
) -> None:
    """Put an instance first among those that its viewer opened last: in a cookie, which costs no query."""
    if SHOWN in request.headers:  # the page asked, not its viewer
        return
    viewer, told = str(viewer_of(request).pk), request.COOKIES.get(recents.COOKIE, "")
    text = recents.with_opened(viewer, told, project.name, instance_id)
    if text != told:
        response.set_cookie(
            recents.COOKIE,
            text,
            max_age=recents.KEPT_SECONDS,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )


def _known_instance(
    request: HttpRequest,
    project: Project,
    instance_id: str,
    now: datetime,
    *,
    bounds: Window = (None, None),
    holding: str = "",
) -> _Known:
    """Read an instance's history and, beside it, the instance. Raises NothingToShow."""
    listing, shown = listings.backups_and_instance(
        project, instance_id, now=now, bounds=bounds, holding=holding, patience=_patience(request)
    )
    return _Known(instance_id, listing, shown)


def _instance_context(known: _Known) -> dict[str, Any]:
    return {
        "listing": known.listing,
        "instance": known.instance,
        "name": _name(known.instance, known.instance_id),
    }


def _name(instance: Instance | None, instance_id: str) -> str:
    return instance.name if instance and instance.name else instance_id


def _history_form(request: HttpRequest) -> HistoryForm:
    form = history_form(request.META.get("QUERY_STRING", ""))
    request.GET = form.query  # type: ignore[assignment]  # as immutable, and read already
    return form


def _frozen(request: HttpRequest, history: History, *, now: datetime, read_at: datetime) -> FrozenLink:
    """Return the link for a ticket; a relative range moves it once a second, nothing else does."""
    wanted = history.filter
    question = ("frozen link", request.get_full_path(), wanted, wanted.bounds(now), read_at)
    return history.index.answer(
        question, lambda: frozen_link(request.path, request.GET, history, now=now, read_at=read_at)
    )


def _row(project: Project, instance_id: str, record: BackupRecord) -> _Row:
    return _Row(record, eligibility(record), backup_url(project, instance_id, record))


def _raw_fields(received: dict[str, Any], record: BackupRecord) -> list[tuple[str, str, str]]:
    """Return each field as DCS sent it; the third says how the portal could not read it."""
    unread = {name for name, _ in record.unread}
    return [
        (name, as_text(value), "unread" if name in unread else "" if has_value(value) else "no value")
        for name, value in received.items()
    ]


def _problem_page(request: HttpRequest, problem: Problem, context: dict[str, Any]) -> HttpResponse:
    now = timezone.now()  # later than the view began, by what DCS was waited for
    context = context | {"problem": problem, "retry_url": request.get_full_path(), "now": now}
    instance_id = context.get("instance_id")
    if instance_id:
        instance = listings.cached_instance(context["project"], instance_id)
        context["name"] = _name(instance, instance_id)
    live = Live.of_problem(problem, now=now)
    response = _nothing_newer(request, live)
    if response is None:
        response = _live_page(request, "problem.html", context, live, status=problem.page_status)
    return with_retry_after(response, problem.retry_after(now))
