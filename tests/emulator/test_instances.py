"""ListInstances and ShowInstance of the emulator (dcs-api.md section 4)."""

from backups.emulator.fleet import ORDERS_CACHE_ID


def names(dcs, query):
    return [one["name"] for one in dcs.get(f"/instances{query}").json()["instances"]]


def test_each_filter_of_the_list(dcs):
    for query, expected in {
        "?name=ORDERS": ["orders-cache"],
        "?name_equal=orders-cache": ["orders-cache"],
        "?name_equal=orders": [],
        "?status=FROZEN": ["frozen-tenant"],
        f"?instance_id={ORDERS_CACHE_ID}": ["orders-cache"],
        "?tags=team%3Dshop%2Ctier%3D1": ["baskets"],
        "?name=orders&unheard_of=1": ["orders-cache"],
    }.items():
        assert names(dcs, query) == expected, query


def test_paging_meets_every_instance_once(dcs):
    body = dcs.get("/instances").json()
    assert (len(body["instances"]), body["instance_num"]) == (10, 20)

    walked = [name for offset in range(0, 21, 7) for name in names(dcs, f"?limit=7&offset={offset}")]
    assert sorted(walked) == sorted(one.name for one in dcs.emulator.fleet.instances(dcs.project))


def test_tiny_ones_tell_their_capacity_in_capacity_minor_and_those_never_made_come_on_request(dcs):
    def staging(query):
        body = dcs.get(f"/instances?limit=100{query}", dcs.emulator.fleet.project("ap-staging")).json()
        return {one["name"]: one for one in body["instances"]}

    tiny = staging("&name=tiny")["tiny"]
    assert (tiny["capacity"], tiny["capacity_minor"], tiny["max_memory"]) == (0, ".125", 128)
    assert "never-made" not in staging("")
    assert staging("&include_failure=true")["never-made"]["status"] == "CREATEFAILED"


def test_showing_an_instance_adds_cache_mode_and_backup_policy_in_every_shape(dcs):
    def shown(name):
        return dcs.get(f"/instances/{dcs.emulator.fleet.named(name).instance_id}").json()

    orders = shown("orders-cache")
    (listed,) = dcs.get("/instances?name=orders").json()["instances"]
    assert "cache_mode" not in listed
    assert listed.items() <= orders.items()
    assert orders["cache_mode"] == "ha"
    policy = orders["instance_backup_policy"]["policy"]
    assert (policy["backup_type"], policy["periodical_backup_plan"]["begin_at"]) == ("auto", "22:00-23:00")
    assert shown("odd-fields")["instance_backup_policy"]["backup_type"] == "auto"
    assert shown("sessions-live")["instance_backup_policy"]["policy"]["backup_type"] == "manual"
    assert shown("sessions-single")["instance_backup_policy"] is None


def test_an_unknown_url_is_refused_by_dcs_or_by_the_gateway(dcs):
    below = dcs.get("/caches")
    url = f"{dcs.endpoint}/v2/{dcs.project.project_id}/instances/{ORDERS_CACHE_ID}"
    writing = dcs.session.delete(url, auth=dcs.auth(), timeout=30)

    assert (below.status_code, below.json()["error_code"]) == (404, "DCS.4001")
    assert (writing.status_code, writing.json()["error_code"]) == (404, "APIGW.0101")
    assert dcs.get("/v2/").status_code == 404
