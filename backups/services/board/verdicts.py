"""What an instance's row keeps: its verdict, each time at which that is another one, and its last days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from string import ascii_lowercase
from typing import NamedTuple

import msgspec

from ...models import InstanceSummary, VerdictChange
from ..collector import write_summaries
from ..insights import (
    STATES,
    Facts,
    Overview,
    ShortDay,
    Verdict,
    longest_believed,
    objective_of,
    verdict_of,
)
from ..projects import Project

# A bound belongs to what it ends.
_MOMENT = timedelta(microseconds=1)
_JUDGED = ("facts", "verdict", "reason", "since", "holds_until", "newest_at")


class StoredVerdict(NamedTuple):
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
    write_summaries([row], *_JUDGED, *fields)


def move_on(row: InstanceSummary, facts: Facts, project: Project, at: datetime) -> bool:
    """Let what a row says go on from a reading that says the same; False where its verdict may change."""
    new = msgspec.structs.replace(facts, read_at=at)
    verdict, *to_come = _verdicts(new, project, at)
    last = StoredVerdict(row.verdict, row.reason, row.since)
    if to_come or row.holds_until or at > believed_until(facts) or _stored(verdict, last) != last:
        return False
    unchanged = InstanceSummary.objects.filter(pk=row.pk, facts=row.facts)
    return unchanged.update(facts=msgspec.json.encode(new).decode()) == 1


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
    changed: list[tuple[datetime, StoredVerdict]] = []
    last = previous = _last_change(row, at) if before else None
    if previous and before and previous.verdict != "unsupported" and at > believed_until(before):
        too_old_at = believed_until(before)
        previous = StoredVerdict("unknown", "read_too_long_ago", too_old_at)
        changed.append((too_old_at, previous))
    for verdict in verdicts:
        previous = _stored(verdict, previous)
        changed.append((verdict.at, previous))
    row.verdict, row.reason, row.since = changed[-len(verdicts)][1]
    row.holds_until = verdicts[1].at if len(verdicts) > 1 else None
    changes = []
    for moment, stored in changed:
        if stored != last:
            was = {"before_verdict": last.verdict, "before_reason": last.reason} if last else {}
            changes.append(VerdictChange(instance=row.instance, at=moment, **stored._asdict(), **was))
        last = stored
    VerdictChange.objects.bulk_create(changes)


def _last_change(row: InstanceSummary, at: datetime) -> StoredVerdict:
    """Return the verdict just before `at`, and take back what was foreseen for later."""
    if row.holds_until:
        foreseen = VerdictChange.objects.filter(instance=row.instance, at__gte=row.holds_until)
        foreseen.filter(at__gt=at).delete()
        if passed := foreseen.order_by("-at").first():
            return StoredVerdict(passed.verdict, passed.reason, passed.since)
    return StoredVerdict(row.verdict, row.reason, row.since)


def _stored(verdict: Verdict, previous: StoredVerdict | None) -> StoredVerdict:
    """Return a verdict with its time: of its bound, else of the reading that was the first to say so."""
    since = verdict.since
    if since is None and previous:
        is_same = (previous.verdict, previous.reason) == (verdict.verdict, verdict.reason)
        since = previous.since if is_same else verdict.at
    return StoredVerdict(verdict.verdict, verdict.reason, since)


# The last days ---------------------------------------------------------------

DAYS = 14
_LETTER_OF = dict(zip(STATES, ascii_lowercase, strict=False))
_STATE_OF = {letter: state for state, letter in _LETTER_OF.items()}


def days_text(seen: Overview) -> str:
    """Return "2026-11-24:aaaFaaaaaah": the last day, and a letter a day, a capital where one failed too."""
    days = seen.days[-DAYS:]
    letters = (_LETTER_OF[day.state].upper() if day.also_failed else _LETTER_OF[day.state] for day in days)
    return f"{days[-1].date}:{''.join(letters)}"


def short_days(text: str, now: datetime) -> Sequence[ShortDay]:
    """Return the last days up to now, as far as they are known: those since the last reading are not."""
    today = now.astimezone(UTC).date()
    last, _, letters = text.partition(":")
    unread = (today - date.fromisoformat(last)).days if last else 0
    # The last one may be of tomorrow by the clock of another server.
    letters = (" " * DAYS + letters[: len(letters) + min(0, unread)] + " " * unread)[-DAYS:]
    return [
        ShortDay(today - timedelta(days=ago), _STATE_OF.get(one.lower(), "unknown"), one.isupper())
        for ago, one in zip(reversed(range(DAYS)), letters, strict=True)
    ]
