"""A link that mail, chat or a shell has damaged is opened all the same, and says so; nothing is guessed."""

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID

from .conftest import ORDERS, links_of, rows_of, text_of

pytestmark = pytest.mark.usefixtures("portal")
AT = "2026-11-23T09:40:00Z"
NO_HYPHENS = ORDERS_CACHE_ID.replace("-", "\u2011")


@pytest.fixture
def get(client_of):
    return client_of("ada").get


@pytest.mark.parametrize(
    ("opened", "target"),
    [
        (f"{ORDERS}?status=failed&amp;type=auto", f"{ORDERS}?status=failed&type=auto"),
        (f"{ORDERS}?to={AT}&amp;seen={AT})", f"{ORDERS}?to={AT}&seen={AT}"),
        (f"{ORDERS[:-1]}%0A", ORDERS),
        (f"{ORDERS}?status%3Dfailed%26type%3Dauto", f"{ORDERS}?status=failed&type=auto"),
        (f"{ORDERS[:-1]}).", ORDERS),
        (f"{ORDERS[:-1]}%E3%80%82", ORDERS),
        (f"{ORDERS})?status=failed", f"{ORDERS}?status=failed"),
        (f"{ORDERS[:-1]}%3Fstatus=failed", f"{ORDERS}?status=failed"),
        (ORDERS.replace(ORDERS_CACHE_ID, ORDERS_CACHE_ID.upper()), ORDERS),
        (ORDERS.replace(ORDERS_CACHE_ID, NO_HYPHENS), ORDERS),
        (f"{ORDERS}backups/{REFERENCE_BACKUP_ID.upper()}/", f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/"),
        (f"{ORDERS}recovery-point/?at={AT}&amp;tz=UTC", f"{ORDERS}recovery-point/?at={AT}&tz=UTC"),
        ("/projects/eu-prod/?q=orders&amp;sort=name", "/projects/eu-prod/?q=orders&sort=name"),
        ("/projects/eu-prod)", "/projects/eu-prod/"),
        ("/?verdict=none&amp;sort=name).", "/?verdict=none&sort=name"),
        ("/ticket/?verdict=none&amp;text=jira", "/ticket/?verdict=none&text=jira"),
        (
            "/projects/eu-prod/ticket/?reason%3Dno_backup%26lang%3Den",
            "/projects/eu-prod/ticket/?reason=no_backup&lang=en",
        ),
        ("/failures/?range=7d&amp;error=dcs.08.0002),", "/failures/?range=7d&error=dcs.08.0002"),
        ("/failures/ticket/?range%3D7d%26text%3Dslack", "/failures/ticket/?range=7d&text=slack"),
        (f"/changes/?range=3d&amp;as_of={AT})", f"/changes/?range=3d&as_of={AT}"),
        ("/changes/ticket/?project=eu-prod&amp;lang=en", "/changes/ticket/?project=eu-prod&lang=en"),
    ],
)
def test_a_damaged_link_is_repaired_by_one_redirect_that_says_so(get, opened, target):
    answer = get(opened)

    assert (answer.status_code, answer.headers["Location"]) == (302, target)
    page = get(target)
    assert page.status_code == 200
    assert "This link was damaged on its way, and repaired" in text_of(page)


def test_the_repair_is_said_once_and_of_this_link_only(get):
    get(f"{ORDERS}?status=failed&amp;type=auto")

    assert "was damaged" not in text_of(get(f"{ORDERS}?status=failed"))


def test_a_fetch_is_led_by_its_header(get):
    answer = get(f"{ORDERS}?status=failed&amp;type=auto", headers={"HX-Request": "true"})

    assert answer.headers["HX-Redirect"] == f"{ORDERS}?status=failed&type=auto"


@pytest.mark.parametrize("query", ["q=x)", "q=a%26type%3Dauto", "utm_source=mail", "q=amp;to=1"])
def test_what_can_be_read_is_never_altered(get, query):
    page = get(f"{ORDERS}?{query}")

    assert page.status_code == 200
    assert "damaged" not in text_of(page)


def test_a_search_that_finds_nothing_for_a_glued_mark_is_offered_without_it(get):
    page = get(f"{ORDERS}?status=succeed&q=nightly).")

    assert rows_of(page) == []
    assert "search for nightly instead" in text_of(page)
    assert rows_of(get(next(link for link in links_of(page) if link.endswith("q=nightly"))))
    assert "stray punctuation" not in text_of(get(f"{ORDERS}?q=nothing-of-this-kind"))


def test_what_is_not_certain_is_named_and_the_rows_are_shown(get):
    page = get(f"{ORDERS}?ref=list%3Fstatus%3Dfailed")

    assert page.status_code == 200
    assert "Part of the link that could not be read: ref=list%3Fstatus%3Dfailed" in text_of(page)
    assert rows_of(page) == rows_of(get(ORDERS))


FILES = [
    (f"{ORDERS}backups", "status=failed"),
    ("/instances", "verdict=none"),
    ("/projects/eu-prod/instances", "verdict=none"),
    ("/failures", "range=7d"),
    ("/changes", "range=7d"),
]


@pytest.mark.parametrize("damage", ["{0}&amp;tz=UTC", "{1}%3D{2}", "ref=a%3F{1}%3D{2}"])
@pytest.mark.parametrize("ending", ["json", "csv"])
@pytest.mark.parametrize(("file", "asked"), FILES)
def test_a_program_s_link_is_refused_by_name(get, file, asked, ending, damage):
    query = damage.format(asked, *asked.split("="))
    answer = get(f"{file}.{ending}?{query}")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith(
        {"json": "application/json", "csv": "text/plain"}[ending]
    )
    assert query.split("&")[-1] in answer.content.decode().replace("\\u0026", "&")
    assert get(f"{file}.{ending}?{asked}").status_code == 200


@pytest.mark.parametrize("ending", ["json", "csv"])
@pytest.mark.parametrize("file", [f"{ORDERS}backups", "/projects/eu-prod/instances"])
def test_what_is_glued_to_a_program_s_address_is_refused_too(get, file, ending):
    assert get(f"{file}.{ending}),").status_code == 400


def test_nothing_is_repaired_into_a_project_that_may_not_be_seen(client_of):
    for path in (f"{ORDERS[:-1]}).", ORDERS.replace("eu-prod", "none")[:-1] + ")."):
        assert client_of("ben").get(path.replace("eu-prod", "cn-prod")).status_code == 404


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("from=2026-11-23 09.40&tz=Asia/Shanghai", "from=2026-11-23T09:40:00%2B08:00&tz=Asia%2FShanghai"),
        ("to=23 Nov 2026", "to=2026-11-23"),
        ("from=2026-11-23 09.40&tz=Shanghai", "from=2026-11-23T09:40:00%2B08:00&tz=Asia%2FShanghai"),
        ("tz=UTC+8", "tz=Etc%2FGMT-8"),
        ("from=Nov 23, 2026 @ 09:40:00.000", "from=2026-11-23T09:40:00%2B00:00"),
    ],
)
def test_a_time_as_people_write_it_becomes_one_that_means_the_same_to_everybody(get, query, target):
    answer = get(ORDERS, dict(part.split("=", 1) for part in query.split("&")))

    assert answer.headers["Location"] == f"{ORDERS}?{target}"
    assert get(f"{ORDERS}backups.json", {"from": "23 Nov 2026"}).status_code == 400


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("2026-11-23 09.40", "2026-11-23T09:40:00%2B00:00&tz=UTC"),
        ("9:40 Shanghai time on Nov 23, 2026", "2026-11-23T09:40:00%2B08:00&tz=Asia%2FShanghai"),
        ("2026-11-23 09:40 +08:00", "2026-11-23T09:40:00%2B08:00&tz=UTC"),
    ],
)
def test_the_link_of_a_recovery_point_carries_the_zone_that_was_used(get, query, target):
    answer = get(f"{ORDERS}recovery-point/", {"at": query})

    assert answer.headers["Location"] == f"{ORDERS}recovery-point/?at={target}"


def test_a_time_with_two_readings_offers_both(get):
    page = get(ORDERS, {"from": "05/11/2026 09:40"})

    assert page.status_code == 400
    assert "day and month are ambiguous" in text_of(page)
    assert "5 Nov 2026 09:40:00 UTC" in text_of(page)
    assert "11 May 2026 09:40:00 UTC" in text_of(page)


def test_a_404_whose_path_holds_a_whole_id_offers_to_look_for_it(get):
    page = get(f"/projects/renamed/instances/{ORDERS_CACHE_ID}/")

    assert page.status_code == 404
    assert f'href="/find/?q={ORDERS_CACHE_ID}"' in page.content.decode()
