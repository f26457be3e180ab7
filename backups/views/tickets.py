"""The texts that are copied for tickets: a page to look at and to copy from, or the bare text.

Each stands under the page that it is about and takes the same query, and beside it what TicketForm reads.
A browser's script asks for text/plain, or with HX-Request for what its dialog shows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from ..forms import HistoryForm, QueryForm, RecoveryForm, TicketForm
from ..guards import project_or_404, viewer_key, with_retry_after
from ..services import listings
from ..services.history import absolute, backup_history, frozen_link, frozen_recovery_path, index_of
from ..services.listings import NothingToShow
from ..services.problems import Problem
from ..services.recovery import is_backing_up, recovery_page, restore_blocks
from ..services.tickets import (
    COOKIE,
    KEPT_SECONDS,
    About,
    Style,
    as_copied,
    backup_command,
    backup_ticket,
    copied_last,
    gone_ticket,
    history_command,
    history_ticket,
    problem_ticket,
    recovery_ticket,
)
from ..services.words import zone_names


@require_safe
def of_history(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponse:
    desk = _Desk(request, project_name, instance_id)
    form = HistoryForm(desk.query)
    if not desk.reads(form):
        return desk.refusal(form)

    def text() -> str:
        wanted = form.filter()
        bounds = wanted.bounds(desk.now)
        listing, instance = listings.backups_and_instance(
            desk.project, instance_id, now=desk.now, bounds=bounds, viewer=desk.viewer
        )
        history = backup_history(index_of(listing), wanted, now=desk.now)
        frozen = frozen_link(desk.path, desk.query, history, now=desk.now, read_at=listing.read_at)
        command = history_command(desk.project, instance_id, frozen.window)
        about = About(desk.project, instance_id, instance, frozen.url, command)
        return history_ticket(about, listing, history, frozen, now=desk.now, style=desk.style)

    return desk.answer(text)


@require_safe
def of_backup(request: HttpRequest, project_name: str, instance_id: str, backup_id: str) -> HttpResponse:
    desk = _Desk(request, project_name, instance_id)
    if not desk.reads():
        return desk.refusal()

    def text() -> str:
        listing, instance = listings.backups_and_instance(
            desk.project, instance_id, now=desk.now, holding=backup_id, viewer=desk.viewer
        )
        record = next((r for r in listing.records if r.backup_id == backup_id), None)
        command = backup_command(desk.project, instance_id, record) if record else desk.whole_command
        about = About(desk.project, instance_id, instance, absolute(desk.path), command)
        if record is None:
            desk.status = 404
            return gone_ticket(about, listing, backup_id, style=desk.style)
        return backup_ticket(about, listing, record, style=desk.style)

    return desk.answer(text)


@require_safe
def of_recovery_point(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponse:
    desk = _Desk(request, project_name, instance_id)
    form = RecoveryForm(desk.query, now=desk.now)
    if not desk.reads(form):
        return desk.refusal(form)
    asked = form.asked()
    if asked is None:
        return HttpResponseRedirect(desk.page)

    def text() -> str:
        listing, instance = listings.backups_and_instance(
            desk.project, instance_id, now=desk.now, bounds=(None, asked.at), viewer=desk.viewer
        )
        point = recovery_page(desk.project, instance_id, listing, asked.at, now=desk.now).point
        backing_up = listing.derived("backing up", is_backing_up)
        link = absolute(frozen_recovery_path(desk.path, desk.query, asked.at))
        record = point.answer.record if point.answer else None
        command = backup_command(desk.project, instance_id, record) if record else desk.whole_command
        about = About(desk.project, instance_id, instance, link, command)
        blocks = restore_blocks(instance, backing_up=backing_up)
        return recovery_ticket(about, listing, point, blocks, style=desk.style)

    return desk.answer(text)


class _Desk:
    """What the three have in common: who asks, which page it is about, and how the text is written."""

    def __init__(self, request: HttpRequest, project_name: str, instance_id: str) -> None:
        self.request = request
        self.project = project_or_404(request, project_name)
        self.viewer = viewer_key(request)
        self.instance_id = instance_id
        self.now = timezone.now()
        self.status = 200
        self.path = request.path.removesuffix("ticket/")
        self.query = TicketForm.page_query(request.GET)
        self.options = TicketForm(request.GET)

    @property
    def page(self) -> str:
        """The page that the text is about."""
        return f"{self.path}?{self.query.urlencode()}" if self.query else self.path

    @cached_property
    def style(self) -> Style:
        """What the link says, else what was copied last, else what the pages are shown in."""
        chosen = self.options.cleaned_data
        markup, language = copied_last(self.request.COOKIES.get(COOKIE, ""))
        zone = chosen["zone"] or self.page_zone or self.viewer_zone
        return Style(
            markup=chosen["text"] or markup,
            language=chosen["lang"] or (language if language in dict(settings.LANGUAGES) else _language()),
            zone=None if zone == "UTC" else ZoneInfo(zone),
        )

    @property
    def page_zone(self) -> str:
        """The zone that the page's link names, if it is one: the page of one backup reads no query."""
        zone = self.query.get("tz", "")
        return zone if zone in zone_names() else ""

    @property
    def viewer_zone(self) -> str:
        zone = getattr(getattr(self.request, "preferences", None), "zone", None)
        return zone.key if isinstance(zone, ZoneInfo) else "UTC"

    @property
    def whole_command(self) -> str:
        return history_command(self.project, self.instance_id)

    def reads(self, *forms: QueryForm) -> bool:
        return all(form.is_valid() for form in (self.options, *forms))

    def refusal(self, *forms: QueryForm) -> HttpResponse:
        problems = [problem for form in (self.options, *forms) for problem in form.problems]
        return self._rendered({"problems_in_query": problems}, status=400)

    def answer(self, text: Callable[[], str]) -> HttpResponse:
        """Answer with a text, or with the one that says why there is none; its status is that of the page."""
        problem = None
        try:
            written = text()
        except NothingToShow as nothing:
            problem = nothing.problem
            self.status, written = problem.page_status, self._problem_text(problem)
        response = self._written(written, self.status)
        # A browser's script must know the portal's own text from what a proxy says in its place.
        response.headers["X-Ticket"] = self.style.markup
        patch_vary_headers(response, ["Accept", "HX-Request"])
        if self._chosen_here():
            self._remember(response)
        return with_retry_after(response, problem.retry_after(timezone.now()) if problem else None)

    def _written(self, text: str, status: int) -> HttpResponse:
        if self.request.get_preferred_type(["text/html", "text/plain"]) == "text/plain":
            return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
        zones = {"UTC", self.viewer_zone, self.page_zone or "UTC"}
        zone = self.style.zone.key if self.style.zone else "UTC"
        context = {
            "text": text,
            "lines": text.count("\n") + 1,
            "style": self.style,
            "zone_of_text": zone,
            "zones": sorted(zones | {zone}, key=lambda name: (name != "UTC", name)),
        }
        return self._rendered(context, status)

    def _rendered(self, context: dict[str, Any], status: int) -> HttpResponse:
        instance = listings.cached_instance(self.project, self.instance_id)
        context |= {"project": self.project, "instance_id": self.instance_id, "page": self.page}
        context["name"] = (instance and instance.name) or self.instance_id
        context["in_dialog"] = in_dialog = "HX-Request" in self.request.headers
        return render(self.request, "_ticket.html" if in_dialog else "ticket.html", context, status=status)

    def _problem_text(self, problem: Problem) -> str:
        instance = listings.cached_instance(self.project, self.instance_id)
        about = About(self.project, self.instance_id, instance, absolute(self.page), self.whole_command)
        return problem_ticket(about, problem, now=self.now, style=self.style)

    def _chosen_here(self) -> bool:
        """Whether this viewer chose markup or language: another site's link must not choose for them."""
        chosen = self.options.cleaned_data
        own = self.request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        return own and bool(chosen["text"] or chosen["lang"])

    def _remember(self, response: HttpResponse) -> None:
        response.set_cookie(
            COOKIE,
            as_copied(self.style.markup, self.style.language),
            max_age=KEPT_SECONDS,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )


def _language() -> str:
    language = get_language() or "en"
    return language if language in dict(settings.LANGUAGES) else "en"
