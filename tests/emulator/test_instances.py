"""ListInstances and ShowInstance of the emulator (dcs-api.md section 4)."""

from __future__ import annotations

from typing import Any

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID

from .conftest import Caller


def names(dcs: Caller, query: str) -> list[str]:
    return [one["name"] for one in dcs.get(f"/instances{query}").json()["instances"]]


def test_instances_are_listed_by_tens_with_their_number(dcs: Caller) -> None:
    body = dcs.get("/instances").json()

    assert len(body["instances"]) == 10
    assert body["instance_num"] == len(dcs.emulator.fleet.instances(dcs.project)) == 20


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?name=ORDERS", {"orders-cache"}),
        ("?name_equal=orders-cache", {"orders-cache"}),
        ("?name_equal=orders", set()),
        ("?status=FROZEN", {"frozen-tenant"}),
        (f"?instance_id={ORDERS_CACHE_ID}", {"orders-cache"}),
        ("?tags=team%3Dshop%2Ctier%3D1", {"baskets"}),
        ("?name=orders&unheard_of=1", {"orders-cache"}),
    ],
)
def test_each_filter_of_the_list(dcs: Caller, query: str, expected: set[str]) -> None:
    assert set(names(dcs, query)) == expected


def test_paging_meets_every_instance_once_and_tiny_ones_tell_their_capacity_in_capacity_minor(
    dcs: Caller,
) -> None:
    walked = [name for offset in range(0, 21, 7) for name in names(dcs, f"?limit=7&offset={offset}")]
    assert sorted(walked) == sorted(one.name for one in dcs.emulator.fleet.instances(dcs.project))

    staging = dcs.emulator.fleet.project("ap-staging")
    body = dcs.get(f"/v2/{staging.project_id}/instances?name=tiny", auth=dcs.auth(staging)).json()
    [tiny] = body["instances"]
    assert (tiny["capacity"], tiny["capacity_minor"], tiny["max_memory"]) == (0, ".125", 128)


def test_instances_that_were_never_made_are_listed_only_on_request(dcs: Caller) -> None:
    staging = dcs.emulator.fleet.project("ap-staging")
    path = f"/v2/{staging.project_id}/instances"

    def statuses(query: str) -> set[str]:
        body = dcs.get(path + query, auth=dcs.auth(staging)).json()
        return {one["status"] for one in body["instances"]}

    assert "CREATEFAILED" not in statuses("?limit=100")
    assert "CREATEFAILED" in statuses("?limit=100&include_failure=true")


def test_showing_an_instance_adds_cache_mode_and_backup_policy(dcs: Caller) -> None:
    shown = dcs.get(f"/instances/{ORDERS_CACHE_ID}").json()

    assert shown["cache_mode"] == "ha"
    assert shown["instance_backup_policy"]["policy"]["periodical_backup_plan"]["begin_at"] == "22:00-23:00"
    listed = next(one for one in dcs.get("/instances?name=orders").json()["instances"])
    assert "cache_mode" not in listed
    assert listed.items() <= shown.items()


def test_backup_policies_come_in_both_documented_shapes_and_as_null(dcs: Caller) -> None:
    def policy(name: str) -> Any:
        instance = dcs.emulator.fleet.named(name)
        return dcs.get(f"/instances/{instance.instance_id}").json()["instance_backup_policy"]

    assert policy("orders-cache")["policy"]["backup_type"] == "auto"
    assert policy("odd-fields")["backup_type"] == "auto"
    assert policy("sessions-live")["policy"]["backup_type"] == "manual"
    assert policy("sessions-single") is None


def test_an_unknown_url_is_refused_by_dcs_or_by_the_gateway(dcs: Caller) -> None:
    below = dcs.get("/caches")
    outside = dcs.get("/v2/")
    writing = dcs.session.delete(
        f"{dcs.endpoint}/v2/{dcs.project.project_id}/instances/{ORDERS_CACHE_ID}", auth=dcs.auth(), timeout=5
    )

    assert (below.status_code, below.json()["error_code"]) == (404, "DCS.4001")
    assert (writing.status_code, writing.json()["error_code"]) == (404, "APIGW.0101")
    assert outside.status_code == 404
