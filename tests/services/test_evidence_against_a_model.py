"""Whatever is read, in whatever order, and whoever dies: each accepted reading is told again as it was.

Hypothesis plays DCS and the processes of the portal against the recorder; the model remembers what the list
said by each reading.
"""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import msgspec
import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from backups.services.evidence import list_as_of
from backups.services.listings import Subject, generations, guard, recorder, recording
from backups.services.listings.recorded_backups import CONFIRMED_AFTER
from tests.conftest import forget_everything, restart

from .api_records import raw
from .conftest import ORDERS
from .readings import walk_of

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


class Killed(BaseException):
    """What ends a process in the middle of whatever it does."""


@contextmanager
def killed_after(statements):
    left = statements

    def execute(ask, *arguments):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return ask(*arguments)

    with connection.execute_wrapper(execute), pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "CHUNK", 2)
        try:
            yield
        except Killed:
            restart()


class Portal(RuleBasedStateMachine):
    @initialize()
    def a_day_begins(self):
        forget_everything()
        self.now, self.dcs, self.made, self.told = BEGAN, {}, 0, []
        # Since which reading a record is missing, while that is not confirmed.
        self.missing, self.missing_since = {}, None
        # What a killed reader has kept is true, but only a whole reading says what of it stays.
        self.is_left_behind = False
        for _ in range(4):
            self.a_backup_is_made("succeed")

    # What DCS does --------------------------------------------------------------------

    @rule(status=st.sampled_from(["succeed", "failed", "backuping"]))
    def a_backup_is_made(self, status):
        self.made += 1
        self.dcs[self.made] = raw(self.made, status=status)

    @rule(place=st.integers(0, 9), field=st.sampled_from(["status", "remark", "progress"]))
    def a_record_changes(self, place, field):
        if self.dcs:
            number = sorted(self.dcs)[place % len(self.dcs)]
            value = "expired" if field == "status" else str(self.now.second)
            self.dcs[number] = self.dcs[number] | {field: value}

    @rule(place=st.integers(0, 9))
    def a_record_leaves(self, place):
        if self.dcs:
            del self.dcs[sorted(self.dcs)[place % len(self.dcs)]]

    @rule(place=st.integers(0, 9))
    def a_record_comes_back(self, place):
        left = [number for number in range(1, self.made + 1) if number not in self.dcs]
        if left:
            number = left[place % len(left)]
            self.dcs[number] = raw(number)

    @rule()
    def the_list_is_emptied(self):
        self.dcs.clear()

    # What is read ---------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 30, 61, 3600]), whole=st.booleans(), again=st.booleans())
    def it_is_read(self, seconds, whole, again):
        self.now += timedelta(seconds=seconds)
        whole = whole or self.is_left_behind
        walk = self.walk(whole)
        self.record(walk, self.now)
        self.accepted(walk, whole)
        if again:
            self.record(walk, self.now)

    @rule(seconds=st.sampled_from([0, 1, 100]))
    def a_reading_comes_late(self, seconds):
        if self.told:
            self.record(self.walk(True), self.told[-1][0] - timedelta(seconds=seconds))

    @rule(statements=st.integers(0, 40), whole=st.booleans())
    def a_reader_is_killed_while_it_writes(self, statements, whole):
        self.now += timedelta(seconds=5)
        whole = whole or self.is_left_behind
        walk = self.walk(whole)
        with killed_after(statements):
            self.record(walk, self.now)
        restart()
        generation = generations.look_up(self.subject).generation
        if generation and generation.read_at == self.now:
            self.accepted(walk, whole)
        else:
            self.is_left_behind = True

    @rule()
    def another_process_takes_over(self):
        restart()

    def walk(self, whole):
        rows = [self.dcs[number] for number in sorted(self.dcs, reverse=True)]
        if not whole:
            rows = rows[::2]
        return walk_of(rows, moved=not whole)

    def record(self, walk, read_at):
        recorder.record(self.subject, walk, read_at=read_at)

    # The model ------------------------------------------------------------------------

    def accepted(self, walk, whole):
        was_left_behind, self.is_left_behind = self.is_left_behind, False
        found = by_id(walk.records)
        before = self.told[-1][1] if self.told else {}
        gone = set(before) - set(found)
        place = len(self.told)
        confirmed = self.missing_since and self.now - self.missing_since >= CONFIRMED_AFTER
        doubtful = whole and bool(self.told) and len(gone) * 2 > len(before) and not confirmed
        if was_left_behind:  # what a killed reader has kept counts as known
            doubtful = generations.look_up(self.subject).generation.missing_since is not None
        kept = {one: before[one] for one in gone} if not whole or doubtful else {}
        state = found | kept
        if was_left_behind and doubtful:  # and stays until a reading confirms that it is missing
            told = by_id(list_as_of(self.subject.project, self.subject.instance_id, self.now).records)
            assert told == told | state
            state, gone = told, set(told) - set(found)
        for one in found:
            self.missing.pop(one, None)
        if doubtful:
            self.missing_since = self.missing_since or self.now
            for one in gone:
                self.missing.setdefault(one, place)
        elif whole:
            # Dated from when they were missing first.
            for one, since in self.missing.items():
                for _, told in self.told[since:]:
                    told.pop(one, None)
            self.missing, self.missing_since = {}, None
        self.told.append((self.now, state))

    @invariant()
    def each_reading_is_told_as_it_was(self):
        for at, state in self.told:
            listing = list_as_of(self.subject.project, self.subject.instance_id, at)
            assert by_id(listing.records) == state

    @invariant()
    def the_list_of_now_is_that_of_the_last_reading(self):
        if self.told:
            [snapshot] = guard.snapshots(self.subject)
            assert by_id(snapshot.cached.decoded.records) == self.told[-1][1]


def by_id(records):
    """Records without what is not kept: how far a running backup was, and what is known of its presence."""
    not_kept = {"progress_percent": None, "updated_at": None, "unread": ()}
    return {
        one.backup_id: msgspec.structs.replace(one, presence="listed", **(not_kept if one.is_running else {}))
        for one in records
    }


def test_every_accepted_reading_is_told_again(eu):
    Portal.subject = Subject("backups", eu, ORDERS)
    run_state_machine_as_test(
        Portal,
        settings=settings(
            max_examples=settings.default.max_examples // 2,
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_list_that_is_partly_read_and_says_the_same_is_still_told_while_more_is_written(eu, monkeypatch):
    monkeypatch.setattr(recording, "CHUNK", 2)
    subject, rows = Subject("backups", eu, ORDERS), [raw(number) for number in range(1, 8)]
    for seconds in (0, 60):
        restart()
        recorder.record(subject, walk_of(rows[:3], moved=True), read_at=BEGAN + timedelta(seconds=seconds))
    with killed_after(10):
        recorder.record(subject, walk_of(rows), read_at=BEGAN + timedelta(seconds=120))

    [snapshot] = guard.snapshots(subject)
    assert {one.name for one in snapshot.cached.decoded.records} == {"backup_1", "backup_2", "backup_3"}
