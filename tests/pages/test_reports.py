"""What failed and what became worse or better: as pages, and for programs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.models import Instance
from backups.services.listings import Subject, recorder
from backups.services.projects import configured_projects
from tests.services.api_records import EXPIRED, FAILED, NOT_RUN, api_time, raw
from tests.services.readings import walk_of

from .conftest import ORDERS, csv_rows, links_of, text_of

NOW = datetime.now(UTC).replace(microsecond=0)
Read = Callable[..., None]


@pytest.fixture
def read(portal):
    """`read(minutes_ago, {hours_ago: fields})`: the list of orders-cache as it was read then."""
    portal.DCS_RPO = timedelta(hours=24)

    def read(minutes, backups, instance_id=ORDERS_CACHE_ID):
        sent = []
        for hours, fields in backups.items():
            at = api_time(NOW - timedelta(hours=hours))
            times = dict.fromkeys(("created_at", "execution_at", "updated_at"), at)
            sent.append(raw(**{"backup_id": f"b-{int(hours * 10)}", **times, **fields}))
        subject = Subject("backups", configured_projects()["eu-prod"], ORDERS_CACHE_ID)
        recorder.record(subject, walk_of(sent), read_at=NOW - timedelta(minutes=minutes))

    return read


def test_failures_are_told_by_code_also_of_what_has_left_the_list(ada, read):
    read(90, {30: FAILED, 29: FAILED, 28: NOT_RUN, 5: {}})
    read(5, {5: {}})

    page = text_of(ada.get("/failures/"))
    body = ada.get("/failures.json").json()
    one = ada.get("/failures.json?error=dcs.08.0008&range=7d").json()

    rows = [(row["error_code"], row["count"], row["newest_backup_id"]) for row in body["failures"]]
    assert rows == [("dcs.08.0002", 2, "b-290"), ("dcs.08.0008", 1, "b-280")]
    assert body["total"] == sum(day["count"] for day in body["days"]) == 3
    assert len(body["days"]) == 31
    assert "3 backups failed between" in page
    assert "The backup timed out." in page
    assert [row["error_code"] for row in one["failures"]] == ["dcs.08.0008"]
    assert [row["count"] for row in csv_rows(ada.get("/failures.csv"))] == ["2", "1"]
    assert ada.get("/failures.json?range=24h").json()["failures"] == []
    assert ada.get("/failures.json?instance=no-such").json()["failures"] == []


def test_a_copied_link_of_failures_never_gains_what_was_learnt_later(ada, read):
    read(90, {30: FAILED, 5: {}})
    then = f"as_of={NOW - timedelta(minutes=60):%Y-%m-%dT%H:%M:%SZ}"
    urls = (f"/failures.json?{then}", f"/failures.csv?{then}")
    before = [ada.get(url).getvalue() for url in urls]
    read(5, {30: FAILED, 5: {}, 4: FAILED})

    ticket = ada.get(f"/failures/ticket/?{then}&text=plain", headers={"Accept": "text/plain"})
    assert "1 backup failed between" in text_of(ada.get(f"/failures/?{then}"))
    assert "1 backup failed from" in ticket.content.decode()
    assert [ada.get(url).getvalue() for url in urls] == before
    assert ada.get("/failures.json").json()["total"] == 2


def test_changes_tell_what_became_worse_and_better_and_not_what_came_back(ada, read):
    read(120, {2.5: {}})
    read(60, {2.5: EXPIRED})
    worse = ada.get("/changes.json").json()
    page = text_of(ada.get("/changes/"))
    read(5, {2.5: EXPIRED, 1: {}})

    after = ada.get("/changes.json").json()
    later = ada.get("/changes.json?as_of=" + f"{NOW - timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}").json()

    [change] = worse["changes"]
    assert (change["direction"], change["before_verdict"], change["reason"]) == (
        "worse",
        "usable",
        "all_gone",
    )
    assert change["at"] == f"{NOW - timedelta(minutes=60):%Y-%m-%dT%H:%M:%SZ}"
    assert change["url"].endswith(ORDERS)
    assert "Became worse 1" in page
    assert after["changes"] == []
    assert later["changes"] == worse["changes"]


def test_a_list_that_nobody_reads_any_more_is_a_change_for_the_worse(ada, read):
    read(200, {5: {}})

    [change] = ada.get("/changes.json").json()["changes"]

    assert (change["reason"], change["direction"]) == ("read_too_long_ago", "worse")
    assert change["at"] == f"{NOW - timedelta(minutes=70):%Y-%m-%dT%H:%M:%SZ}"


def test_what_is_no_longer_known_or_backed_up_has_not_become_better(ada, read):
    read(120, {30: {}})
    [row] = Instance.objects.filter(instance_id=ORDERS_CACHE_ID)
    told = []
    for verdict, reason in (
        ("unknown", "no_time"),
        ("unsupported", "single_node"),
        ("usable", "no_objective"),
    ):
        row.verdicts.create(
            at=NOW, verdict=verdict, reason=reason, before_verdict="attention", before_reason="failing"
        )
        told += [one["direction"] for one in ada.get("/changes.json?range=24h").json()["changes"]]

    assert told == ["worse", "worse", "better"]


@pytest.mark.parametrize("report", ["failures", "changes"])
def test_nobody_sees_a_report_of_what_they_may_not_see(client_of, read, report):
    read(200, {30: FAILED, 5: {}})
    cleo = client_of("cleo")

    assert cleo.get(f"/{report}.json?range=7d").json()[report] == []
    assert ORDERS_CACHE_ID not in cleo.get(f"/{report}/?range=7d").content.decode()
    assert client_of("ben").get(f"/{report}.json?range=7d").json()[report] != []
    assert client_of("ben").get(f"/{report}.json?range=7d&project=cn-prod").json()[report] == []


@pytest.mark.parametrize("report", ["failures", "changes"])
def test_a_report_says_of_how_many_instances_it_can_tell_nothing(client_of, read, report):
    ada, ben, cleo = map(client_of, ("ada", "ben", "cleo"))
    first = text_of(ben.get(f"/{report}/"))
    ben.get("/projects/eu-prod/")
    read(5, {5: {}})
    page, body = text_of(ben.get(f"/{report}/")), ben.get(f"/{report}.json").json()
    headers = ben.get(f"/{report}.csv").headers
    ticket = ada.get(f"/{report}/ticket/?text=plain", headers={"Accept": "text/plain"}).content.decode()
    before = ben.get(f"/{report}.json?as_of=2020-01-01T00:00:00Z").json()

    assert "Not read yet, open to read: eu-prod" in first
    assert "1 of 20 instances read ; the rest are not known yet." in page
    assert (body["complete"], body["read"], body["not_read"]) == (False, 1, 19)
    assert (headers["X-Complete"], headers["X-Read"], headers["X-Not-Read"]) == ("false", "1", "19")
    assert "1 of 20 instances read; the rest are not known yet." in ticket
    assert "The instances of project cn-prod are not known yet." in ticket
    assert (before["complete"], before["read"], before["not_read"]) == (False, 0, 0)
    assert "You have no access to any project yet" in text_of(cleo.get(f"/{report}/"))


def test_a_link_to_changes_of_the_past_tells_of_what_is_gone_by_now(ada, read):
    read(120, {2.5: {}})
    read(60, {2.5: EXPIRED})
    Instance.objects.filter(instance_id=ORDERS_CACHE_ID).update(gone_since=NOW - timedelta(minutes=10))

    then = ada.get(f"/changes.json?as_of={NOW - timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}").json()

    assert [one["instance_id"] for one in then["changes"]] == [ORDERS_CACHE_ID]
    assert ada.get("/changes.json").json()["changes"] == []


@pytest.mark.parametrize("report", ["failures", "changes"])
def test_a_report_s_query_that_cannot_be_read_is_named(ada, report):
    page, body = ada.get(f"/{report}/?range=soon"), ada.get(f"/{report}.json?range=soon")

    assert page.status_code == body.status_code == 400
    assert report not in body.json()
    assert "soon" in text_of(page)
    assert ada.get(f"/{report}.xml").status_code == 404


def test_reports_are_copied_for_a_ticket_as_a_history_is(ada, read):
    read(120, {30: FAILED, 2.5: {}})
    read(60, {2.5: EXPIRED})
    texts = {}
    for report in ("failures", "changes"):
        [ticket] = links_of(ada.get(f"/{report}/?range=7d"), "data-ticket ")
        texts[report] = ada.get(f"{ticket}&text=markdown", headers={"Accept": "text/plain"}).content.decode()
        assert ada.get(f"/{report}/ticket/?range=soon").status_code == 400

    name = f"[`{ORDERS_CACHE_ID}`](<http://127.0.0.1:8000{ORDERS}>)"
    assert "**DCS backup failures:** 1 backup failed from" in texts["failures"]
    assert f"* `dcs.08.0002` (the backup timed out): {name}, project `eu-prod`, 1 ×" in texts["failures"]
    assert "Check the instance's load" in texts["failures"]
    assert "**Became worse:** 1" in texts["changes"]
    assert f"* {name}, project `eu-prod`: No usable backup (" in texts["changes"]
    assert "before: Usable" in texts["changes"]
    assert all("as_of=" in text for text in texts.values())
