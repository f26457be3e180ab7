"""One viewer never sees another's project, and no browser or proxy keeps what a viewer saw."""

import pytest

from backups.emulator.fleet import REFERENCE_BACKUP_ID
from backups.services.listings import reader

from .conftest import ORDERS, PROJECT, history_of, links_of, text_of

pytestmark = pytest.mark.usefixtures("portal")


def chinese(emulator, project="cn-prod"):
    return history_of(emulator.fleet.named("订单缓存").instance_id, project)


def test_viewers_see_the_projects_of_their_groups(client_of, emulator):
    def projects(person):
        return [link for link in links_of(client_of(person).get("/")) if link.startswith("/projects/")]

    assert projects("ada") == ["/projects/eu-prod/", "/projects/cn-prod/", "/projects/ap-staging/"]
    assert projects("ben") == ["/projects/eu-prod/"]
    assert projects("cleo") == []
    assert not emulator.calls


def test_what_can_be_no_id_is_404_without_asking(ada, emulator):
    for identifier in ("a" * 65, "a%20b", "..", "%3Cscript%3E", "a.b", "订单"):
        assert ada.get(f"{PROJECT}instances/{identifier}/").status_code == 404
        assert ada.get(f"{ORDERS}backups/{identifier}/").status_code == 404
    assert not emulator.calls


def test_no_page_may_be_stored(ada):
    addresses = ["/", PROJECT, ORDERS, f"{ORDERS}?status=broken", f"{ORDERS}backups.csv", "/find/?q=orders"]
    addresses += [f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/", f"{ORDERS}backups.json?sort=x"]
    addresses += ["/projects/no-such/", history_of("no-such-instance")]

    for address in addresses:
        assert ada.get(address).headers["Cache-Control"] == "private, no-store", address


# 304 -----------------------------------------------------------------------------------------


def test_an_unchanged_json_is_304_for_the_same_viewer_and_query_and_nothing_else_is(ada):
    ada.get(ORDERS)
    assert reader.wait_for_readers()  # what is written behind the first view changes the tag once
    first = ada.get(f"{ORDERS}backups.json?range=30d")
    tag = first.headers["ETag"]

    for asked in (tag, f"W/{tag}", f'"other", {tag}'):
        again = ada.get(f"{ORDERS}backups.json?range=30d", headers={"If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"
    for query in ("?range=7d", "?status=failed", "?range=30d&sort=size", ""):
        other = ada.get(f"{ORDERS}backups.json{query}", headers={"If-None-Match": tag})
        assert other.status_code == 200
    ada.post(f"{ORDERS}refresh/")  # a newer generation
    newer = ada.get(f"{ORDERS}backups.json?range=30d", headers={"If-None-Match": tag})
    assert newer.status_code == 200


def test_one_viewer_s_tag_tells_another_nothing(client_of, emulator):
    ada, ben = client_of("ada"), client_of("ben")
    tags = {
        address: ada.get(f"{address}backups.json").headers["ETag"] for address in (ORDERS, chinese(emulator))
    }

    assert ben.get(f"{ORDERS}backups.json", headers={"If-None-Match": tags[ORDERS]}).status_code == 200
    hidden = chinese(emulator)
    for tag in (tags[hidden], "*"):
        assert ben.get(f"{hidden}backups.json", headers={"If-None-Match": tag}).status_code == 404


# Find ------------------------------------------------------------------------------------------


def test_find_never_searches_the_projects_of_others(client_of, emulator):
    instance = emulator.fleet.named("订单缓存")
    backup_id = emulator.fleet.backups(instance)[0].backup_id
    client_of("ada").get(history_of(instance.instance_id, "cn-prod"))
    emulator.clear_calls()
    ben = client_of("ben")

    for text in (
        "订单缓存",
        instance.instance_id,
        backup_id,
        f"https://portal{history_of(instance.instance_id, 'cn-prod')}",
    ):
        answer = ben.get("/find/", {"q": text})
        assert answer.status_code == 200, text
        assert not [link for link in links_of(answer) if "cn-prod" in link]
    assert "Search DCS" in text_of(answer)
    searched = ben.post("/find/", {"q": backup_id, "search": "dcs"})
    assert not [link for link in links_of(searched) if "cn-prod" in link]
    cn = emulator.fleet.project("cn-prod").project_id
    assert not emulator.count(cn)
