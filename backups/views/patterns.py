"""Every badge, verdict, notice and state at once, for whoever changes how they look: only with DEBUG on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from ..dcs.records import BackupRecord
from ..forms import HistoryForm
from ..guards import viewer_of
from ..services.eligibility import eligibility
from ..services.history import backup_history, records_of
from ..services.insights import STATES, overview
from ..services.listings import DecodedRecords, Listing
from ..services.problems import PROBLEM_KINDS, Problem, Progress
from ..services.projects import visible_projects
from ..services.recovery import Block, recovery_page

INSTANCE_ID = "00000000-0000-4000-8000-000000000000"
STATUSES = ("waiting", "backuping", "succeed", "failed", "expired", "deleted", "MIGRATING")
RESTORABLE = ("TRUE", "FALSE", "MAYBE", None)
BLOCKS = ("single_node", "busy", "not_running", "backing_up", "task", "not_known")


@require_safe
def patterns(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404
    now = timezone.now()
    project = next(iter(visible_projects(viewer_of(request))), None)
    if project is None:
        raise Http404
    every = [sample(now, n, status, word) for n, (status, word) in enumerate(_combinations())]
    good = [sample(now, 24 * n, "succeed", "TRUE", size=2_000_000_000 + n * 9_000_000) for n in range(1, 20)]
    listing = listing_of(now, [*every, *good])
    problems = [_problem(kind, now) for kind in PROBLEM_KINDS]
    refused = HistoryForm(QueryDict("status=bogus&from=soon"))
    refused.is_valid()
    nothing = backup_history(records_of(listing), _filter("q=zzzz"), now=now)
    at = now - timedelta(days=3)
    context = {
        "now": now,
        "project": project,
        "instance_id": INSTANCE_ID,
        "name": "sample",
        "backup_id": "gone",
        "listing": listing,
        "overview": overview(listing, None, now=now),
        "records": [(record, eligibility(record)) for record in every],
        "progress": Progress(7, 20, 7_000),
        "old": [replace(listing, source="stale", problem=problem) for problem in problems],
        "not_whole": _not_whole(now, good),
        "empty": listing_of(now, []),
        "filter": _filter("q=zzzz"),
        "history": nothing,
        "unfiltered": _filter(""),
        "problems_in_query": refused.problems,
        "finished": [good[0], next(record for record in every if record.status == "failed")],
        "day_states": STATES,
        "blocks": [Block(code, "RESTORING", certain=n % 2 == 0) for n, code in enumerate(BLOCKS)],
        "page": recovery_page(project, INSTANCE_ID, listing, at, now=now),
        "none": recovery_page(project, INSTANCE_ID, listing_of(now, []), at, now=now),
    }
    return render(request, "patterns.html", context)


def _combinations() -> list[tuple[str, str | None]]:
    return [(status, word) for status in STATUSES for word in RESTORABLE]


def sample(now: datetime, hours: int, status: str, restorable: str | None, **own: Any) -> BackupRecord:
    """Return a record as DCS could send it: it began so many hours ago."""
    began = now - timedelta(hours=hours + 1)
    told = {
        "backup_id": f"sample-{hours}-{status}",
        "backup_name": f"backup_{began:%Y%m%d%H%M%S}",
        "instance_id": INSTANCE_ID,
        "status": status,
        "backup_type": "manual" if hours % 3 == 0 else "auto",
        "backup_format": "rdb",
        "size": 2_000_000_000,
        "created_at": _api_time(began),
        "execution_at": _api_time(began),
        "updated_at": _api_time(began + timedelta(minutes=2)),
        "progress": "40.00" if status == "backuping" else "100.00",
        "is_support_restore": restorable,
        "error_code": "dcs.08.0002" if status == "failed" else None,
        "remark": None,
    }
    return BackupRecord.from_api(told | own)


def _api_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"


def listing_of(now: datetime, records: list[BackupRecord], **own: Any) -> Listing[BackupRecord]:
    whole: dict[str, Any] = {
        "decoded": DecodedRecords(tuple(records)),
        "generation": "sample",
        "pages": 1,
        "read_at": now - timedelta(seconds=38),
        "source": "cache",
        "promised": len(records),
        "moved": False,
        "truncated": False,
        "windowed": False,
        "cut_short": False,
        "request_ids": ("0123456789abcdef0123456789abcdef",),
    }
    return Listing(**whole | own)


def _not_whole(now: datetime, records: list[BackupRecord]) -> list[Listing[BackupRecord]]:
    return [
        listing_of(now, records, promised=len(records) + 9, **{how: True})
        for how in ("windowed", "truncated", "moved", "cut_short")
    ]


def _problem(kind: str, now: datetime) -> Problem:
    return Problem(
        kind,
        http_status=503,
        code="APIGW.0201",
        message="Backend unavailable",
        request_id="0123456789abcdef0123456789abcdef",
        retry_at=now + timedelta(seconds=30),
        asked_at=now,
        progress=Progress(7, 20, 7_000),
    )


def _filter(query: str) -> Any:
    form = HistoryForm(QueryDict(query))
    form.is_valid()
    return form.filter()
