"""One viewer never sees another's project, and no browser or proxy keeps what a viewer saw."""

import pytest

from backups.services.listings import reader

from .addresses import REFERENCE, history_named
from .conftest import ORDERS, PROJECT, history_of, links_of, text_of

pytestmark = pytest.mark.usefixtures("portal")


HIDDEN = history_named("订单缓存", "cn-prod")  # from ben


def test_viewers_see_the_projects_of_their_groups(client_of, emulator):
    seen = {"ada": ["eu-prod", "cn-prod", "ap-staging"], "ben": ["eu-prod"], "cleo": []}
    for person, projects in seen.items():
        links = links_of(client_of(person).get("/"))
        assert [link for link in links if link.startswith("/projects/")] == [
            f"/projects/{project}/" for project in projects
        ]
    assert not emulator.calls


def test_what_can_be_no_id_is_404_without_asking(ada, emulator):
    for identifier in ("a" * 65, "a%20b", "..", "%3Cscript%3E", "a.b", "订单"):
        assert ada.get(f"{PROJECT}instances/{identifier}/").status_code == 404
        assert ada.get(f"{ORDERS}backups/{identifier}/").status_code == 404
    assert not emulator.calls


def test_no_page_may_be_stored(ada):
    of_orders = ("", "?status=broken", "backups.csv", "backups.json?sort=x")
    others = (
        "/",
        PROJECT,
        "/find/?q=orders",
        REFERENCE,
        "/projects/no-such/",
        history_of("no-such-instance"),
    )

    for address in (*(f"{ORDERS}{one}" for one in of_orders), *others):
        assert ada.get(address).headers["Cache-Control"] == "private, no-store", address


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


def test_one_viewer_s_tag_tells_another_nothing(client_of):
    ada, ben = client_of("ada"), client_of("ben")
    seen, of_hidden = (ada.get(f"{address}backups.json").headers["ETag"] for address in (ORDERS, HIDDEN))

    assert ben.get(f"{ORDERS}backups.json", headers={"If-None-Match": seen}).status_code == 200
    for tag in (of_hidden, "*"):
        assert ben.get(f"{HIDDEN}backups.json", headers={"If-None-Match": tag}).status_code == 404


def test_find_never_searches_the_projects_of_others(client_of, emulator):
    instance = emulator.fleet.named("订单缓存")
    backup_id = emulator.fleet.backups(instance)[0].backup_id
    client_of("ada").get(HIDDEN)
    emulator.clear_calls()
    ben = client_of("ben")

    for text in ("订单缓存", instance.instance_id, f"https://portal{HIDDEN}", backup_id):
        answer = ben.get("/find/", {"q": text})
        assert answer.status_code == 200, text
        assert not [link for link in links_of(answer) if "cn-prod" in link]
    assert "Search DCS" in text_of(answer)
    searched = ben.post("/find/", {"q": backup_id, "search": "dcs"})
    assert not [link for link in links_of(searched) if "cn-prod" in link]
    assert not emulator.count(emulator.fleet.project("cn-prod").project_id)
