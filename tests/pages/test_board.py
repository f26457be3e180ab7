"""The board: every instance with its verdict, the worst first, as a page and for programs."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.models import Instance, InstanceSummary
from backups.services import listings
from backups.services.listings import reader
from backups.services.projects import configured_projects
from tests.services.api_records import DCS_SAYS_NO, FAILED, api_time, raw

from .conftest import ORDERS, PROJECT, csv_rows, csv_text, links_of, text_of

NOW = datetime.now(UTC)
# What the lists of the fleet's instances say, by name: the hours since each backup, and what became of it.
LISTS = {
    "orders-cache": {2: {}},
    "baskets": {30: {}},
    "brand-new": {},
    "billing-broken": {3: FAILED, 2: FAILED, 1: FAILED},
    "search-suggest": {2: DCS_SAYS_NO},
    "frozen-tenant": {2: {}},
    "rate-limits": {40: {}, 3: FAILED, 2: FAILED, 1: FAILED},
}


def id_of(emulator, name):
    return emulator.fleet.named(name, "eu-prod").instance_id


def read_lists(emulator, names=LISTS):
    """Let the portal read what the fleet says now of its instances, and these lists."""
    eu = configured_projects()["eu-prod"]
    listings.project_instances(eu, now=datetime.now(UTC))
    for name in names:
        sent = [raw(n, **_at(hours), **fields) for n, (hours, fields) in enumerate(LISTS[name].items())]
        emulator.set_records(id_of(emulator, name), sent)
        listings.backups_and_instance(eu, id_of(emulator, name), now=datetime.now(UTC))
    assert reader.wait_for_readers()


def _at(hours):
    at = api_time(datetime.now(UTC) - timedelta(hours=hours))
    return dict.fromkeys(("created_at", "execution_at", "updated_at"), at)


@pytest.fixture
def lists_read(portal, emulator):
    portal.DCS_RPO = timedelta(hours=24)
    read_lists(emulator)


def verdicts(page):
    """The verdict and reason of each row of a page by its instance's id, in the page's order."""
    rows = re.findall(
        r'data-instance-id="([^"]+)" data-verdict="(\w+)" data-reason="(\w+)"', page.content.decode()
    )
    return {instance_id: f"{verdict} {reason}" for instance_id, verdict, reason in rows}


@pytest.mark.usefixtures("lists_read")
def test_the_worst_stand_first_and_page_json_and_csv_say_the_same(ada, emulator):
    expected = {
        "billing-broken": "none all_failed",
        "search-suggest": "none none_allowed",
        "brand-new": "none no_backup",
        "rate-limits": "attention objective_missed",
        "baskets": "attention objective_missed",
        "frozen-tenant": "attention not_now",
        "orders-cache": "usable within_objective",
    }
    shown = verdicts(ada.get(PROJECT))
    body = ada.get(f"{PROJECT}instances.json").json()
    rows = csv_rows(ada.get(f"{PROJECT}instances.csv"))

    by_id = {id_of(emulator, name): verdict for name, verdict in expected.items()}
    assert {one: verdict for one, verdict in shown.items() if one in by_id} == by_id
    order = [shown[one].split()[0] for one in shown]
    assert order == sorted(order, key=["none", "attention", "unknown", "usable", "unsupported"].index)
    attention = [one for one in shown if shown[one].startswith("attention")]
    assert attention == [id_of(emulator, name) for name in ("rate-limits", "baskets", "frozen-tenant")]
    assert {one["instance_id"]: f"{one['verdict']} {one['reason']}" for one in body["instances"]} == shown
    assert {one["instance_id"]: f"{one['verdict']} {one['reason']}" for one in rows} == shown
    # The page of an instance says what the board says.
    assert (
        f'data-reason="{expected["baskets"].split()[1]}"'
        in ada.get(f"{PROJECT}instances/{id_of(emulator, 'baskets')}/").content.decode()
    )


@pytest.mark.usefixtures("lists_read")
def test_metrics_say_what_the_board_says_and_leave_out_what_has_no_value(ada, emulator, portal):
    counts = ada.get("/instances.json").json()["counts"]
    told = ada.get("/metrics").content.decode()
    of_instances = ada.get("/metrics/instances").content.decode()

    for verdict, count in counts.items():
        assert f'dcs_portal_instances{{project="eu-prod",verdict="{verdict}"}} {count}.0' in told
    assert 'dcs_portal_instances_by_reason{project="eu-prod",reason="objective_missed"} 2.0' in told
    assert 'project="cn-prod",verdict' not in told
    labels = f'instance_id="{id_of(emulator, "billing-broken")}",name="billing-broken",project="eu-prod"'
    assert f"dcs_portal_instance_failures_in_a_row{{{labels}}} 3.0" in of_instances
    assert f'dcs_portal_instance_verdict{{{labels},reason="all_failed",verdict="none"}} 1.0' in of_instances
    assert f"dcs_portal_instance_newest_usable_timestamp_seconds{{{labels}}}" not in of_instances
    portal.METRICS_TOKEN = "a-token-for-prometheus"
    assert ada.get("/metrics/instances").status_code == 401


@pytest.mark.usefixtures("lists_read")
@pytest.mark.parametrize("name", ["sessions-single", "legacy-memcached"])
def test_what_dcs_never_backs_up_has_no_numbers(ada, emulator, name):
    ada.get(f"{PROJECT}instances/{id_of(emulator, name)}/")
    assert reader.wait_for_readers()

    [row] = ada.get(f"/instances.json?q={name}").json()["instances"]
    told = ada.get("/metrics/instances").content.decode()

    assert row["verdict"] == "unsupported"
    assert row["read_at"] is not None
    assert (row["failures_in_a_row"], row["usable"], row["total"]) == (None, None, None)
    assert f'failures_in_a_row{{instance_id="{row["instance_id"]}"' not in told
    assert "0 of 0" not in text_of(ada.get(f"/?q={name}"))


@pytest.mark.usefixtures("lists_read")
def test_the_json_of_an_instance_tells_what_its_verdict_rests_on(ada, emulator):
    body = ada.get("/instances.json?project=eu-prod&q=rate-limits").json()

    [one] = body["instances"]
    newest = one["newest_usable"]["started_at"]
    assert one["last_attempt"] == {
        "backup_id": raw(3)["backup_id"],
        "status": "failed",
        "error_code": "dcs.08.0002",
        "started_at": one["last_attempt"]["started_at"],
    }
    assert (one["failures_in_a_row"], one["usable"], one["total"]) == (3, 1, 4)
    assert one["objective_seconds"] == 86_400
    assert datetime.fromisoformat(one["breached_since"]) - datetime.fromisoformat(newest) == timedelta(days=1)
    assert one["age_seconds"] == pytest.approx(40 * 3600, abs=60)
    assert one["url"].endswith(f"{PROJECT}instances/{id_of(emulator, 'rate-limits')}/")
    assert (body["counts"]["attention"], body["matched"], body["problems"]) == (1, 1, {})
    assert body["read"] + body["not_read"] == len(emulator.fleet.instances(emulator.fleet.primary))


@pytest.mark.usefixtures("lists_read")
def test_what_was_not_read_is_not_known_and_never_none(ada):
    page, body = text_of(ada.get(PROJECT)), ada.get("/instances.json").json()

    assert "7 of 20 instances read ; the rest are not known yet." in page
    assert "Watched since" not in page  # it stands in the head, in small letters
    assert "watched since" in page
    assert (body["read"], body["not_read"], body["complete"]) == (7, 13, False)
    unread = [one for one in body["instances"] if one["reason"] == "never_read"]
    assert len(unread) == 13
    assert {(one["verdict"], one["usable"], one["read_at"]) for one in unread} == {("unknown", None, None)}


@pytest.mark.usefixtures("lists_read")
def test_how_long_the_rest_takes_follows_from_when_reading_began(ada, portal):
    InstanceSummary.objects.exclude(read_at=None).update(read_at=datetime.now(UTC) - timedelta(minutes=2.1))
    off = text_of(ada.get(PROJECT))
    portal.COLLECT = True

    on = text_of(ada.get(PROJECT))

    # Seven took two minutes, so that thirteen take nearly four.
    assert "the rest are not known yet. About 3 min left." in on
    assert "left." not in off


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("verdict=attention&reason=objective_missed", ["rate-limits", "baskets"]),
        ("verdict=usable&verdict=none&q=s", ["search-suggest", "orders-cache"]),
        ("tag=team=shop", ["baskets", "orders-cache"]),
        ("status=FROZEN", ["frozen-tenant"]),
        ("engine=redis+6.0&verdict=usable", ["orders-cache"]),
        ("rpo=3h&q=orders", ["orders-cache"]),
        ("verdict=attention&sort=-name", ["rate-limits", "frozen-tenant", "baskets"]),
    ],
)
@pytest.mark.usefixtures("lists_read")
def test_filters_find_and_count_on_the_whole_board(ada, emulator, query, names):
    page = ada.get(f"/?{query}")

    assert list(verdicts(page)) == [id_of(emulator, name) for name in names]
    assert ada.get(f"/instances.json?{query}").json()["matched"] == len(names)


@pytest.mark.usefixtures("lists_read")
def test_another_objective_is_tried_by_the_link_alone(ada, emulator):
    tried = ada.get("/?rpo=1h&q=orders")
    one = ada.get("/instances.json?rpo=1h&q=orders").json()["instances"][0]

    assert verdicts(tried) == {ORDERS_CACHE_ID: "attention objective_missed"}
    assert "as if it were 1 h" in text_of(tried)
    assert (one["objective_seconds"], one["reason"]) == (3600, "objective_missed")
    assert verdicts(ada.get("/?q=orders")) == {ORDERS_CACHE_ID: "usable within_objective"}


@pytest.mark.usefixtures("lists_read")
@pytest.mark.parametrize("asked", ["rpo=1h&tz=Asia%2FShanghai", "as_of=2099-01-01T00%3A00%3A00Z"])
def test_a_count_of_a_head_leads_to_what_it_counts(ada, asked):
    page = ada.get(f"/?{asked}&q=nothing&sort=name")
    counts = re.findall(
        r'<a href="([^"]+)">\s*<span class="swatch is-(\w+)".*?<b>(\d+)</b>', page.content.decode()
    )

    assert counts
    for link, verdict, count in counts:
        assert asked.partition("&")[0] in link
        shown = verdicts(ada.get(html.unescape(link)))
        assert [one.split()[0] for one in shown.values()] == [verdict] * int(count)
    if "as_of" in asked:
        assert f'href="/changes/?{asked}"' in page.content.decode()


@pytest.mark.usefixtures("lists_read")
def test_what_time_alone_brings_is_told_though_nothing_was_read(ada, portal):
    # As if that row had been written an hour before the bound, and the reading were four hours old.
    row = InstanceSummary.objects.get(instance__instance_id=ORDERS_CACHE_ID)
    portal.COLLECT_IDLE_SECONDS = 60
    InstanceSummary.objects.filter(pk=row.pk).update(read_at=datetime.now(UTC) - timedelta(minutes=13))

    page = ada.get("/?q=orders")

    assert verdicts(page) == {ORDERS_CACHE_ID: "unknown read_too_long_ago"}
    assert ada.get("/?q=orders&reason=read_too_long_ago").status_code == 200
    assert ada.get("/instances.json?q=orders").json()["counts"]["unknown"] == 1


@pytest.mark.usefixtures("lists_read")
def test_a_frozen_link_shows_the_verdicts_of_then(ada, emulator):
    [link] = links_of(ada.get("/?verdict=usable"), "data-copy-link")
    then = link.split("8000")[-1] if link.startswith("http") else link
    path = then[then.index("/?") :]
    later = datetime.now(UTC) + timedelta(seconds=2)
    [row] = Instance.objects.filter(instance_id=ORDERS_CACHE_ID)
    row.verdicts.create(
        at=later, verdict="none", reason="all_gone", before_verdict="usable", before_reason="within_objective"
    )

    page = ada.get(path)

    assert "as_of=" in path
    assert verdicts(page) == {ORDERS_CACHE_ID: "usable within_objective"}
    assert "As of" in text_of(page)
    before = ada.get("/?as_of=2020-01-01T00:00:00Z")
    assert verdicts(before) == {}
    assert "Its instances were not known then. watched since" in text_of(before)
    assert ada.get("/instances.json?as_of=2020-01-01T00:00:00Z").json()["complete"] is False


@pytest.mark.usefixtures("lists_read")
def test_an_instance_that_has_vanished_leaves_the_counts_and_keeps_its_page(ada, emulator, portal):
    emulator.hide_instance(ORDERS_CACHE_ID)
    portal.DCS_FRESH_SECONDS = 0
    listings.project_instances(configured_projects()["eu-prod"], now=datetime.now(UTC))
    assert reader.wait_for_readers()

    assert ORDERS_CACHE_ID not in verdicts(ada.get("/"))
    assert ada.get("/instances.json").json()["counts"]["usable"] == 0
    assert ada.get(ORDERS).status_code == 200


def test_nobody_sees_a_count_of_what_they_may_not_see(client_of, portal, emulator):
    for name in ("eu-prod", "cn-prod"):
        listings.project_instances(configured_projects()[name], now=datetime.now(UTC))
    assert reader.wait_for_readers()
    ben = client_of("ben")

    page, body = ben.get("/"), ben.get("/instances.json").json()

    assert {one["project"] for one in body["instances"]} == {"eu-prod"}
    assert (body["matched"], body["not_read"]) == (20, 20)
    assert "cn-prod" not in page.content.decode()
    assert "20 instances" in text_of(page)
    for file in ("", "instances.json", "instances.csv"):
        assert ben.get(f"/projects/cn-prod/{file}").status_code == 404
    assert ben.get("/?project=cn-prod").status_code == 200
    assert not verdicts(ben.get("/?project=cn-prod"))


def test_the_board_asks_dcs_for_nothing_and_a_project_for_its_list_only(ada, emulator):
    empty = text_of(ada.get("/"))
    assert not emulator.calls

    page = ada.get(PROJECT)

    assert "Its instances are not known yet." in empty
    assert len(emulator.calls) == 1
    assert len(verdicts(page)) == 20


def test_a_project_that_cannot_be_read_says_so_in_page_and_json(ada, emulator):
    emulator.fail_with(403)

    page, body = ada.get(PROJECT), ada.get(f"{PROJECT}instances.json")

    assert page.status_code == body.status_code == 502
    assert "instances" not in body.json()
    assert body.json()["problem"]["kind"] == "access_denied"


def test_a_query_that_cannot_be_read_is_named(ada):
    assert ada.get("/?verdict=fine").status_code == 400
    refused = ada.get("/instances.json?verdict=fine")
    assert refused.status_code == 400
    assert "verdict=fine" in refused.json()["problem"]["message"]
    assert "instances" not in refused.json()
    assert ada.get("/instances.csv?sort=colour").status_code == 400


@pytest.mark.usefixtures("lists_read")
def test_pages_of_json_lead_from_one_to_the_next(ada):
    first = ada.get("/instances.json?page=1&per_page=25&project=eu-prod").json()
    paged = ada.get("/instances.json?page=1&per_page=25").json()

    assert (first["page"], first["per_page"], first["next"]) == (1, 25, None)
    assert len(paged["instances"]) == 20
    assert ada.get("/instances.json").json()["page"] is None


@pytest.mark.usefixtures("lists_read")
def test_csv_carries_its_honesty(ada):
    answer = ada.get("/instances.csv")

    assert answer.headers["X-Complete"] == "false"
    assert answer.headers["X-Read"] == "7"
    assert "_incomplete.csv" in answer.headers["Content-Disposition"]
    assert csv_text(ada.get("/instances.csv")).startswith("\ufeffproject,region,instance_id,name,")


@pytest.mark.usefixtures("lists_read")
def test_an_open_board_swaps_in_what_is_new(ada, emulator):
    shown = ada.get("/").headers["X-Shown-Generation"]
    same = ada.get("/", headers={"X-Shown-Generation": shown})
    read_lists(emulator, ["orders-cache"])
    InstanceSummary.objects.filter(instance__instance_id=ORDERS_CACHE_ID).update(
        verdict="none", reason="all_gone"
    )
    newer = ada.get("/", headers={"X-Shown-Generation": shown})

    assert same.status_code == 204
    assert newer.status_code == 200
    assert b"<html" not in newer.content


def ticket_of(client, path):
    answer = client.get(path, headers={"Accept": "text/plain"})
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.usefixtures("lists_read")
def test_the_board_s_text_for_a_ticket_says_what_the_page_shows_in_each_markup(ada, emulator):
    query = "verdict=attention&sort=name"
    [shown] = links_of(ada.get(f"/?{query}"), "data-ticket ")
    plain = ticket_of(ada, f"{shown}&text=plain")
    markdown = ticket_of(ada, f"{PROJECT}ticket/?q=orders&text=markdown")
    chinese = ticket_of(ada, f"{PROJECT}ticket/?text=slack&lang=zh-hans")

    assert shown == f"/ticket/?{query}"
    assert "DCS backups: 3 of 20 instances match (Verdict: Attention) at " in plain
    assert "7 of 20 instances read; the rest are not known yet." in plain
    assert "Verdict: 3 Attention" in plain
    rows = [line for line in plain.splitlines() if "project eu-prod" in line]
    assert [row.split()[1] for row in rows] == ["baskets", "frozen-tenant", "rate-limits"]
    assert "Usable, but too old: data from" in rows[0]
    assert f"/?{query}&as_of=" in plain
    assert f"[`orders-cache`](<http://127.0.0.1:8000{ORDERS}>)" in markdown
    assert "*DCS 备份*：20 个实例" in chinese
    assert "objective: every" not in markdown
    assert "as if it were 3 h" in ticket_of(ada, "/ticket/?rpo=3h&text=plain&lang=en")
    assert ada.get("/ticket/?verdict=fine").status_code == 400


def test_no_text_tells_of_what_its_reader_may_not_see(client_of):
    assert client_of("ben").get("/projects/cn-prod/ticket/").status_code == 404
    assert "0 instances" in ticket_of(client_of("cleo"), "/ticket/?text=plain")


def test_a_board_that_nothing_fills_says_so_and_leads_to_what_does(ada, portal, emulator):
    off, said = text_of(ada.get("/")), "Automatic reading is off (COLLECT)"
    portal.COLLECT = True
    on = text_of(ada.get("/"))
    portal.COLLECT = False
    ada.get(PROJECT)
    opened = ada.get("/")
    lease = listings.acquire_lease("collector")
    elsewhere = text_of(ada.get("/"))
    if lease:
        lease.release()

    assert said in off
    assert "Not read yet, open to read: eu-prod , cn-prod , ap-staging" in off
    assert "automatic reading is off" in off
    assert said not in on
    assert "This page shows them once they are." in on
    assert lease
    assert said not in elsewhere
    assert "Not read yet, open to read: cn-prod , ap-staging" in text_of(opened)
    assert said in text_of(opened)


@pytest.mark.usefixtures("lists_read")
def test_as_of_then_nothing_of_now_stands_beside_the_verdicts(ada, emulator):
    then = f"{datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    page = ada.get(f"/?as_of={then}&sort=newest&q=frozen")
    body = ada.get(f"/instances.json?as_of={then}").json()
    answer = ada.get(f"/instances.csv?as_of={then}")

    assert verdicts(page) == {id_of(emulator, "frozen-tenant"): "attention not_now"}
    shown = text_of(page)
    assert "frozen-tenant Frozen" not in shown
    assert "Verdicts, reasons and their times are as of then;" in shown
    assert "Status now" in shown
    assert 'aria-sort="ascending"' in page.content.decode()
    assert "Newest usable" not in shown
    assert body["as_of_fields"] == answer.headers["X-As-Of-Fields"].split() == ["verdict", "reason", "since"]
    of_now = {"project", "region", "instance_id", "name", "url"}
    for one in body["instances"]:
        assert {name for name, value in one.items() if value is not None} <= {*of_now, *body["as_of_fields"]}
    assert (body["oldest_evidence"], body["problems"]) == (None, {})
    assert ada.get("/instances.json").json()["as_of_fields"] is None


def test_the_instances_can_be_skipped_to_and_are_there(ada):
    page = ada.get("/").content.decode()

    assert '<a class="skip" href="#instances">Skip to the instances</a>' in page
    assert 'id="instances" tabindex="-1"' in page
