"""An upgrade of the database goes forwards, and whoever is signed in stays so."""

import pytest
from django.core.management import call_command

from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.models import Backup, CloudProject
from backups.services.listings import reader

from .conftest import forget_everything


@pytest.fixture
def from_before():
    """Brings the database back to what an earlier version made of it."""
    yield lambda migration: call_command("migrate", "backups", migration, verbosity=0)
    call_command("migrate", verbosity=0)
    forget_everything()


@pytest.mark.parametrize("migration", ["zero", "0001"])
def test_after_an_upgrade_sessions_are_still_there_and_evidence_is_kept(
    portal, client_of, from_before, migration
):
    ada = client_of("ada")
    from_before(migration)

    call_command("migrate", verbosity=0)

    assert ada.get(f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/").status_code == 200
    assert reader.wait_for_readers()
    assert Backup.objects.exists()
    assert CloudProject.objects.get().name == "eu-prod"


def test_every_change_of_a_model_has_its_migration(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
