"""Whatever arrives, fails or is lost, in whatever order: what no view of a listing may ever show.

Hypothesis plays DCS, operators and viewers against the listing service; the model
remembers which records DCS held while each generation was read.
"""

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from backups.models import Note
from backups.services import listings
from backups.services.listings import Listing, NothingToShow
from tests.conftest import forget_everything, restart

from .api_records import raw
from .conftest import ORDERS, at_once, later, settled

FAULTS = {
    "500": lambda dcs: dcs.fail_with(500),
    "503": lambda dcs: dcs.fail_with(503),
    "401": lambda dcs: dcs.fail_with(401),
    "404": lambda dcs: dcs.fail_with(404),
    "429": lambda dcs: dcs.throttle(30),
    "HTML": lambda dcs: dcs.answer_html(),
    "half a body": lambda dcs: dcs.cut_body(),
    "once in a while": lambda dcs: dcs.after_calls(2, lambda: dcs.fail_with(500, times=2)),
    "an empty answer": lambda dcs: dcs.answer_body(b""),
}
# Seconds from now at which a viewer comes; before, where the clock was put back.
MOMENTS = st.sampled_from([0, 5, 11, 61, 301, 400, -3600])


class Portal(RuleBasedStateMachine):
    @initialize(count=st.integers(0, 15))
    def a_day_begins(self, count):
        self.dcs.reset()
        forget_everything()
        self.made = 0
        self.dcs.set_records(ORDERS, [])
        for _ in range(count):
            self.a_backup_is_made()
        self.generations = {}
        self.in_this_step = [self.held_by_dcs()]

    # What DCS does --------------------------------------------------------------------

    @rule()
    def a_backup_is_made(self):
        self.made += 1
        self.dcs.insert_record(ORDERS, raw(self.made))

    @rule(place=st.integers(0, 30))
    def a_record_leaves_the_list(self, place):
        held = self.dcs.fleet.backups(ORDERS)
        if held:
            self.dcs.remove_record(ORDERS, held[place % len(held)].backup_id)

    @rule(name=st.sampled_from(sorted(FAULTS)))
    def dcs_breaks(self, name):
        FAULTS[name](self.dcs)

    @rule()
    def dcs_is_mended(self):
        self.dcs.heal()

    # What operators and chance do --------------------------------------------------------

    @rule()
    def the_notes_are_lost(self):
        Note.objects.all().delete()

    @rule()
    def another_process_takes_over(self):
        restart()

    # What viewers do ------------------------------------------------------------------------

    @rule(after=MOMENTS, read_now=st.booleans())
    def a_viewer_comes(self, after, read_now):
        self.see([self.view(after, read_now)])

    @rule(after=MOMENTS)
    def viewers_come_together(self, after):
        self.see(at_once(5, lambda: self.view(after, False)))

    @rule(calls=st.integers(1, 3), leaving=st.lists(st.integers(0, 5), max_size=2), at_end=st.booleans())
    def the_list_moves_while_it_is_read(self, calls, leaving, at_end):
        """Some records leave and as many come, so that DCS's total stays as it is; or one comes."""

        def move():
            for place in leaving:
                self.a_record_leaves_the_list(place)
            for _ in leaving or [0]:
                self.made += 1
                place = len(self.dcs.fleet.backups(ORDERS)) if at_end else 0
                self.dcs.insert_record(ORDERS, raw(self.made), place)
            self.in_this_step.append(self.held_by_dcs())

        self.dcs.heal()
        self.dcs.after_calls(calls, move)
        self.see([self.view(400, True)])  # later than any hold

    def view(self, after, read_now):
        try:
            return listings.instance_backups(self.project, ORDERS, now=later(after), read_now=read_now)
        except NothingToShow as nothing:
            return nothing

    # What must hold ----------------------------------------------------------------------------

    def see(self, seen):
        settled()
        for one in seen:
            if isinstance(one, Listing):
                self.check(one, one.records)

    @invariant()
    def what_was_read_behind_the_views_is_true_as_well(self):
        settled()
        [snapshot] = listings.cached_histories([(self.project, ORDERS)])
        if snapshot.cached:
            self.check(snapshot.cached.generation, snapshot.cached.decoded.records)
        self.in_this_step = [self.held_by_dcs()]

    def check(self, generation, records):
        """What it holds was in one of the states that DCS's list had while it was read."""
        backup_ids = frozenset(record.backup_id for record in records)
        first = backup_ids, tuple(self.in_this_step)
        known, states = self.generations.setdefault(generation.generation, first)
        assert known == backup_ids, "a generation changed"
        assert len(records) == len(backup_ids), "a record is shown twice"
        possible = frozenset.union(*states)
        if generation.missing_since or not generation.complete:
            # Such a reading proves no absence: what was known before stays.
            others = [one for one in self.generations.values() if one != (known, states)]
            possible = possible.union(*(held for held, _ in others))
        assert backup_ids <= possible, "a record came from nowhere"
        if generation.complete:
            assert not frozenset.intersection(*states) - backup_ids, "a record that stayed is lost"

    def held_by_dcs(self):
        return frozenset(row.backup_id for row in self.dcs.fleet.backups(ORDERS))


def test_no_view_shows_what_was_never_so(eu, emulator, portal):
    portal.DCS_PAGE_SIZE = 3
    Portal.dcs, Portal.project = emulator, eu

    run_state_machine_as_test(
        Portal,
        settings=settings(
            max_examples=settings.default.max_examples // 5,
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )
