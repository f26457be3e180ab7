"""The pages of an instance's history, of one backup, and of a recovery point."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from ..dcs.records import BackupRecord, Instance, as_text, has_value
from ..forms import BackupForm, CompareForm, HistoryForm, LinkForm, QueryForm, RecoveryForm
from ..guards import (
    LONGEST_LINK,
    clock_of,
    project_or_404,
    remember_opened,
    say_refreshed,
    viewer_key,
    with_retry_after,
)
from ..services import listings, recovery
from ..services.evidence import BackupsSince, NotWatched, backup_since, last_seen, life_of, list_as_of
from ..services.history import (
    absolute,
    all_records_of,
    backup_history,
    between_url,
    frozen,
    frozen_backup_path,
    frozen_compare_path,
    frozen_link,
    frozen_recovery_path,
    history_since,
    history_url,
    neighbours,
    records_now,
    records_of,
)
from ..services.insights import compared, outlook_text, overview, restore_blocks
from ..services.listings import Listing, NothingToShow, Window
from ..services.live import Live, brought, unfinished
from ..services.pasted import ids_in
from ..services.problems import Problem
from ..services.projects import Project
from ..services.tickets import MOST_RECORDS, backup_command, history_command
from ..services.words import ERROR_CODES, instance_name
from .live import SHOWN, live_page, nothing_newer, patience


def of_project(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a view its project; where there is nothing to show, the page says why."""

    @wraps(view)
    def found(request: HttpRequest, project_name: str, **ids: str) -> HttpResponse:
        project = project_or_404(request, project_name)
        try:
            return view(request, project, **ids)
        except NothingToShow as nothing:
            return _problem_page(request, nothing.problem, project, ids.get("instance_id", ""))

    return found


# Pages -----------------------------------------------------------------------


@require_safe
def keyboard(request: HttpRequest) -> HttpResponse:
    """What the keys do: a page, and for `?` what a dialog shows of it."""
    return render(request, "_keys.html" if "HX-Request" in request.headers else "keyboard.html")


@require_safe
@of_project
def history(request: HttpRequest, project: Project, instance_id: str) -> HttpResponse:
    form = HistoryForm(request.GET)
    if not form.is_valid():
        return _refused(request, "history.html", form, project, instance_id)
    now, wanted = timezone.now(), form.filter()
    running: tuple[str, ...] = ()
    if wanted.as_of:
        listing = list_as_of(project, instance_id, wanted.as_of)
        instance = listings.cached_instance(project, instance_id)
    else:
        listing, instance = _read(request, project, instance_id, now, bounds=wanted.bounds(now))
        running = unfinished(listing)
    clock = clock_of(request, now, wanted.tz)
    glance = overview(
        listing,
        # The instance and its policy are those of now.
        None if wanted.as_of else instance,
        now=wanted.as_of or now,
        zone=ZoneInfo(wanted.tz or "UTC"),
        project=project,
    )
    records = all_records_of(listing)
    rows_end = frozen(records_now(project, instance_id) or () if wanted.as_of else records, wanted, now=now)
    shown = instance, glance.by_the_clock, rows_end
    live = Live.of_listing(listing, now=now, running=running, shown=shown)
    if answer := nothing_newer(request, live, clock):
        return answer
    history = backup_history(records, wanted, now=now)
    link = frozen_link(request.path, request.GET, history, now=now, read_at=listing.read_at)
    context = _about(project, instance_id, instance) | {
        "clock": clock,
        # DCS tells of now alone.
        "command": "" if wanted.as_of else history_command(project, instance_id, link.window),
        "filter": wanted,
        "frozen": link,
        "history": history,
        "last_seen": last_seen(listing, history.rows),
        "listing": listing,
        "long_list": listing.total > MOST_RECORDS,
        "overview": glance,
        "as_of": wanted.as_of,
        "rows_end": rows_end,
    }
    context |= _since(form, lambda seen: history_since(project, instance_id, listing, history, seen=seen))
    response = live_page(request, "history.html", context, live)
    if SHOWN not in request.headers:  # its viewer asked, not the page
        remember_opened(request, response, project.name, instance_id)
    return response


@require_safe
@of_project
def backup(request: HttpRequest, project: Project, instance_id: str, backup_id: str) -> HttpResponse:
    now, form = timezone.now(), BackupForm(request.GET)
    form.is_valid()  # a part that cannot be read is said on the page
    listing, instance = _read(request, project, instance_id, now, holding=(backup_id,))
    life = life_of(listing, backup_id)
    record = life.record if life else None
    running = (backup_id,) if record and record.is_running and record.presence != "unlisted" else ()
    clock, glance = clock_of(request, now), overview(listing, instance, now=now, project=project)
    outlook = glance.outlook(record) if record else None
    shown = instance, glance.by_the_clock, outlook
    live = Live.of_listing(listing, now=now, running=running, shown=shown)
    if answer := nothing_newer(request, live, clock):
        return answer
    context = _about(project, instance_id, instance) | {
        "backup_id": backup_id,
        "clock": clock,
        "history_url": history_url(project, instance_id),
        "listing": listing,
        "record": record,
    }
    if life is None or record is None:
        return live_page(request, "backup.html", context, live, status=404)
    older, newer = neighbours(all_records_of(listing) if life.is_over else records_of(listing), record)
    context |= {
        "life": life,
        "outlook": outlook,
        "overview": glance,
        "raw_fields": _raw_fields(life.evidence.received if life.evidence else {}, record),
        "error": ERROR_CODES.get(record.error_code),
        "older": older,
        "newer": newer,
        "frozen_url": absolute(frozen_backup_path(request.path, read_at=listing.read_at)),
        "command": backup_command(project, instance_id, record),
    }
    context |= _since(
        form, lambda seen: backup_since(listing, life.evidence, seen) if life.evidence else None
    )
    return live_page(request, "backup.html", context, live)


@require_safe
@of_project
def compare(request: HttpRequest, project: Project, instance_id: str) -> HttpResponse:
    """Two backups side by side, the older one first; also what DCS no longer lists."""
    form = CompareForm(request.GET)
    if not form.is_valid():
        return _refused(request, "compare.html", form, project, instance_id)
    now, ids = timezone.now(), form.cleaned_data["backup"]
    listing, instance = _read(request, project, instance_id, now, holding=ids)
    lives = [life for one in ids if (life := life_of(listing, one))]
    running = tuple(life.record.backup_id for life in lives if life.record.is_running and not life.is_over)
    clock, outlook = clock_of(request, now), overview(listing, instance, now=now).outlook
    shown = instance, [outlook(life.record) for life in lives]
    live = Live.of_listing(listing, now=now, running=running, shown=shown)
    if answer := nothing_newer(request, live, clock):
        return answer
    context = _about(project, instance_id, instance) | {
        "clock": clock,
        "history_url": history_url(project, instance_id),
        "listing": listing,
    }
    if len(lives) < len(ids):
        known = {life.record.backup_id for life in lives}
        context["backup_id"] = next(one for one in ids if one not in known)
        return live_page(request, "compare.html", context, live, status=404)
    lives.sort(key=lambda life: (life.record.started_at or now, life.record.key))
    older, newer = (life.record for life in lives)
    kept = outlook_text(outlook(older), clock), outlook_text(outlook(newer), clock)
    context |= {
        "blocks": restore_blocks(instance, listing.records),
        "compared": compared(older, newer, kept=kept),
        "frozen_url": absolute(frozen_compare_path(request.path, ids, read_at=listing.read_at)),
        "lives": lives,
    }
    context |= _since(
        form,
        lambda seen: BackupsSince(
            tuple(
                (life.record, backup_since(listing, life.evidence, seen)) for life in lives if life.evidence
            )
        ),
    )
    return live_page(request, "compare.html", context, live)


@require_safe
@of_project
def recovery_point(request: HttpRequest, project: Project, instance_id: str) -> HttpResponse:
    now = timezone.now()
    form = RecoveryForm(request.GET, now=now)
    if not form.is_valid():
        tz = form.cleaned_data.get("tz")
        return _refused(request, "recovery_point.html", form, project, instance_id, tz=tz)
    asked, tz = form.asked(), form.cleaned_data["tz"]
    listing, instance = _read(request, project, instance_id, now, bounds=(None, asked.at if asked else None))
    clock, glance = clock_of(request, now, tz), overview(listing, instance, now=now, project=project)
    point = recovery.recovery_point(listing, asked.at, now=now) if asked else None
    shown = instance, glance.by_the_clock, point and point.uncertain
    live = Live.of_listing(listing, now=now, running=unfinished(listing), shown=shown)
    if answer := nothing_newer(request, live, clock):
        return answer
    context = _about(project, instance_id, instance) | {
        "asked": asked,
        "blocks": restore_blocks(instance, listing.records),
        "clock": clock,
        "listing": listing,
        "overview": glance,
        "tz": tz,
        "unread_seen": form.unread_seen,
    }
    if asked is None or point is None:
        context["reach"] = recovery.usable_reach(listing)
    else:
        data_from = point.answer.data_from if point.answer else None
        frozen = frozen_recovery_path(request.path, request.GET, asked.at, read_at=listing.read_at)
        context |= {
            "point": point,
            "more_url": between_url(project, instance_id, data_from, asked.at),
            "frozen_url": absolute(frozen),
            "ticket_url": frozen_recovery_path(f"{request.path}ticket/", request.GET, asked.at),
            # "2 h ago" is asked once: what comes later answers for the same time.
            "live_path": frozen_recovery_path(request.path, request.GET, asked.at),
        }
        context |= _since(
            form,
            lambda seen: recovery.recovery_since(project, instance_id, listing, point, seen=seen),
        )
    return live_page(request, "recovery_point.html", context, live)


@require_safe
@of_project
def understood(request: HttpRequest, project: Project, instance_id: str) -> HttpResponse:
    """How a time is read, for the bar in which its viewer types it: DCS is not asked."""
    now = timezone.now()
    form = RecoveryForm(request.GET, now=now)
    context = {
        "asked": form.asked() if form.is_valid() else None,
        "clock": clock_of(request, now, form.cleaned_data.get("tz") or "UTC"),
        "instance_id": instance_id,
        "problems": form.problems,
        "project": project,
        "typing": True,
    }
    return render(request, "_understood.html", context)


@require_safe
@of_project
def restores(request: HttpRequest, project: Project, instance_id: str, backup_id: str = "") -> HttpResponse:
    """The restores into an instance, or of one backup: a page, and for a page's block what it shows of it."""
    now = timezone.now()
    listing = listings.instance_restores(
        project, instance_id, now=now, patience=patience(request), viewer=viewer_key(request)
    )
    live, clock = Live.of_listing(listing, now=now), clock_of(request, now)
    if answer := nothing_newer(request, live, clock):
        return answer
    instance = listings.cached_instance(project, instance_id)
    context = _about(project, instance_id, instance) | {
        "backup_id": backup_id,
        "clock": clock,
        "listing": listing,
        "restores": [one for one in listing.records if not backup_id or one.backup_id == backup_id],
    }
    if "HX-Request" in request.headers and SHOWN not in request.headers:
        return render(request, "_restores.html", context)
    return live_page(request, "restores.html", context, live)


@require_POST
@of_project
def refresh(request: HttpRequest, project: Project, instance_id: str) -> HttpResponse:
    destination = history_url(project, instance_id)
    asked = request.POST.get("next", "")
    is_page_of_it = asked.startswith(destination) and len(asked) <= LONGEST_LINK
    response = HttpResponseRedirect(asked if is_page_of_it else destination)
    before = records_now(project, instance_id)
    with suppress(NothingToShow):  # the page that follows says why
        listing = listings.instance_backups(
            project, instance_id, now=timezone.now(), read_now=True, viewer=viewer_key(request)
        )
        if listing.source == "cache":  # it was read a moment ago
            say_refreshed(response, project.name, instance_id)
        elif listing.source == "live" and before is not None:
            say_refreshed(response, project.name, instance_id, brought(before, listing.records))
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that nothing is here; an id that the address holds may lead somewhere."""
    return render(request, "404.html", {"ids": ids_in(request.path)}, status=404)


# What the views share --------------------------------------------------------


def _about(project: Project, instance_id: str, instance: Instance | None) -> dict[str, Any]:
    """Return what every page of an instance names."""
    name = instance_name(instance, instance_id)
    return {"project": project, "instance_id": instance_id, "instance": instance, "name": name}


def _refused(
    request: HttpRequest, template: str, form: QueryForm, project: Project, instance_id: str, **own: Any
) -> HttpResponse:
    """Render a page of an instance that names what of its query cannot be read."""
    about = _about(project, instance_id, listings.cached_instance(project, instance_id))
    context = about | {"problems_in_query": form.problems} | own
    return render(request, template, context, status=400)


def _read(
    request: HttpRequest,
    project: Project,
    instance_id: str,
    now: datetime,
    *,
    bounds: Window = (None, None),
    holding: tuple[str, ...] = (),
) -> tuple[Listing[BackupRecord], Instance | None]:
    """Read the history of a page's instance, and the instance beside it. Raises NothingToShow."""
    return listings.backups_and_instance(
        project,
        instance_id,
        now=now,
        bounds=bounds,
        holding=holding,
        patience=patience(request),
        viewer=viewer_key(request),
    )


def _since(form: LinkForm, compare: Callable[[datetime], Any]) -> dict[str, Any]:
    """Return what a page says of the time at which its link was made."""
    seen = form.seen_at
    told: dict[str, Any] = {"seen": seen, "unread_seen": form.unread_seen}
    try:
        told["since"] = compare(seen) if seen else None
    except NotWatched as nothing:
        told["not_watched"] = nothing.problem
    return told


def _raw_fields(received: dict[str, Any], record: BackupRecord) -> list[tuple[str, str, str]]:
    """Return each field as DCS sent it; the third says how the portal could not read it."""
    unread = {name for name, _ in record.unread}
    return [
        (name, as_text(value), "unread" if name in unread else "" if has_value(value) else "no value")
        for name, value in received.items()
    ]


def _problem_page(request: HttpRequest, problem: Problem, project: Project, instance_id: str) -> HttpResponse:
    now = timezone.now()  # later than the view began, by what DCS was waited for
    live, clock = Live.of_problem(problem, now=now), clock_of(request, now)
    response = nothing_newer(request, live, clock)
    if response is None:
        instance = listings.cached_instance(project, instance_id) if instance_id else None
        context = _about(project, instance_id, instance) | {
            "clock": clock,
            "of_restores": request.path.endswith("/restores/"),
            "problem": problem,
            "retry_url": request.get_full_path(),
        }
        response = live_page(request, "problem.html", context, live, status=problem.page_status)
    return with_retry_after(response, problem.retry_after(now))
