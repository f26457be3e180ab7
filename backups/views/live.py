"""Pages that keep themselves current: what one that asks is told, or given to swap in."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import trigger_client_event

from ..guards import forget_refreshed, refreshed
from ..services.live import Live, finished, problem_of, refresh_sentence
from ..services.words import Clock, times

SHOWN = "X-Shown-Generation"
SHOWN_RUNNING = "X-Shown-Running"
# Those of a longer list would not fit into a header.
MOST_REQUEST_IDS = 20


def patience(request: HttpRequest) -> float | None:
    """A page that asks for itself never waits for DCS, so that it takes no thread from those who look."""
    return 0.0 if SHOWN in request.headers else None


def nothing_newer(request: HttpRequest, live: Live, clock: Clock) -> HttpResponse | None:
    """Answer a page that shows all that is known: 204, with when that was read and when to ask again."""
    shown = request.headers.get(SHOWN)
    # What is on the screen stays until there is something to show.
    if shown is None or (shown != _mark(live, request.get_full_path()) and live.problem != "being_read"):
        return None
    told: dict[str, Any] = {
        "state": live.state,
        "after": live.ask_after,
        "asked": clock.text(clock.now, "time"),
    }
    if live.read_at:
        told["read_at"] = times.utc_milliseconds(live.read_at)
        told["written"] = {style: clock.time(live.read_at, style).text for style in ("", "time", "long")}
        told["request_ids"] = live.request_ids[:MOST_REQUEST_IDS]
    if progress := live.progress:
        told |= {"sentence": progress.sentence, "read": progress.pages_read, "total": progress.pages_total}
    if (counts := refreshed(request)) is not None:
        told["said"] = refresh_sentence(counts)
    response = HttpResponse(status=204)
    trigger_client_event(response, "live:told", told)
    return _finished_answer(request, response)


def live_page(
    request: HttpRequest, template: str, context: dict[str, Any], live: Live, status: int = 200
) -> HttpResponse:
    """Render a page that keeps itself current: whole, or what to swap in for one that asks."""
    shown = request.headers.get(SHOWN)
    mark = _mark(live, context.get("live_path") or request.get_full_path())
    context = {
        **context,
        "live": live,
        "mark": mark,
        "frame": "base.html" if shown is None else "_newer.html",
    }
    if (counts := refreshed(request)) is not None:
        # On top of a page that was loaded, beside the button of one that was there before.
        context["just_read" if shown is None else "said"] = refresh_sentence(counts)
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
    if refreshed(request) is not None:
        forget_refreshed(response)
    return response
