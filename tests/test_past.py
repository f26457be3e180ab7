"""The demo's past: what the portal would have read of the emulated fleet."""

from datetime import UTC, datetime, timedelta

from backups.emulator.fleet import ORDERS_CACHE_ID, Fleet
from backups.management import past
from backups.management.past import DELETED_ID, replay
from backups.models import Instance, Reading
from backups.services.evidence import evidence_of, gaps
from backups.services.listings import instance_backups
from backups.services.projects import configured_projects
from tests.conftest import restart


def test_the_demo_has_a_past_and_goes_on_with_it_the_next_day(portal, endpoint, client_of, monkeypatch):
    names = {one.name for project in Fleet().projects for one in Fleet().instances(project)}
    monkeypatch.setattr(past, "LEFT_OUT", names - {"orders-cache", "baskets", "pricing-bad-week"})
    now = datetime.now(UTC)
    yesterday = now - timedelta(days=1)

    replay(endpoint, now=yesterday)

    listing = instance_backups(configured_projects()["eu-prod"], ORDERS_CACHE_ID, now=yesterday)
    kept = evidence_of(listing).values()
    assert listing.source == "cache"
    assert sum(one.gone is not None for one in kept) >= 20
    succeeded = [one for one in kept if one.changes and one.changes[0].was.status == "backuping"]
    assert succeeded
    assert all(one.changes[0].now.status in ("succeed", "failed") for one in succeeded)
    assert any(change.now.status == "expired" for one in kept for change in one.changes)
    [gap] = gaps(listing)
    assert gap.problem == "unreachable"
    assert timedelta(days=1) <= gap.end - gap.start <= timedelta(days=2)
    assert not Reading.objects.filter(is_doubtful=True).exists()
    last = Reading.objects.latest("pk").pk

    restart()
    replay(endpoint, now=now)

    new = Reading.objects.filter(pk__gt=last)
    assert new.exists()
    assert not new.filter(first_at__lt=yesterday).exists()
    assert Instance.objects.get(instance_id=DELETED_ID).gone_why == "unknown"
    page = client_of("ada").get(f"/projects/eu-prod/instances/{DELETED_ID}/")
    assert page.status_code == 200
    assert "vouchers" in page.content.decode()
