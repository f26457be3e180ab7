"""The texts that are copied for tickets: a page to look at and to copy from, or the bare text.

Each stands under the page that it is about and takes the same query, and beside it what TicketForm reads.
A browser's script asks with HX-Request for the part that its dialog shows, and copies out of that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from ..dcs.records import BackupRecord, Instance
from ..forms import HistoryForm, QueryForm, RecoveryForm, TicketForm
from ..guards import copied_last, project_or_404, remember_copied, viewer_key, viewer_zone, with_retry_after
from ..services import listings
from ..services.evidence import life_of, list_as_of
from ..services.history import (
    absolute,
    all_records_of,
    backup_history,
    frozen_link,
    frozen_recovery_path,
    frozen_url,
)
from ..services.listings import Listing, NothingToShow
from ..services.problems import Problem
from ..services.recovery import recovery_point
from ..services.tickets import (
    About,
    Style,
    Ticket,
    backup_ticket,
    gone_ticket,
    history_ticket,
    newest_failure,
    problem_ticket,
    recovery_ticket,
    vendor_ticket,
)
from ..services.words import instance_name, zone_names

# A text is worth waiting for: what was read long ago is read again first.
NEWER_WITHIN_SECONDS = 2.0


def of_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a view what it is asked for; where DCS does not tell, the text says so."""

    @require_safe
    @wraps(view)
    def answered(request: HttpRequest, project_name: str, instance_id: str, **ids: str) -> HttpResponse:
        ticket = InstanceTicket(request, project_name, instance_id)
        try:
            return view(ticket, **ids)
        except NothingToShow as nothing:
            return ticket.of_problem(nothing.problem)

    return answered


@of_page
def of_history(ticket: InstanceTicket) -> HttpResponse:
    form = HistoryForm(ticket.query)
    if refusal := ticket.refusal(form):
        return refusal
    now, wanted = ticket.now, form.filter()
    if wanted.as_of:
        listing = list_as_of(ticket.project, ticket.instance_id, wanted.as_of)
    else:
        listing = ticket.read(bounds=wanted.bounds(now))
    history = backup_history(all_records_of(listing), wanted, now=now)
    frozen = frozen_link(ticket.path, ticket.query, history, now=now, read_at=listing.read_at)
    about, failure = ticket.about(frozen.url), newest_failure(listing)
    if ticket.for_vendor and (failure or listing.problem):
        text = vendor_ticket(about, listing=listing, record=failure, now=now)
        return ticket.answer(text, listing, vendor=True)
    text = history_ticket(about, listing, history, frozen, now=wanted.as_of or now)
    return ticket.answer(text, listing, vendor=failure is not None)


@of_page
def of_backup(ticket: InstanceTicket, backup_id: str) -> HttpResponse:
    if refusal := ticket.refusal():
        return refusal
    listing = ticket.read(holding=(backup_id,))
    about = ticket.about(frozen_url(ticket.path, read_at=listing.read_at))
    life = life_of(listing, backup_id)
    if life is None:
        return ticket.answer(gone_ticket(about, listing, backup_id), listing, status=404)
    if ticket.for_vendor:
        text = vendor_ticket(about, listing=listing, record=life.record, now=ticket.now)
    else:
        text = backup_ticket(about, listing, life, now=ticket.now)
    return ticket.answer(text, listing, vendor=True)


@of_page
def of_recovery_point(ticket: InstanceTicket) -> HttpResponse:
    form = RecoveryForm(ticket.query, now=ticket.now)
    if refusal := ticket.refusal(form):
        return refusal
    asked = form.asked()
    if asked is None:
        return HttpResponseRedirect(ticket.page)
    listing = ticket.read(bounds=(None, asked.at))
    point = recovery_point(listing, asked.at, now=ticket.now)
    link = absolute(frozen_recovery_path(ticket.path, ticket.query, asked.at, read_at=listing.read_at))
    return ticket.answer(recovery_ticket(ticket.about(link), listing, point), listing)


class TicketRequest:
    """What all have in common: who asks, which page it is about, and how the text is written."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.now = timezone.now()
        self.path = request.path.removesuffix("ticket/")
        self.query = TicketForm.page_query(request.GET)
        self.options = TicketForm(request.GET)

    @property
    def for_vendor(self) -> bool:
        return bool(self.options.cleaned_data["reader"] == "vendor")

    @property
    def page(self) -> str:
        """The page that the text is about."""
        return f"{self.path}?{self.query.urlencode()}" if self.query else self.path

    @cached_property
    def style(self) -> Style:
        """What the link says, else what was copied last, else what the pages are shown in."""
        chosen = self.options.cleaned_data
        markup, language = copied_last(self.request)
        zone = chosen["zone"] or self.page_zone or self.viewer_zone
        languages = (chosen["lang"], language, get_language(), "en")
        return Style(
            markup=chosen["text"] or ("plain" if self.for_vendor else markup),
            language=next(code for code in languages if code in dict(settings.LANGUAGES)),
            zone=None if zone == "UTC" else ZoneInfo(zone),
        )

    @property
    def page_zone(self) -> str:
        """The zone that the page's link names, if it is one: the page of one backup reads no query."""
        zone = self.query.get("tz", "")
        return zone if zone in zone_names() else ""

    @property
    def viewer_zone(self) -> str:
        return getattr(viewer_zone(self.request), "key", "UTC")

    def where(self) -> dict[str, Any]:
        """Return what the page is called that the text is about, and where it stands."""
        raise NotImplementedError

    def refusal(self, *forms: QueryForm) -> HttpResponse | None:
        """Return the page that names what cannot be read, if there is something."""
        problems = [problem for form in (self.options, *forms) for problem in form.problems]
        return self._rendered({"problems_in_query": problems}, status=400) if problems else None

    def answer(
        self,
        ticket: Ticket,
        listing: Listing[BackupRecord] | None = None,
        *,
        vendor: bool = False,
        status: int = 200,
    ) -> HttpResponse:
        """Answer with a text, as a page or bare. `vendor`: there is one for the vendor's support as well."""
        if self.request.get_preferred_type(["text/html", "text/plain"]) == "text/plain":
            response = HttpResponse(ticket.text, status=status, content_type="text/plain; charset=utf-8")
        else:
            zone = ticket.style.zone.key if ticket.style.zone else "UTC"
            zones = {"UTC", self.viewer_zone, self.page_zone or "UTC", zone}
            context = {
                "ticket": ticket,
                "is_old": listing is not None and listing.problem is not None,
                "vendor": vendor,
                "for_vendor": self.for_vendor and vendor,
                "zone_of_text": zone,
                "zones": sorted(zones, key=lambda name: (name != "UTC", name)),
            }
            response = self._rendered(context, status)
        # A browser's script must know the portal's own text from what a proxy says in its place.
        response.headers["X-Ticket"] = ticket.style.markup
        patch_vary_headers(response, ["Accept", "HX-Request"])
        chosen = self.options.cleaned_data
        # Another site's link must not choose markup or language for this viewer.
        own = self.request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        if own and not self.for_vendor and (chosen["text"] or chosen["lang"]):
            remember_copied(response, ticket.style.markup, ticket.style.language)
        return response

    def _rendered(self, context: dict[str, Any], status: int) -> HttpResponse:
        in_dialog = "HX-Request" in self.request.headers
        context |= {**self.where(), "page": self.page, "in_dialog": in_dialog}
        return render(self.request, "_ticket.html" if in_dialog else "ticket.html", context, status=status)


class InstanceTicket(TicketRequest):
    """A text about the backups of one instance."""

    def __init__(self, request: HttpRequest, project_name: str, instance_id: str) -> None:
        super().__init__(request)
        self.project = project_or_404(request, project_name)
        self.instance_id = instance_id

    @cached_property
    def instance(self) -> Instance | None:
        """What is known without asking, or what `read` has read."""
        return listings.cached_instance(self.project, self.instance_id)

    def where(self) -> dict[str, Any]:
        name = instance_name(self.instance, self.instance_id)
        return {"project": self.project, "instance_id": self.instance_id, "name": name}

    def read(self, **options: Any) -> Listing[BackupRecord]:
        """Read the history, and the instance beside it, anew where they are old. Raises NothingToShow."""
        options |= {"viewer": viewer_key(self.request), "newer_within": NEWER_WITHIN_SECONDS}
        listing, self.instance = listings.backups_and_instance(
            self.project, self.instance_id, now=self.now, **options
        )
        return listing

    def about(self, link: str) -> About:
        return About(self.project, self.instance_id, self.instance, link, self.style)

    def of_problem(self, problem: Problem) -> HttpResponse:
        """Answer with the text that says why there is none; its status is that of the page."""
        # What the portal did, or did not do, is nothing to ask the vendor.
        vendor = problem.asked_at is not None and problem.kind != "portal_error"
        write = vendor_ticket if vendor and self.for_vendor else problem_ticket
        text = write(self.about(absolute(self.page)), problem=problem, now=self.now)
        response = self.answer(text, vendor=vendor, status=problem.page_status)
        return with_retry_after(response, problem.retry_after(timezone.now()))
