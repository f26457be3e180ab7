"""What failed and what became worse or better: as pages, and for programs."""

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
OLD = "as_of=2020-01-01T00:00:00Z"


def ago(minutes):
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def read(portal):
    """`read(minutes_ago, {hours_ago: fields})`: the list of orders-cache as it was read then."""
    portal.DCS_RPO = timedelta(hours=24)

    def read(minutes, backups):
        sent = []
        for hours, fields in backups.items():
            at = api_time(NOW - timedelta(hours=hours))
            times = dict.fromkeys(("created_at", "execution_at", "updated_at"), at)
            sent.append(raw(**{"backup_id": f"b-{int(hours * 10)}", **times, **fields}))
        subject = Subject("backups", configured_projects()["eu-prod"], ORDERS_CACHE_ID)
        recorder.record(subject, walk_of(sent), read_at=NOW - timedelta(minutes=minutes))

    return read


def told(client, report, query=""):
    return client.get(f"/{report}.json?{query}").json()


def ticket_of(client, address):
    return client.get(address, headers={"Accept": "text/plain"}).content.decode()


def test_failures_are_told_by_code_also_of_what_has_left_the_list(ada, read):
    read(90, {30: FAILED, 29: FAILED, 28: NOT_RUN, 5: {}})
    read(5, {5: {}})

    page, body = text_of(ada.get("/failures/")), told(ada, "failures")
    one = told(ada, "failures", "error=dcs.08.0008&range=7d")

    rows = [(row["error_code"], row["count"], row["newest_backup_id"]) for row in body["failures"]]
    assert rows == [("dcs.08.0002", 2, "b-290"), ("dcs.08.0008", 1, "b-280")]
    assert body["total"] == sum(day["count"] for day in body["days"]) == 3
    assert len(body["days"]) == 31
    assert "3 backups failed between" in page
    assert "The backup timed out." in page
    assert [row["error_code"] for row in one["failures"]] == ["dcs.08.0008"]
    assert [row["count"] for row in csv_rows(ada.get("/failures.csv"))] == ["2", "1"]
    for query in ("range=24h", "instance=no-such"):
        assert told(ada, "failures", query)["failures"] == []


def test_a_copied_link_of_failures_never_gains_what_was_learnt_later(ada, read):
    read(90, {30: FAILED, 5: {}})
    then = f"as_of={ago(60)}"
    urls = (f"/failures.json?{then}", f"/failures.csv?{then}")
    before = [ada.get(url).getvalue() for url in urls]
    read(5, {30: FAILED, 5: {}, 4: FAILED})

    assert "1 backup failed between" in text_of(ada.get(f"/failures/?{then}"))
    assert "1 backup failed from" in ticket_of(ada, f"/failures/ticket/?{then}&text=plain")
    assert [ada.get(url).getvalue() for url in urls] == before
    assert told(ada, "failures")["total"] == 2


def test_changes_tell_what_became_worse_and_better_and_not_what_came_back(ada, read):
    read(120, {2.5: {}})
    read(60, {2.5: EXPIRED})
    [change], page = told(ada, "changes")["changes"], text_of(ada.get("/changes/"))
    read(5, {2.5: EXPIRED, 1: {}})

    said = (change["direction"], change["before_verdict"], change["reason"], change["at"])
    assert said == ("worse", "usable", "all_gone", ago(60))
    assert change["url"].endswith(ORDERS)
    assert "Became worse 1" in page
    assert told(ada, "changes")["changes"] == []
    assert told(ada, "changes", f"as_of={ago(30)}")["changes"] == [change]
    # Also where the instance has gone since.
    Instance.objects.filter(instance_id=ORDERS_CACHE_ID).update(gone_since=NOW - timedelta(minutes=10))
    assert told(ada, "changes", f"as_of={ago(30)}")["changes"] == [change]
    assert told(ada, "changes", f"as_of={ago(5)}")["changes"] == []


def test_a_list_that_nobody_reads_any_more_is_a_change_for_the_worse(ada, read):
    read(200, {5: {}})

    [change] = told(ada, "changes")["changes"]

    assert (change["reason"], change["direction"], change["at"]) == ("read_too_long_ago", "worse", ago(70))


@pytest.mark.parametrize(
    ("verdict", "reason", "direction"),
    [
        ("unknown", "no_time", "worse"),
        ("unsupported", "single_node", "worse"),
        ("usable", "no_objective", "better"),
    ],
)
def test_what_is_no_longer_known_or_backed_up_has_not_become_better(ada, read, verdict, reason, direction):
    read(120, {30: {}})
    before = {"before_verdict": "attention", "before_reason": "failing"}
    instance = Instance.objects.get(instance_id=ORDERS_CACHE_ID)
    instance.verdicts.create(at=NOW, verdict=verdict, reason=reason, **before)

    assert [one["direction"] for one in told(ada, "changes", "range=24h")["changes"]] == [direction]


@pytest.mark.parametrize("report", ["failures", "changes"])
def test_nobody_sees_a_report_of_what_they_may_not_see(client_of, read, report):
    read(200, {30: FAILED, 5: {}})
    ben, cleo = map(client_of, ("ben", "cleo"))

    assert told(cleo, report, "range=7d")[report] == []
    assert ORDERS_CACHE_ID not in cleo.get(f"/{report}/?range=7d").content.decode()
    assert told(ben, report, "range=7d")[report] != []
    assert told(ben, report, "range=7d&project=cn-prod")[report] == []


@pytest.mark.parametrize("report", ["failures", "changes"])
def test_a_report_says_of_how_many_instances_it_can_tell_nothing(client_of, read, report):
    ada, ben, cleo = map(client_of, ("ada", "ben", "cleo"))
    first = text_of(ben.get(f"/{report}/"))
    ben.get("/projects/eu-prod/")
    read(5, {5: {}})
    page, body, headers = (
        text_of(ben.get(f"/{report}/")),
        told(ben, report),
        ben.get(f"/{report}.csv").headers,
    )
    ticket, before = ticket_of(ada, f"/{report}/ticket/?text=plain"), told(ben, report, OLD)

    assert "Not read yet, open to read: eu-prod" in first
    assert "1 of 20 instances read ; the rest are not known yet." in page
    assert (body["complete"], body["read"], body["not_read"]) == (False, 1, 19)
    assert (headers["X-Complete"], headers["X-Read"], headers["X-Not-Read"]) == ("false", "1", "19")
    assert "1 of 20 instances read; the rest are not known yet." in ticket
    assert "The instances of project cn-prod are not known yet." in ticket
    assert (before["complete"], before["read"], before["not_read"]) == (False, 0, 0)
    assert "You have no access to any project yet" in text_of(cleo.get(f"/{report}/"))


@pytest.mark.parametrize("report", ["failures", "changes"])
def test_a_report_s_query_that_cannot_be_read_is_named(ada, report):
    page, body = ada.get(f"/{report}/?range=soon"), ada.get(f"/{report}.json?range=soon")

    assert page.status_code == body.status_code == 400
    assert report not in body.json()
    assert "soon" in text_of(page)
    assert ada.get(f"/{report}/ticket/?range=soon").status_code == 400
    assert ada.get(f"/{report}.xml").status_code == 404


def test_reports_are_copied_for_a_ticket_as_a_history_is(ada, read):
    read(120, {30: FAILED, 2.5: {}})
    read(60, {2.5: EXPIRED})
    texts = {}
    for report in ("failures", "changes"):
        [ticket] = links_of(ada.get(f"/{report}/?range=7d"), "data-ticket ")
        texts[report] = ticket_of(ada, f"{ticket}&text=markdown")

    name = f"[`{ORDERS_CACHE_ID}`](<http://127.0.0.1:8000{ORDERS}>)"
    assert "**DCS backup failures:** 1 backup failed from" in texts["failures"]
    assert f"* `dcs.08.0002` (the backup timed out): {name}, project `eu-prod`, 1 ×" in texts["failures"]
    assert "Check the instance's load" in texts["failures"]
    assert "**Became worse:** 1" in texts["changes"]
    assert f"* {name}, project `eu-prod`: No usable backup (" in texts["changes"]
    assert "before: Usable" in texts["changes"]
    assert all("as_of=" in text for text in texts.values())
