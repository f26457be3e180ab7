"""The verdict on an instance as its row keeps it: what it is, and each time at which it is another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from ...models import InstanceSummary, VerdictChange
from ..insights import Facts, Verdict, longest_believed, objective_of, verdict_of
from ..projects import Project

# A bound belongs to what it ends.
_MOMENT = timedelta(microseconds=1)
_JUDGED = ("facts", "verdict", "reason", "since", "holds_until", "newest_at")


class _Said(NamedTuple):
    """A verdict as the rows keep it."""

    verdict: str
    reason: str
    since: datetime | None


def judge(row: InstanceSummary, facts: Facts, project: Project, at: datetime, *fields: str) -> None:
    """Write facts, the verdict that they give from `at` on, and when that is another one than before."""
    before, row.facts = known_facts(row.facts), msgspec.json.encode(facts).decode()
    row.newest_at = facts.newest_usable.started_at if facts.newest_usable else None
    if facts.unsupported or at <= believed_until(facts):
        _write_changes(row, before, list(_verdicts(facts, project, at)), at)
    upsert([row], (*_JUDGED, *fields))


def move_on(row: InstanceSummary, facts: Facts, project: Project, at: datetime) -> bool:
    """Let what a row says go on from a reading that says the same; False where its verdict may change."""
    new = msgspec.structs.replace(facts, read_at=at)
    verdict, *to_come = _verdicts(new, project, at)
    last = _Said(row.verdict, row.reason, row.since)
    if to_come or row.holds_until or at > believed_until(facts) or _said(verdict, last) != last:
        return False
    unchanged = InstanceSummary.objects.filter(pk=row.pk, facts=row.facts)
    return unchanged.update(facts=msgspec.json.encode(new).decode()) == 1


def upsert(rows: Iterable[InstanceSummary], fields: Iterable[str]) -> None:
    InstanceSummary.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["instance"], update_fields=list(fields)
    )


def known_facts(json: str) -> Facts | None:
    """Return what a row keeps as JSON, None for what another version of the portal wrote."""
    try:
        return msgspec.json.decode(json, type=Facts) if json else None
    except msgspec.DecodeError:
        return None


def believed_until(facts: Facts) -> datetime:
    return facts.read_at + longest_believed()


def _verdicts(facts: Facts, project: Project, at: datetime) -> Iterator[Verdict]:
    """Yield the verdict at a time, and those that time alone brings while the reading is believed."""
    objective = objective_of(facts, project)
    verdict = verdict_of(facts, objective, now=at)
    yield verdict
    while verdict.holds_until and verdict.holds_until < believed_until(facts):
        verdict = verdict_of(facts, objective, now=verdict.holds_until + _MOMENT)
        yield verdict


def _write_changes(
    row: InstanceSummary, before: Facts | None, verdicts: Sequence[Verdict], at: datetime
) -> None:
    last = _told_last(row, at) if before else None
    changes: list[tuple[datetime, _Said | None, _Said]] = []
    if last and before and last.verdict != "unsupported" and at > believed_until(before):
        too_old_at = believed_until(before)
        changes.append((too_old_at, last, _Said("unknown", "read_too_long_ago", too_old_at)))
    for verdict in verdicts:
        previous = changes[-1][2] if changes else last
        said = _said(verdict, previous)
        changes.append((verdict.at, previous, said))
    current = changes[-len(verdicts)][2]
    row.verdict, row.reason, row.since = current
    row.holds_until = verdicts[1].at if len(verdicts) > 1 else None
    VerdictChange.objects.bulk_create(
        VerdictChange(
            instance=row.instance,
            at=moment,
            **said._asdict(),
            before_verdict=previous.verdict if previous else "",
            before_reason=previous.reason if previous else "",
        )
        for moment, previous, said in changes
        if said != previous
    )


def _told_last(row: InstanceSummary, at: datetime) -> _Said:
    """Return what is told just before `at`, and take back what was foreseen for later."""
    last = _Said(row.verdict, row.reason, row.since)
    if row.holds_until:
        foreseen = VerdictChange.objects.filter(instance=row.instance, at__gte=row.holds_until)
        foreseen.filter(at__gt=at).delete()
        passed = foreseen.order_by("-at").first()
        last = _Said(passed.verdict, passed.reason, passed.since) if passed else last
    return last


def _said(verdict: Verdict, previous: _Said | None) -> _Said:
    """Return a verdict with its time: of its bound, else of the reading that was the first to say so."""
    since = verdict.since
    if since is None and previous:
        is_same = (previous.verdict, previous.reason) == (verdict.verdict, verdict.reason)
        since = previous.since if is_same else verdict.at
    return _Said(verdict.verdict, verdict.reason, since)
