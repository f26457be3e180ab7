"""Every badge, verdict, notice and state at once, for whoever changes how they look: only with DEBUG on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import msgspec
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from ..dcs.records import BackupRecord
from ..forms import HistoryForm
from ..guards import clock_of, viewer_of
from ..services.board import Board, BoardFilter, Head
from ..services.evidence import Event, Evidence, Gap, InstanceGone, Interval, Life, RecordChange
from ..services.find import Found
from ..services.history import BackupFilter, backup_history, history_url, records_of
from ..services.insights import Block, overview
from ..services.listings import DecodedRecords, Listing
from ..services.problems import PROBLEM_KINDS, Problem, Progress
from ..services.projects import Project, visible_projects
from ..services.recovery import recovery_point

INSTANCE_ID = "00000000-0000-4000-8000-000000000000"
REQUEST_ID = "0123456789abcdef0123456789abcdef"
STATUSES = ("waiting", "backuping", "succeed", "failed", "expired", "deleted", "MIGRATING")
RESTORABLE = ("TRUE", "FALSE", "MAYBE", None)
BLOCKS = ("single_node", "busy", "not_running", "backing_up", "task", "not_known")

_with = msgspec.structs.replace


@require_safe
def patterns(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404
    now = timezone.now()
    project = next(iter(visible_projects(viewer_of(request))), None)
    if project is None:
        raise Http404
    records = [_sample(now, n, *pair) for n, pair in enumerate(product(STATUSES, RESTORABLE))]
    good = [_sample(now, 24 * n, "succeed", "TRUE", size=2_000_000_000 + n * 9_000_000) for n in range(1, 20)]
    listing, empty = _listing(now, [*records, *good]), _listing(now, [])
    refused = HistoryForm(QueryDict("status=bogus&from=soon"))
    seen = overview(listing, None, now=now)
    three_days_ago = now - timedelta(days=3)
    # One minute after a backup began that takes two.
    point = recovery_point(listing, now - timedelta(hours=73, minutes=-1), now=now)
    context = {
        "clock": clock_of(request, now),
        "is_automatic": True,
        "project": project,
        "instance_id": INSTANCE_ID,
        "name": "sample",
        "backup_id": "gone",
        "history_url": history_url(project, INSTANCE_ID),
        "listing": listing,
        "empty": empty,
        "nothing_found": Found((), ()),
        "unknown_id": Found((), (project,), unknown=("gone",)),
        "boards": [_board(project, now, *shown) for shown in ((None, 0), (now, 0), (now, 3))],
        "old": [replace(listing, source="stale", problem=_problem(kind, now)) for kind in PROBLEM_KINDS],
        "not_whole": [
            *(
                _listing(now, good, promised=len(good) + 9, **{how: True})
                for how in ("windowed", "truncated", "moved", "cut_short")
            ),
            _listing(now, records, missing_since=three_days_ago),
        ],
        "overview": seen,
        "nothing_matches": backup_history(records_of(listing), BackupFilter(words=("zzzz",)), now=now),
        "no_history": backup_history(records_of(empty), BackupFilter(), now=now),
        "records": records,
        "not_listed": [_with(good[0], presence="unlisted"), _with(good[1], presence="missing")],
        "last_seen": {good[0].backup_id: three_days_ago},
        "life": _a_life(now, good[0]),
        "ended": [good[0], next(record for record in records if record.status == "failed")],
        "problems_in_query": refused.problems,
        "blocks": [Block(code, "RESTORING", certain=n % 2 == 0) for n, code in enumerate(BLOCKS)],
        "point": point,
        "outlook": point.answer and seen.outlook(point.answer.record),
        "no_point": recovery_point(empty, three_days_ago, now=now),
    }
    return render(request, "patterns.html", context)


def _sample(
    now: datetime, hours: int, status: str, restorable: str | None, size: int = 2_000_000_000
) -> BackupRecord:
    """Return a record as DCS could send it: it began so many hours ago."""
    began = (now - timedelta(hours=hours + 1)).astimezone(UTC)
    created_at, updated_at = (f"{began + timedelta(minutes=n):%Y-%m-%dT%H:%M:%S.000Z}" for n in (0, 2))
    return BackupRecord.from_api(
        {
            "backup_id": f"sample-{hours}-{status}",
            "backup_name": f"backup_{began:%Y%m%d%H%M%S}",
            "instance_id": INSTANCE_ID,
            "status": status,
            "backup_type": "manual" if hours % 3 == 0 else "auto",
            "backup_format": "rdb",
            "size": size,
            "created_at": created_at,
            "execution_at": created_at,
            "updated_at": updated_at,
            "progress": "40.00" if status == "backuping" else "100.00",
            "is_support_restore": restorable,
            "error_code": "dcs.08.0002" if status == "failed" else None,
        }
    )


def _a_life(now: datetime, record: BackupRecord) -> Life:
    """Return the life of a backup in which everything happened that can be told."""

    def seen(hours: int) -> Interval:
        return Interval(now - timedelta(hours=hours, minutes=10), now - timedelta(hours=hours))

    running = _with(record, status="backuping", restorable=None, size_bytes=None)
    over = _with(record, status="expired", restorable=False, description="kept too long")
    changes = RecordChange(seen(70), running, record), RecordChange(seen(40), record, over)
    events = (
        Event("created", at=now - timedelta(hours=72)),
        Event("started", at=now - timedelta(hours=72)),
        Event("first_seen", seen=Interval(None, now - timedelta(hours=71)), record=running),
        Event("ended", at=now - timedelta(hours=71)),
        *(Event("changed", seen=one.seen, record=one.now, fields=one.fields) for one in changes),
        Event("gap", gap=Gap(now - timedelta(hours=36), now - timedelta(hours=30), "unreachable")),
        Event("missing", seen=seen(29)),
        Event("back", seen=seen(28), record=over),
        Event("last_seen", at=now - timedelta(hours=5)),
        Event("gone", seen=seen(5)),
    )
    gone = _with(over, presence="unlisted")
    evidence = Evidence(b"", seen(71), now - timedelta(hours=5), gone=seen(5), changes=changes)
    return Life(gone, evidence, events, InstanceGone(now - timedelta(hours=4), "unknown"))


def _listing(now: datetime, records: list[BackupRecord], **own: Any) -> Listing[BackupRecord]:
    whole: dict[str, Any] = {
        "decoded": DecodedRecords(tuple(records)),
        "generation": "sample",
        "read_at": now - timedelta(seconds=38),
        "source": "cache",
        "promised": len(records),
        "request_ids": (REQUEST_ID,),
        **dict.fromkeys(("moved", "truncated", "windowed", "cut_short"), False),
    }
    return Listing(**whole | own)


def _board(project: Project, now: datetime, listed_at: datetime | None, total: int) -> Board:
    """Return a board on which nothing matches."""
    counts = Counter({"usable": total})
    head = Head(project, counts, total, None, None, listed_at, listed_at, whole=True, problem=None)
    nothing: dict[str, Any] = {"matches": (), "counts": Counter(), "facets": (), "left": None, "shown": ()}
    return Board(filter=BoardFilter(), now=now, heads=(head,), **nothing)


def _problem(kind: str, now: datetime) -> Problem:
    retry_at, progress = now + timedelta(seconds=30), Progress(7, 20, 7_000)
    return Problem(
        kind, 503, "APIGW.0201", "Backend unavailable", REQUEST_ID, retry_at, asked_at=now, progress=progress
    )
