"""The restores into an instance and of one backup, read when somebody opens them."""

from backups.models import Reading

from .addresses import REFERENCE
from .conftest import ORDERS, history_of, links_of, text_of


def test_a_page_leads_to_the_restores_and_asks_for_them_only_then(ada, emulator):
    assert f"{REFERENCE}restores/" in links_of(ada.get(REFERENCE))
    assert f"{ORDERS}restores/" in links_of(ada.get(ORDERS))
    assert emulator.count("/restores") == 0

    page = ada.get(f"{ORDERS}restores/")

    assert "restored 11 May 2019 02:15:02 UTC , succeeded" in text_of(page)
    assert "restore of 18 Sep" in text_of(page)
    assert "dcs.08.0007" in text_of(page)
    assert REFERENCE in links_of(page)
    block = ada.get(f"{REFERENCE}restores/", headers={"HX-Request": "true"})
    assert "succeeded" in text_of(block)
    assert "<html" not in block.content.decode()
    assert emulator.count("/restores") == 1


def test_a_backup_without_a_restore_says_so(ada, emulator):
    assert "DCS lists no restore of this backup." in text_of(ada.get(f"{ORDERS}backups/other/restores/"))
    baskets = history_of(emulator.fleet.named("baskets").instance_id)
    assert "DCS lists no restore into this instance." in text_of(ada.get(f"{baskets}restores/"))


def test_restores_that_dcs_does_not_tell_are_a_problem_and_no_gap(ada, emulator):
    emulator.fail_with(403, path_contains="/restores")

    refused = ada.get(f"{ORDERS}restores/")

    assert refused.status_code == 502
    assert "DCS.2003" in text_of(refused)
    assert "It is not known right now which restores there were." in text_of(refused)
    assert f"{ORDERS}ticket/" in links_of(refused)
    assert not Reading.objects.exclude(problem="").exists()
