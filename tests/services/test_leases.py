"""One holder at a time, and the way is free when it ends, however it ends."""

from contextlib import contextmanager

import pytest
from django.db.models.functions import Now

from backups.models import Note
from backups.services.listings import leases

from ..conftest import wait_for
from .conftest import at_once

pytestmark = pytest.mark.usefixtures("portal")


def test_of_many_threads_one_holds_it_and_another_name_is_another_lease():
    held = [lease for lease in at_once(30, lambda: leases.acquire("a list")) if lease]
    other = leases.acquire("another list")

    assert len(held) == 1
    assert other
    other.release()
    held[0].release()


def test_what_was_released_can_be_acquired_again():
    for _ in range(3):
        held = leases.acquire("a list")
        assert held
        held.release()


def test_another_process_s_lease_is_not_taken_until_it_has_run_out():
    held = leases.acquire("a list")
    assert held
    with another_process():
        assert leases.acquire("a list") is None

        Note.objects.update(ends=Now())

        taken = leases.acquire("a list")
        assert taken
        taken.release()
    assert held.is_lost()
    held.release()


def test_a_lease_is_prolonged_while_it_is_held():
    held = leases.acquire("a list")
    assert held
    ends = Note.objects.get().ends

    wait_for(lambda: Note.objects.get().ends > ends)

    assert not held.is_lost()
    held.release()


def test_while_the_database_is_full_each_process_goes_ahead_but_only_one_of_its_threads(full_database):
    held = [lease for lease in at_once(30, lambda: leases.acquire("a list")) if lease]

    assert len(held) == 1
    assert not held[0].is_lost()
    held[0].release()


@contextmanager
def another_process():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "_OWNER", "another process")
        patch.setattr(leases, "_held", set())
        yield
