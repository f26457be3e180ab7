"""Find: from whatever stands in a ticket to the page that it means."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from backups.services.listings.reader import wait_for_readers
from tests.services.api_records import raws

from .conftest import ORDERS, history_of, links_of, text_of

pytestmark = pytest.mark.usefixtures("portal")
REFERENCE = f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/"
BASKETS = history_of(Emulator().fleet.named("baskets").instance_id)
NOWHERE = "00000000-0000-4000-8000-000000000001"
NIGHT = "2026-11-29T22:00:00Z"
LINK = f"{ORDERS}?status=failed&status=expired&q=100%25&tz=Asia%2FShanghai"


@pytest.fixture
def find(ada):
    return lambda text: ada.get("/find/", {"q": text})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (ORDERS_CACHE_ID, ORDERS),
        (f"  {ORDERS_CACHE_ID.upper()} ", ORDERS),
        (ORDERS_CACHE_ID.replace("-", "\u2011"), ORDERS),
        (ORDERS_CACHE_ID.replace("-", ""), ORDERS),
        (f"see <https://portal.example{LINK}> and tell me", LINK),
        (f"[link|https://portal.example{LINK}].", LINK),
        (f"https://portal.example{REFERENCE}", REFERENCE),
        ("http://portal.example/projects/eu-prod?q=orders", "/projects/eu-prod/?q=orders"),
        (f"Is it {ORDERS[:-1]}? Or gone?", ORDERS),
        (f"备份{REFERENCE[:-1]}失败", REFERENCE),
        (f"{ORDERS}backups.json?status=failed&tz=UTC.", f"{ORDERS}?status=failed&tz=UTC"),
        (f"{ORDERS}refresh/", ORDERS),
        (f"see {ORDERS}recovery-point/?at=2026-11-23.", f"{ORDERS}recovery-point/?at=2026-11-23"),
        (f"{ORDERS}recovery-points/?at=now", ORDERS),
        (f"/projects/eu-prod/instances/{'a' * 65}", "/projects/eu-prod/"),
        (f"INC-20418: instance {ORDERS_CACHE_ID}, backup {REFERENCE_BACKUP_ID} failed", REFERENCE),
        (f"INC-20418: {ORDERS_CACHE_ID} at 09:40, ask 7d693617-ea39-44a0-b669-a6ed77f42d1d", ORDERS),
        # The board and its reports, by the portal's own address.
        ("PORTAL/", "/"),
        ("<PORTAL/failures/>", "/failures/"),
        ("see PORTAL/changes.", "/changes/"),
        ("see PORTAL/?verdict=none&tz=UTC.", "/?verdict=none&tz=UTC"),
        ("PORTAL/failures.json?range=7d", "/failures/?range=7d"),
        (f"PORTAL/changes/?as_of={NIGHT} and PORTAL{ORDERS}", f"/changes/?as_of={NIGHT}"),
        (f"PORTAL/, instance {ORDERS_CACHE_ID}", ORDERS),
        (f"PORTAL{ORDERS}", ORDERS),
        # What a sentence names.
        ("please look at baskets, it lost data", BASKETS),
        ("eu-prod is slow today", "/projects/eu-prod/"),
        (f"{ORDERS_CACHE_ID} fails with dcs.08.0002", f"{ORDERS}?error=dcs.08.0002"),
        ("baskets: dcs.08.0002 again", f"{BASKETS}?error=dcs.08.0002"),
        ("请看baskets的备份", BASKETS),
        ("eu-prod有问题", "/projects/eu-prod/"),
    ],
)
def test_what_is_meant_for_certain_is_gone_to(ada, find, portal, text, address):
    ada.get(ORDERS)
    assert wait_for_readers()

    answer = find(text.replace("PORTAL", portal.PORTAL_URL))

    assert (answer.status_code, answer.headers.get("Location")) == (302, address)


def test_another_site_s_changes_are_none_of_the_portal_s(find):
    assert find("https://review.example/changes/?range=7d").status_code == 200


def test_a_name_of_one_instance_is_gone_to_and_those_of_several_are_listed(find, emulator):
    for text in ("baskets", "BASKETS", "basket"):
        assert find(text).headers["Location"] == history_of(emulator.fleet.named("baskets").instance_id)

    same_name = [ORDERS, history_of(emulator.fleet.named("orders-cache", "cn-prod").instance_id, "cn-prod")]
    assert [link for link in links_of(find("orders-cache")) if link in same_name] == same_name
    assert {"orders-cache", "staging-orders"} <= set(text_of(find("orders")).split())


@pytest.mark.parametrize("text", ["no-such-thing", "<script>", "a\0zz"])
def test_what_is_nowhere_is_said_to_be_nowhere(find, text):
    answer = find(text)

    assert answer.status_code == 200
    assert "Nothing was found " in text_of(answer)
    assert "could be read" not in text_of(answer)
    assert b"<script>" not in answer.content.replace(b"<script type", b"")


def test_a_name_is_never_gone_to_while_a_project_cannot_be_searched_and_an_id_is(find, emulator, impatient):
    emulator.fail_with(500, path_contains=emulator.fleet.project("cn-prod").project_id)

    answer = find("orders-cache")

    assert answer.status_code == 200
    assert ORDERS in links_of(answer)
    assert "cn-prod could not be searched fully" in text_of(answer)
    assert "DCS.5078" in text_of(answer)
    assert find(ORDERS_CACHE_ID).headers["Location"] == ORDERS


def test_a_page_of_a_problem_names_an_instance_that_only_the_list_of_its_project_tells_of(
    client_of, emulator, impatient
):
    ada = client_of("ada")
    ada.get("/projects/eu-prod/")
    emulator.fail_with(500, path_contains=ORDERS_CACHE_ID)

    answer = ada.get(ORDERS)

    assert answer.status_code == 503
    assert "orders-cache" in text_of(answer)


def test_an_empty_search_asks_nobody(find, emulator):
    assert find("").status_code == 200
    assert not emulator.calls


# As one types ---------------------------------------------------------------------------------


@pytest.fixture
def suggested(client_of):
    ada = client_of("ada")
    return lambda text: ada.get("/find/suggestions/", {"q": text})


def test_a_few_instances_that_fit_are_suggested_without_asking_dcs(suggested, find, client_of, emulator):
    find("nothing-of-that-name")
    emulator.clear_calls()

    assert ORDERS in links_of(suggested("ord ca"))
    assert len(links_of(suggested("a"))) == 8
    assert not links_of(client_of("cleo").get("/find/suggestions/", {"q": "orders"}))
    assert not emulator.calls


def test_the_first_key_begins_to_read_the_lists_of_instances(suggested, emulator):
    assert links_of(suggested("ord")) == []
    assert wait_for_readers()

    assert ORDERS in links_of(suggested("ord"))
    assert len(emulator.calls) == 3


# Recently opened ----------------------------------------------------------------------------------


def test_the_instances_that_a_viewer_opened_last_are_at_hand(client_of):
    ada = client_of("ada")
    assert "portal_recent" in ada.get(ORDERS).cookies
    assert "portal_recent" not in ada.get(ORDERS).cookies
    ada.get(history_of(NOWHERE))  # which does not exist: it is no instance that was opened

    for page in ("/", "/find/", "/find/suggestions/"):
        assert [link for link in links_of(ada.get(page)) if "/instances/" in link] == [ORDERS]
        assert "orders-cache" in text_of(ada.get(page))


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nope/", 404),
        (f"{ORDERS}?unknown={'x' * 1001}", 414),
        (history_of("never-read"), 502),  # DCS refuses
        (f"{ORDERS}backups/{NOWHERE}/", 404),
        ("/find/?q=no-such-thing", 200),
    ],
)
def test_a_page_with_nothing_to_show_offers_the_find_box_and_what_was_opened_last(
    ada, emulator, address, status
):
    ada.get(ORDERS)
    emulator.fail_with(403)

    page = ada.get(address)

    assert page.status_code == status
    assert "data-suggest=" in page.content.decode()
    assert "Recently opened" in text_of(page)
    assert ORDERS in links_of(page)
    assert links_of(page, 'class="btn primary"')


def test_the_last_one_is_the_first(client_of, emulator):
    ada = client_of("ada")
    others = [history_of(i.instance_id) for i in emulator.fleet.instances(emulator.fleet.primary)[:10]]
    for url in (*others, others[3]):
        ada.get(url)

    seen = links_of(ada.get("/find/suggestions/"))

    assert seen[0] == others[3]
    assert len(seen) == len(set(seen)) == 8


def test_another_viewer_sees_none_of_them_whatever_their_cookie_says(client_of):
    ada, cleo = client_of("ada"), client_of("cleo")
    ada.get(ORDERS)
    stolen = ada.cookies["portal_recent"].value
    own = cleo.get("/").wsgi_request.user.pk

    tampered = ("~", "x" * 9000, f"{own}~<script>/x", f"{own}~eu-prod/../..~//evil")
    for cookie in (stolen, f"{own}~{stolen.split('~', 1)[1]}", *tampered):
        cleo.cookies["portal_recent"] = cookie
        assert not links_of(cleo.get("/find/suggestions/"))


# What people write ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "zone"),
    [
        ("baskets lost data at 09:40 Shanghai time on Jan 2", "-01-02T09:40:00+08:00", "Asia/Shanghai"),
        ("数据在1月2日 9:40丢失 baskets", "-01-02T09:40:00+00:00", "UTC"),
        ("baskets 6.0.12 was empty on 2 January at 9:40 pm CET", "-01-02T21:40:00+01:00", "UTC"),
    ],
)
def test_a_written_time_beside_an_instance_offers_the_recovery_finder(find, text, at, zone):
    page = find(text)

    assert page.status_code == 200
    query = urlencode({"at": f"{datetime.now(UTC).year}{at}", "tz": zone}, safe=":")
    assert f"{BASKETS}recovery-point/?{query}" in links_of(page)
    assert BASKETS in links_of(page)


def test_several_ids_in_one_text_are_a_list(find, emulator):
    other = emulator.fleet.named("baskets").instance_id

    assert {ORDERS, BASKETS} <= set(links_of(find(f"{ORDERS_CACHE_ID}, {other}")))


def test_what_is_too_much_to_be_listed_is_counted(ada, emulator):
    records = raws(60)
    emulator.set_records(ORDERS_CACHE_ID, records)
    ada.get(ORDERS)
    assert wait_for_readers()

    page = ada.get("/find/", {"q": " ".join(record["backup_id"] for record in records)})

    assert "60 pages match" in text_of(page)
    assert "10 more pages match and are not listed." in text_of(page)


def test_a_backup_s_name_leads_to_it_once_its_history_is_at_hand(ada):
    record = ada.get(f"{BASKETS}backups.json").json()["backups"][0]

    for text in (f"see {record['name']}", f"备份{record['name']}失败"):
        answer = ada.get("/find/", {"q": text})
        assert answer.headers["Location"] == f"{BASKETS}backups/{record['backup_id']}/"


def test_a_long_text_is_read_whole_by_post(client_of):
    ada, chatter = client_of("ada"), "and then somebody said something else. " * 450

    answer = ada.post("/find/", {"q": f"{chatter}{ORDERS_CACHE_ID}"})
    several = ada.post("/find/", {"q": f"{chatter} orders-cache {chatter}"[:19_000]})
    longer = ada.post("/find/", {"q": f"{ORDERS_CACHE_ID} {chatter}{chatter}"})

    assert (answer.status_code, answer.headers["Location"]) == (303, ORDERS)
    assert (several.status_code, several.headers["Location"]) == (303, "/find/?q=orders-cache")
    assert longer.status_code == 200
    assert ORDERS in links_of(longer)
    assert "The text is longer than 20,000 characters" in text_of(longer)
