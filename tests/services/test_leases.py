"""One holder at a time, and the way is free when it ends, however it ends."""

import pytest
from django.db.models.functions import Now

from backups.models import Note
from backups.services.listings import leases

from ..conftest import wait_for
from .conftest import at_once

pytestmark = pytest.mark.usefixtures("portal")


def acquired_at_once():
    """What is acquired when thirty threads want the same lease."""
    return [lease for lease in at_once(30, lambda: leases.acquire("a list")) if lease]


def test_of_many_threads_one_holds_it_until_it_releases_it_and_another_name_is_another_lease():
    [held] = acquired_at_once()
    leases.acquire("another list").release()
    held.release()

    leases.acquire("a list").release()


def test_another_process_s_lease_is_not_taken_until_it_has_run_out(monkeypatch):
    held = leases.acquire("a list")
    with monkeypatch.context() as another_process:
        another_process.setattr(leases, "_OWNER", "another process")
        another_process.setattr(leases, "_held", set())
        assert leases.acquire("a list") is None

        Note.objects.update(ends=Now())

        leases.acquire("a list").release()
    assert held.is_lost()
    held.release()


def test_a_lease_is_prolonged_while_it_is_held():
    held = leases.acquire("a list")
    ends = Note.objects.get().ends

    wait_for(lambda: Note.objects.get().ends > ends)

    assert not held.is_lost()
    held.release()


def test_while_the_database_is_full_each_process_goes_ahead_but_only_one_of_its_threads(full_database):
    [held] = acquired_at_once()

    assert not held.is_lost()
    held.release()
