"""The pages of an instance's history, of one backup, and of a recovery point."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cached_property, wraps
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
from ..services import history as histories
from ..services import listings, recovery
from ..services.evidence import (
    BackupsSince,
    ListSince,
    NotWatched,
    backup_since,
    last_seen,
    life_of,
    list_as_of,
)
from ..services.insights import compared, outlook_text, overview, restore_blocks
from ..services.listings import Listing, NothingToShow, Window
from ..services.live import Live, brought, unfinished
from ..services.pasted import ids_in
from ..services.problems import Problem
from ..services.projects import Project
from ..services.tickets import MOST_RECORDS, backup_command, history_command
from ..services.words import ERROR_CODES, Clock, instance_name
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


def _of_instance(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @require_safe
    @of_project
    @wraps(view)
    def shown(request: HttpRequest, project: Project, instance_id: str, **ids: str) -> HttpResponse:
        return view(InstancePage(request, project, instance_id), **ids)

    return shown


class InstancePage:
    """A page of an instance: who asks for it, what is read for it, and what every one of them shows.

    A view reads first, and answers one who shows all that already before it finds out the rest.
    """

    live: Live
    clock: Clock

    def __init__(self, request: HttpRequest, project: Project, instance_id: str) -> None:
        self.request, self.project, self.instance_id = request, project, instance_id
        self.now = timezone.now()
        self.listing: Listing[Any] | None = None

    @cached_property
    def instance(self) -> Instance | None:
        """What is known without asking, or what `read` has read."""
        return listings.cached_instance(self.project, self.instance_id) if self.instance_id else None

    def read(self, *, bounds: Window = (None, None), holding: tuple[str, ...] = ()) -> Listing[BackupRecord]:
        """Read the history, and the instance beside it. Raises NothingToShow."""
        self.listing, self.instance = listings.backups_and_instance(
            self.project,
            self.instance_id,
            now=self.now,
            bounds=bounds,
            holding=holding,
            patience=patience(self.request),
            viewer=viewer_key(self.request),
        )
        return self.listing

    def nothing_newer(
        self, *shown: object, tz: str = "", running: tuple[str, ...] = ()
    ) -> HttpResponse | None:
        """Answer a page that shows this already; it is about the backups `running`."""
        self.clock = clock_of(self.request, self.now, tz)
        if self.listing:
            self.live = Live.of_listing(self.listing, now=self.now, running=running, shown=shown)
        return nothing_newer(self.request, self.live, self.clock)

    def rendered(self, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        return live_page(self.request, template, self.context(context), self.live, status=status)

    def context(self, own: dict[str, Any]) -> dict[str, Any]:
        return self._about() | {"clock": self.clock, "listing": self.listing} | own

    def refused(self, template: str, form: QueryForm, **context: Any) -> HttpResponse:
        """Name what of the query cannot be read."""
        context |= self._about() | {"problems_in_query": form.problems}
        return render(self.request, template, context, status=400)

    def _about(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "instance_id": self.instance_id,
            "instance": self.instance,
            "name": instance_name(self.instance, self.instance_id),
        }


# Pages -----------------------------------------------------------------------


@require_safe
def keyboard(request: HttpRequest) -> HttpResponse:
    """What the keys do: a page, and for `?` what a dialog shows of it."""
    return render(request, "_keys.html" if "HX-Request" in request.headers else "keyboard.html")


@_of_instance
def history(page: InstancePage) -> HttpResponse:
    request, project, instance_id, now = page.request, page.project, page.instance_id, page.now
    form = HistoryForm(request.GET)
    if not form.is_valid():
        return page.refused("history.html", form)
    wanted = form.filter()
    if wanted.as_of:
        page.listing = listing = list_as_of(project, instance_id, wanted.as_of)
        known = histories.records_now(project, instance_id) or ()
    else:
        listing = page.read(bounds=wanted.bounds(now))
        known = histories.all_records_of(listing)
    glance = overview(
        listing,
        # The instance and its policy are those of now.
        None if wanted.as_of else page.instance,
        now=wanted.as_of or now,
        zone=ZoneInfo(wanted.tz or "UTC"),
        project=project,
    )
    rows_end = histories.frozen(known, wanted, now=now)
    running = () if wanted.as_of else unfinished(listing)
    shown = page.instance, glance.by_the_clock, rows_end
    if answer := page.nothing_newer(*shown, tz=wanted.tz, running=running):
        return answer
    history = histories.backup_history(histories.all_records_of(listing), wanted, now=now)
    link = histories.frozen_link(request.path, request.GET, history, now=now, read_at=listing.read_at)
    context = {
        # DCS tells of now alone.
        "command": "" if wanted.as_of else history_command(project, instance_id, link.window),
        "filter": wanted,
        "frozen": link,
        "history": history,
        "last_seen": last_seen(listing, history.rows),
        "long_list": listing.total > MOST_RECORDS,
        "overview": glance,
        "as_of": wanted.as_of,
        "rows_end": rows_end,
    }

    def since(seen: datetime) -> ListSince:
        return histories.history_since(project, instance_id, listing, history, seen=seen)

    context |= _since(form, since)
    response = page.rendered("history.html", context)
    if SHOWN not in request.headers:  # its viewer asked, not the page
        remember_opened(request, response, project.name, instance_id)
    return response


@_of_instance
def backup(page: InstancePage, backup_id: str) -> HttpResponse:
    now, form = page.now, BackupForm(page.request.GET)
    form.is_valid()  # a part that cannot be read is said on the page
    listing = page.read(holding=(backup_id,))
    life = life_of(listing, backup_id)
    record = life.record if life else None
    running = (backup_id,) if record and record.is_running and record.presence != "unlisted" else ()
    glance = overview(listing, page.instance, now=now, project=page.project)
    outlook = glance.outlook(record) if record else None
    if answer := page.nothing_newer(page.instance, glance.by_the_clock, outlook, running=running):
        return answer
    context: dict[str, Any] = {"backup_id": backup_id, "record": record}
    if life is None or record is None:
        return page.rendered("backup.html", context, status=404)
    records_of = histories.all_records_of if life.is_over else histories.records_of
    older, newer = histories.neighbours(records_of(listing), record)
    evidence = life.evidence
    context |= {
        "life": life,
        "outlook": outlook,
        "overview": glance,
        "raw_fields": _raw_fields(evidence.received if evidence else {}, record),
        "error": ERROR_CODES.get(record.error_code),
        "older": older,
        "newer": newer,
        "frozen_url": histories.frozen_url(page.request.path, read_at=listing.read_at),
        "command": backup_command(page.project, page.instance_id, record),
        **_since(form, lambda seen: backup_since(listing, evidence, seen) if evidence else None),
    }
    return page.rendered("backup.html", context)


@_of_instance
def compare(page: InstancePage) -> HttpResponse:
    """Two backups side by side, the older one first; also what DCS no longer lists."""
    now, form = page.now, CompareForm(page.request.GET)
    if not form.is_valid():
        return page.refused("compare.html", form)
    ids = form.cleaned_data["backup"]
    listing = page.read(holding=ids)
    lives = [life for one in ids if (life := life_of(listing, one))]
    running = tuple(life.record.backup_id for life in lives if life.record.is_running and not life.is_over)
    outlook = overview(listing, page.instance, now=now).outlook
    if answer := page.nothing_newer(page.instance, [outlook(life.record) for life in lives], running=running):
        return answer
    if len(lives) < len(ids):
        known = {life.record.backup_id for life in lives}
        missing = next(one for one in ids if one not in known)
        return page.rendered("compare.html", {"backup_id": missing}, status=404)
    lives.sort(key=lambda life: (life.record.started_at or now, life.record.key))
    older, newer = (life.record for life in lives)
    kept = outlook_text(outlook(older), page.clock), outlook_text(outlook(newer), page.clock)

    def since(seen: datetime) -> BackupsSince:
        watched = ((life.record, life.evidence) for life in lives if life.evidence)
        return BackupsSince(tuple((record, backup_since(listing, one, seen)) for record, one in watched))

    context = {
        "blocks": restore_blocks(page.instance, listing.records),
        "compared": compared(older, newer, kept=kept),
        "frozen_url": histories.frozen_url(page.request.path, read_at=listing.read_at, backups=ids),
        "lives": lives,
        **_since(form, since),
    }
    return page.rendered("compare.html", context)


@_of_instance
def recovery_point(page: InstancePage) -> HttpResponse:
    request, project, instance_id, now = page.request, page.project, page.instance_id, page.now
    form = RecoveryForm(request.GET, now=now)
    if not form.is_valid():
        return page.refused("recovery_point.html", form, tz=form.cleaned_data.get("tz"))
    asked, tz = form.asked(), form.cleaned_data["tz"]
    listing = page.read(bounds=(None, asked.at if asked else None))
    glance = overview(listing, page.instance, now=now, project=project)
    point = recovery.recovery_point(listing, asked.at, now=now) if asked else None
    shown = page.instance, glance.by_the_clock, point and point.uncertain
    if answer := page.nothing_newer(*shown, tz=tz, running=unfinished(listing)):
        return answer
    context: dict[str, Any] = {
        "asked": asked,
        "blocks": restore_blocks(page.instance, listing.records),
        "overview": glance,
        "tz": tz,
        "unread_seen": form.unread_seen,
    }
    if asked is None or point is None:
        context["reach"] = recovery.usable_reach(listing)
        return page.rendered("recovery_point.html", context)
    data_from, query = point.answer.data_from if point.answer else None, request.GET
    frozen = histories.frozen_recovery_path(request.path, query, asked.at, read_at=listing.read_at)
    context |= {
        "point": point,
        "more_url": histories.between_url(project, instance_id, data_from, asked.at),
        "frozen_url": histories.absolute(frozen),
        "ticket_url": histories.frozen_recovery_path(f"{request.path}ticket/", query, asked.at),
        # "2 h ago" is asked once: what comes later answers for the same time.
        "live_path": histories.frozen_recovery_path(request.path, query, asked.at),
        **_since(form, lambda seen: recovery.recovery_since(project, instance_id, listing, point, seen=seen)),
    }
    return page.rendered("recovery_point.html", context)


@_of_instance
def understood(page: InstancePage) -> HttpResponse:
    """How a time is read, for the bar in which its viewer types it: DCS is not asked."""
    form = RecoveryForm(page.request.GET, now=page.now)
    context = {
        "asked": form.asked() if form.is_valid() else None,
        "clock": clock_of(page.request, page.now, form.cleaned_data.get("tz") or "UTC"),
        "instance_id": page.instance_id,
        "problems": form.problems,
        "project": page.project,
        "typing": True,
    }
    return render(page.request, "_understood.html", context)


@_of_instance
def restores(page: InstancePage, backup_id: str = "") -> HttpResponse:
    """The restores into an instance, or of one backup: a page, and for a page's block what it shows of it."""
    page.listing = listing = listings.instance_restores(
        page.project,
        page.instance_id,
        now=page.now,
        patience=patience(page.request),
        viewer=viewer_key(page.request),
    )
    if answer := page.nothing_newer():
        return answer
    found = [one for one in listing.records if not backup_id or one.backup_id == backup_id]
    context = {"backup_id": backup_id, "restores": found}
    if "HX-Request" in page.request.headers and SHOWN not in page.request.headers:
        return render(page.request, "_restores.html", page.context(context))
    return page.rendered("restores.html", context)


@require_POST
@of_project
def refresh(request: HttpRequest, project: Project, instance_id: str) -> HttpResponse:
    destination = histories.history_url(project, instance_id)
    asked = request.POST.get("next", "")
    is_page_of_it = asked.startswith(destination) and len(asked) <= LONGEST_LINK
    response = HttpResponseRedirect(asked if is_page_of_it else destination)
    before = histories.records_now(project, instance_id)
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
    page = InstancePage(request, project, instance_id)  # later than the view's, by what DCS was waited for
    page.live = Live.of_problem(problem, now=page.now)
    of_restores = request.path.endswith("/restores/")
    context = {"of_restores": of_restores, "problem": problem, "retry_url": request.get_full_path()}
    answer = page.nothing_newer() or page.rendered("problem.html", context, status=problem.page_status)
    return with_retry_after(answer, problem.retry_after(page.now))
