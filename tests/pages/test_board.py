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

from .conftest import ORDERS, PROJECT, copied, csv_rows, csv_text, links_of, text_of

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
OF_ORDERS = InstanceSummary.objects.filter(instance__instance_id=ORDERS_CACHE_ID)


def id_of(emulator, name):
    return emulator.fleet.named(name, "eu-prod").instance_id


def read_project(name="eu-prod"):
    listings.project_instances(configured_projects()[name], now=datetime.now(UTC))
    assert reader.wait_for_readers()


def read_list(emulator, name):
    sent = []
    for n, (hours, fields) in enumerate(LISTS[name].items()):
        at = api_time(datetime.now(UTC) - timedelta(hours=hours))
        sent.append(raw(n, **dict.fromkeys(("created_at", "execution_at", "updated_at"), at), **fields))
    emulator.set_records(id_of(emulator, name), sent)
    eu = configured_projects()["eu-prod"]
    listings.backups_and_instance(eu, id_of(emulator, name), now=datetime.now(UTC))
    assert reader.wait_for_readers()


@pytest.fixture
def board(ada, portal, emulator):
    """Ada's browser; the portal has read the project, and the seven lists."""
    portal.DCS_RPO = timedelta(hours=24)
    read_project()
    for name in LISTS:
        read_list(emulator, name)
    return ada


def verdicts(page):
    """The verdict and reason of each row of a page by its instance's id, in the page's order."""
    rows = re.findall(
        r'data-instance-id="([^"]+)" data-verdict="(\w+)" data-reason="(\w+)"', page.content.decode()
    )
    return {instance_id: f"{verdict} {reason}" for instance_id, verdict, reason in rows}


def told(client, query="", path="/"):
    return client.get(f"{path}instances.json?{query}").json()


def test_the_worst_stand_first_and_page_json_and_csv_say_the_same(board, emulator):
    expected = {
        "billing-broken": "none all_failed",
        "search-suggest": "none none_allowed",
        "brand-new": "none no_backup",
        "rate-limits": "attention objective_missed",
        "baskets": "attention objective_missed",
        "frozen-tenant": "attention not_now",
        "orders-cache": "usable within_objective",
    }
    shown = verdicts(board.get(PROJECT))

    assert {name: shown[id_of(emulator, name)] for name in expected} == expected
    order = [said.split()[0] for said in shown.values()]
    assert order == sorted(order, key=["none", "attention", "unknown", "usable", "unsupported"].index)
    attention = [one for one in shown if shown[one].startswith("attention")]
    assert attention == [id_of(emulator, name) for name in ("rate-limits", "baskets", "frozen-tenant")]
    for rows in (told(board, path=PROJECT)["instances"], csv_rows(board.get(f"{PROJECT}instances.csv"))):
        assert {one["instance_id"]: f"{one['verdict']} {one['reason']}" for one in rows} == shown
    # The page of an instance says what the board says.
    page = board.get(f"{PROJECT}instances/{id_of(emulator, 'baskets')}/").content.decode()
    assert 'data-reason="objective_missed"' in page


def test_metrics_say_what_the_board_says_and_leave_out_what_has_no_value(board, emulator, portal):
    metrics = board.get("/metrics").content.decode()
    of_instances = board.get("/metrics/instances").content.decode()

    for verdict, count in told(board)["counts"].items():
        assert f'dcs_portal_instances{{project="eu-prod",verdict="{verdict}"}} {count}.0' in metrics
    assert 'dcs_portal_instances_by_reason{project="eu-prod",reason="objective_missed"} 2.0' in metrics
    assert 'project="cn-prod",verdict' not in metrics
    labels = f'instance_id="{id_of(emulator, "billing-broken")}",name="billing-broken",project="eu-prod"'
    assert f"dcs_portal_instance_failures_in_a_row{{{labels}}} 3.0" in of_instances
    assert f'dcs_portal_instance_verdict{{{labels},reason="all_failed",verdict="none"}} 1.0' in of_instances
    assert f"dcs_portal_instance_newest_usable_timestamp_seconds{{{labels}}}" not in of_instances
    portal.METRICS_TOKEN = "a-token-for-prometheus"
    assert board.get("/metrics/instances").status_code == 401


@pytest.mark.parametrize("name", ["sessions-single", "legacy-memcached"])
def test_what_dcs_never_backs_up_has_no_numbers(board, emulator, name):
    board.get(f"{PROJECT}instances/{id_of(emulator, name)}/")
    assert reader.wait_for_readers()

    [row] = told(board, f"q={name}")["instances"]

    assert row["verdict"] == "unsupported"
    assert row["read_at"] is not None
    assert (row["failures_in_a_row"], row["usable"], row["total"]) == (None, None, None)
    metrics = board.get("/metrics/instances").content.decode()
    assert f'failures_in_a_row{{instance_id="{row["instance_id"]}"' not in metrics
    assert "0 of 0" not in text_of(board.get(f"/?q={name}"))


def test_the_json_of_an_instance_tells_what_its_verdict_rests_on(board, emulator):
    body = told(board, "project=eu-prod&q=rate-limits")

    [one] = body["instances"]
    newest, last = one["newest_usable"]["started_at"], one["last_attempt"]
    assert last.pop("started_at") > newest
    assert last == {"backup_id": raw(3)["backup_id"], "status": "failed", "error_code": "dcs.08.0002"}
    assert (one["failures_in_a_row"], one["usable"], one["total"]) == (3, 1, 4)
    assert one["objective_seconds"] == 86_400
    assert datetime.fromisoformat(one["breached_since"]) - datetime.fromisoformat(newest) == timedelta(days=1)
    assert one["age_seconds"] == pytest.approx(40 * 3600, abs=60)
    assert one["url"].endswith(f"{PROJECT}instances/{id_of(emulator, 'rate-limits')}/")
    assert (body["counts"]["attention"], body["matched"], body["problems"]) == (1, 1, {})
    assert body["read"] + body["not_read"] == len(emulator.fleet.instances(emulator.fleet.primary))


def test_what_was_not_read_is_not_known_and_never_none(board):
    page, body, csv = text_of(board.get(PROJECT)), told(board), board.get("/instances.csv")

    assert "7 of 20 instances read ; the rest are not known yet." in page
    assert "Watched since" not in page  # it stands in the head, in small letters
    assert "watched since" in page
    assert (body["read"], body["not_read"], body["complete"]) == (7, 13, False)
    unread = [one for one in body["instances"] if one["reason"] == "never_read"]
    assert len(unread) == 13
    assert {(one["verdict"], one["usable"], one["read_at"]) for one in unread} == {("unknown", None, None)}
    assert (csv.headers["X-Complete"], csv.headers["X-Read"], csv.headers["X-Not-Read"]) == (
        "false",
        "7",
        "13",
    )
    assert "_incomplete.csv" in csv.headers["Content-Disposition"]
    assert csv_text(csv).startswith("\ufeffproject,region,instance_id,name,")


def test_how_long_the_rest_takes_follows_from_when_reading_began(board, portal):
    InstanceSummary.objects.exclude(read_at=None).update(read_at=datetime.now(UTC) - timedelta(minutes=2.1))
    off = text_of(board.get(PROJECT))
    portal.COLLECT = True

    # Seven took two minutes, so that thirteen take nearly four.
    assert "the rest are not known yet. About 3 min left." in text_of(board.get(PROJECT))
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
def test_filters_find_and_count_on_the_whole_board(board, emulator, query, names):
    assert list(verdicts(board.get(f"/?{query}"))) == [id_of(emulator, name) for name in names]
    assert told(board, query)["matched"] == len(names)


def test_another_objective_is_tried_by_the_link_alone(board):
    tried, [one] = board.get("/?rpo=1h&q=orders"), told(board, "rpo=1h&q=orders")["instances"]

    assert verdicts(tried) == {ORDERS_CACHE_ID: "attention objective_missed"}
    assert "as if it were 1 h" in text_of(tried)
    assert (one["objective_seconds"], one["reason"]) == (3600, "objective_missed")
    assert verdicts(board.get("/?q=orders")) == {ORDERS_CACHE_ID: "usable within_objective"}


@pytest.mark.parametrize("asked", ["rpo=1h&tz=Asia%2FShanghai", "as_of=2099-01-01T00%3A00%3A00Z"])
def test_a_count_of_a_head_leads_to_what_it_counts(board, asked):
    page = board.get(f"/?{asked}&q=nothing&sort=name").content.decode()
    counts = re.findall(r'<a href="([^"]+)">\s*<span class="swatch is-(\w+)".*?<b>(\d+)</b>', page)

    assert counts
    for link, verdict, count in counts:
        assert asked.partition("&")[0] in link
        shown = verdicts(board.get(html.unescape(link)))
        assert [one.split()[0] for one in shown.values()] == [verdict] * int(count)
    assert (f'href="/changes/?{asked}"' in page) == ("as_of" in asked)


def test_what_time_alone_brings_is_told_though_nothing_was_read(board, portal):
    portal.COLLECT_IDLE_SECONDS = 60
    OF_ORDERS.update(read_at=datetime.now(UTC) - timedelta(minutes=13))

    for query in ("q=orders", "q=orders&reason=read_too_long_ago"):
        assert verdicts(board.get(f"/?{query}")) == {ORDERS_CACHE_ID: "unknown read_too_long_ago"}
    assert told(board, "q=orders")["counts"]["unknown"] == 1


def test_a_frozen_link_shows_the_verdicts_of_then(board):
    path = copied(board.get("/?verdict=usable"))
    instance, later = (
        Instance.objects.get(instance_id=ORDERS_CACHE_ID),
        datetime.now(UTC) + timedelta(seconds=2),
    )
    instance.verdicts.create(at=later, verdict="none", reason="all_gone", before_verdict="usable")

    page, before = board.get(path), board.get("/?as_of=2020-01-01T00:00:00Z")

    assert "as_of=" in path
    assert verdicts(page) == {ORDERS_CACHE_ID: "usable within_objective"}
    assert "As of" in text_of(page)
    assert verdicts(before) == {}
    assert "Its instances were not known then. watched since" in text_of(before)
    assert told(board, "as_of=2020-01-01T00:00:00Z")["complete"] is False


def test_an_instance_that_has_vanished_leaves_the_counts_and_keeps_its_page(board, emulator, portal):
    emulator.hide_instance(ORDERS_CACHE_ID)
    portal.DCS_FRESH_SECONDS = 0
    read_project()

    assert ORDERS_CACHE_ID not in verdicts(board.get("/"))
    assert told(board)["counts"]["usable"] == 0
    assert board.get(ORDERS).status_code == 200


def test_nobody_sees_a_count_of_what_they_may_not_see(client_of, portal, emulator):
    read_project()
    read_project("cn-prod")
    ben = client_of("ben")

    page, body = ben.get("/"), told(ben)

    assert {one["project"] for one in body["instances"]} == {"eu-prod"}
    assert (body["matched"], body["not_read"]) == (20, 20)
    assert "cn-prod" not in page.content.decode()
    assert "20 instances" in text_of(page)
    for file in ("", "instances.json", "instances.csv", "ticket/"):
        assert ben.get(f"/projects/cn-prod/{file}").status_code == 404
    assert ben.get("/?project=cn-prod").status_code == 200
    assert not verdicts(ben.get("/?project=cn-prod"))
    assert "0 instances" in ticket_of(client_of("cleo"), "/ticket/?text=plain")


def test_the_board_asks_dcs_for_nothing_and_a_project_for_its_list_only(ada, emulator):
    empty = ada.get("/")
    assert not emulator.calls

    page = ada.get(PROJECT)

    assert "Its instances are not known yet." in text_of(empty)
    assert '<a class="skip" href="#instances">Skip to the instances</a>' in empty.content.decode()
    assert 'id="instances" tabindex="-1"' in empty.content.decode()
    assert len(emulator.calls) == 1
    assert len(verdicts(page)) == 20


def test_a_project_that_cannot_be_read_says_so_in_page_and_json(ada, emulator):
    emulator.fail_with(403)

    page, body = ada.get(PROJECT), ada.get(f"{PROJECT}instances.json")

    assert page.status_code == body.status_code == 502
    assert "instances" not in body.json()
    assert body.json()["problem"]["kind"] == "access_denied"


def test_a_query_that_cannot_be_read_is_named(ada):
    refused = ada.get("/instances.json?verdict=fine")

    assert refused.status_code == 400
    assert "verdict=fine" in refused.json()["problem"]["message"]
    assert "instances" not in refused.json()
    for address in ("/?verdict=fine", "/instances.csv?sort=colour", "/ticket/?verdict=fine"):
        assert ada.get(address).status_code == 400


def test_pages_of_json_lead_from_one_to_the_next(board):
    read_project("cn-prod")
    first = told(board, "page=1&per_page=25")
    second = board.get(first["next"]).json()

    assert (first["page"], first["per_page"], first["matched"]) == (1, 25, 31)
    assert (second["page"], second["next"]) == (2, None)
    both = [one["instance_id"] for one in (*first["instances"], *second["instances"])]
    assert both == [one["instance_id"] for one in told(board)["instances"]]
    assert told(board)["page"] is None


def test_an_open_board_swaps_in_what_is_new(board, emulator):
    shown = {"X-Shown-Generation": board.get("/").headers["X-Shown-Generation"]}
    same = board.get("/", headers=shown)
    read_list(emulator, "orders-cache")
    OF_ORDERS.update(verdict="none", reason="all_gone")
    newer = board.get("/", headers=shown)

    assert same.status_code == 204
    assert newer.status_code == 200
    assert b"<html" not in newer.content


def ticket_of(client, path):
    answer = client.get(path, headers={"Accept": "text/plain"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_board_s_text_for_a_ticket_says_what_the_page_shows_in_each_markup(board):
    query = "verdict=attention&sort=name"
    [shown] = links_of(board.get(f"/?{query}"), "data-ticket ")
    plain = ticket_of(board, f"{shown}&text=plain")
    markdown = ticket_of(board, f"{PROJECT}ticket/?q=orders&text=markdown")
    chinese = ticket_of(board, f"{PROJECT}ticket/?text=slack&lang=zh-hans")

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
    assert "as if it were 3 h" in ticket_of(board, "/ticket/?rpo=3h&text=plain&lang=en")


def test_a_board_that_nothing_fills_says_so_and_leads_to_what_does(ada, portal):
    off, said = text_of(ada.get("/")), "Automatic reading is off (COLLECT)"
    portal.COLLECT = True
    on = text_of(ada.get("/"))
    portal.COLLECT = False
    ada.get(PROJECT)
    opened = text_of(ada.get("/"))
    lease = listings.acquire_lease("collector")
    assert lease
    elsewhere = text_of(ada.get("/"))
    lease.release()

    assert said in off
    assert "Not read yet, open to read: eu-prod , cn-prod , ap-staging" in off
    assert "automatic reading is off" in off
    assert said not in on
    assert "This page shows them once they are." in on
    assert said not in elsewhere
    assert "Not read yet, open to read: cn-prod , ap-staging" in opened
    assert said in opened


def test_as_of_then_nothing_of_now_stands_beside_the_verdicts(board, emulator):
    then = f"{datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    page = board.get(f"/?as_of={then}&sort=newest&q=frozen")
    body, answer = told(board, f"as_of={then}"), board.get(f"/instances.csv?as_of={then}")

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
    assert told(board)["as_of_fields"] is None
