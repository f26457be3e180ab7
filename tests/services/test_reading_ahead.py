"""The pages of a long history are read several at a time."""

from __future__ import annotations

import threading
import time

from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.services.projects import Project

from ..dcs.test_ahead import let_go
from .api_records import raws
from .conftest import ORDERS, problem_of, read, settled


def test_a_long_history_is_asked_for_four_pages_at_a_time_and_no_page_twice(
    eu: Project, emulator: Emulator, portal: Settings
) -> None:
    portal.DCS_PAGE_SIZE = 10
    portal.DCS_READ_BUDGET = 10
    emulator.set_records(ORDERS, raws(150))
    emulator.hang(after=1)
    listings = []
    viewer = threading.Thread(target=lambda: listings.append(read(eu)))
    viewer.start()
    ends = time.monotonic() + 9
    while emulator.count("/backups") < 5 and time.monotonic() < ends:
        time.sleep(0.01)
    under_way = emulator.count("/backups")
    emulator.heal()
    viewer.join(10)

    assert under_way == 1 + 4
    [listing] = listings
    assert (listing.total, listing.complete) == (150, True)
    assert emulator.count("/backups") == 17


def test_pages_that_hang_end_with_the_budget_of_a_call(
    eu: Project, emulator: Emulator, portal: Settings
) -> None:
    portal.DCS_PAGE_SIZE = 10
    emulator.set_records(ORDERS, raws(150))
    emulator.hang(after=2)

    began = time.monotonic()
    problem = problem_of(eu)
    settled()
    took = time.monotonic() - began
    let_go()

    assert problem.kind in ("timed_out", "being_read")
    assert took < 2
    assert emulator.count("/backups") <= 2 + 4
