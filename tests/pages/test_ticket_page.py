"""What is copied for a ticket, as a page and as bare text: the same facts as the page that it is about."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from tests.services.api_records import FAILED, raw, raws

from .addresses import POINT, REFERENCE, history_named, id_of, page_of
from .conftest import ORDERS, dated, history_of, links_of, rows_of, text_of, ticket_text

pytestmark = pytest.mark.usefixtures("portal")
TEXT = {"Accept": "text/plain"}


def written(page):
    """The text in the field of the page."""
    [text] = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page.content.decode(), flags=re.DOTALL)
    return html.unescape(text)


def link_in(text):
    """The link of the page that a text is about."""
    return str(re.findall(r"https?://127[^\s>|\]]*", text)[-1]).replace("&amp;", "&")


# The pages -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "facts"),
    [
        (ORDERS, "?status=failed", ["Backups of", "Status: Failed"]),
        (REFERENCE, "", [REFERENCE_BACKUP_ID, "880,232 bytes", "2019-05-10 08:31:21 UTC"]),
        (POINT, "?at=2019-06-01&tz=UTC", ["lost before 1 Jun", REFERENCE_BACKUP_ID]),
    ],
)
def test_each_page_leads_to_its_text(ada, path, query, facts):
    [link] = links_of(ada.get(path + query), "data-ticket ")
    ticket = ada.get(link)

    assert urlsplit(link).path == f"{path}ticket/"
    for fact in (*facts, ORDERS_CACHE_ID, "eu-prod"):
        assert fact in written(ticket)
    assert urlsplit(link_in(written(ticket))).path == path
    back = [parse_qs(urlsplit(href).query).keys() for href in links_of(ticket) if urlsplit(href).path == path]
    assert parse_qs(query.removeprefix("?")).keys() in back


def test_the_bare_text_is_what_the_page_shows(ada):
    page = ada.get(f"{REFERENCE}ticket/")
    bare = ada.get(f"{REFERENCE}ticket/", headers=TEXT)

    assert bare.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert bare.headers["X-Ticket"] == page.headers["X-Ticket"] == "markdown"
    assert bare.content.decode() == written(page)
    assert "Accept" in bare.headers["Vary"]


def test_what_is_shown_is_the_text_as_its_reader_will_see_it(ada, lists):
    lists([raw(2, status="failed", remark="<b>*bold*</b>"), raw(1)])

    def shown(markup):
        page = ada.get(f"{ORDERS}ticket/?text={markup}").content.decode()
        return page.partition("data-ticket-shown>")[2].partition("</div>")[0]

    name = "backup_2<span hidden> </span>"  # GitHub would make another link of the same name
    for markup in ("markdown", "jira", "slack"):
        assert re.search(r"<p><strong>Usable.*?</strong>", shown(markup))
        assert f'<li>Failed: <a href="http://127.0.0.1:8000{page_of(2)}">{name}</a>' in shown(markup)
        assert "<code>&lt;b&gt;*bold*&lt;/b&gt;</code>" in shown(markup)
    assert "“&lt;b&gt;*bold*&lt;/b&gt;”<br>" in shown("plain")
    assert "<strong>" not in shown("plain")


def test_the_link_in_the_text_shows_the_same_rows_and_has_none_of_its_choices(ada):
    query = "?range=30d&status=succeed&status=failed&sort=-size"
    link = link_in(ticket_text(ada, f"{ORDERS}ticket/{query}&text=plain&lang=zh-hans&zone=Asia/Tokyo"))

    assert parse_qs(urlsplit(link).query).keys() == {"status", "sort", "from", "to", "seen"}
    assert rows_of(ada.get(link.removeprefix("http://127.0.0.1:8000"))) == rows_of(ada.get(ORDERS + query))


def test_a_recovery_point_that_was_asked_relative_to_now_keeps_its_time(ada):
    page = ada.get(f"{POINT}?at=2+h+ago", follow=True)
    [link] = links_of(page, "data-ticket ")
    [copied] = links_of(page, "data-copy-link ")

    assert parse_qs(urlsplit(link).query)["at"] == parse_qs(urlsplit(copied).query)["at"]
    assert link_in(written(ada.get(link))) == copied
    assert ada.get(f"{POINT}ticket/?tz=UTC").headers["Location"] == f"{POINT}?tz=UTC"


def test_the_recovery_text_says_what_is_lost_and_what_was_passed_over(ada, lists):
    lists([raw(9, **FAILED), *raws(4)])

    text, future, none = (
        ticket_text(ada, f"{POINT}ticket/?at={at}&text=plain")
        for at in ("2026-11-01T12:00Z", "2199-01-01T00:00Z", "2020-01-01")
    )

    for line in (
        dated("Usable. Data from 1 Nov 04:00:05 UTC; at most 8 h lost before 1 Nov 12:00:00 UTC."),
        f"id {id_of(4)}, data from 2026-11-01 04:00:05 UTC, 1,004 bytes",
        "Next usable: older: backup_3 <",
        "2026-11-01 09:00:05 UTC, it failed, dcs.08.0002 (the backup timed out)",
    ):
        assert line in text
    assert "Failed: backup_9 <" in text
    assert "It overwrites the data of the instance" in text
    assert re.search(r"^• Overwritten if restored in place now: \d+ d.*, as of 20\d\d-", text, re.MULTILINE)
    assert "Attention: This time is in the future" in future
    assert "lost so far; asked for just before 1 Jan 2199 00:00:00 UTC." in future
    assert "No usable backup. Asked for just before 1 Jan 2020" in none
    assert "DCS lists no backup from before this time" in none


@pytest.mark.parametrize("path", [f"{ORDERS}?status=failed", REFERENCE, f"{POINT}?at=2026-11-20T12Z&tz=UTC"])
def test_a_pasted_text_leads_back_to_what_it_is_about(ada, path):
    page, _, query = path.partition("?")
    for markup in ("markdown", "jira", "slack", "plain"):
        text = ticket_text(ada, f"{page}ticket/?{query}&text={markup}")

        found = ada.get("/find/", {"q": text})

        assert found.status_code == 302
        assert f"http://127.0.0.1:8000{found.headers['Location']}" == link_in(text)


# The choices -----------------------------------------------------------------------------


def test_markup_language_and_zone_are_links(ada):
    ada.cookies["portal_ticket"] = "<script>.klingon"  # which says nothing

    page = ada.get(f"{ORDERS}ticket/?status=failed")

    marked = re.findall(r'<a class="chip"[^>]*aria-current="true">.*?</a>', page.content.decode(), re.DOTALL)
    assert [re.sub(r"<[^>]*>|\s", "", one) for one in marked] == ["Markdown", "English", "UTCalone"]
    choices = [link for link in links_of(page, "data-ticket-choice") if "status=failed" in link]
    for choice in ("text=jira", "text=plain", "lang=zh-hans"):
        assert any(choice in link for link in choices)


def test_a_choice_decides_how_it_is_written_else_the_viewer_s_zone_stands_beside_utc(ada):
    def text(query):
        return ticket_text(ada, f"{ORDERS}ticket/?{query}")

    ada.cookies["portal_zone"] = "Asia/Kolkata"
    assert " Dubai)" in text("tz=Asia/Dubai")
    assert " Tokyo)" in text("tz=Asia/Dubai&zone=Asia/Tokyo")
    assert " Kolkata)" in text("")
    assert " Kolkata)" not in text("zone=UTC")
    assert "可用" in text("text=plain&lang=zh-hans").splitlines()[0]


def test_the_markup_and_language_copied_last_are_the_next_ones(ada):
    ticket_text(ada, f"{ORDERS}ticket/?text=jira&lang=zh-hans")

    assert ticket_text(ada, f"{REFERENCE}ticket/").startswith("*可用*")
    assert 'data-ticket-as="jira" data-copied="Copied for a ticket" aria-current="true"' in (
        ada.get(ORDERS).content.decode()
    )


def test_a_link_from_elsewhere_chooses_once_and_is_not_remembered(ada):
    for site in ("cross-site", "same-site", "none"):
        linked = ada.get(f"{ORDERS}ticket/?text=jira", headers=TEXT | {"Sec-Fetch-Site": site})
        assert linked.headers["X-Ticket"] == "jira"
        assert ada.get(f"{ORDERS}ticket/", headers=TEXT).headers["X-Ticket"] == "markdown"


def test_a_value_that_cannot_be_read_is_named_and_there_is_no_text(ada):
    for address, named in {
        f"{ORDERS}ticket/?text=html&lang=fr": "text=html",
        f"{ORDERS}ticket/?text=jira&text=plain": "text=jira, plain",
        f"{ORDERS}ticket/?status=bogus": "status=bogus",
        f"{REFERENCE}ticket/?zone=Mars": "zone=Mars",
        f"{POINT}ticket/?at=soon": "at=soon",
    }.items():
        page = ada.get(address)
        assert page.status_code == 400
        assert named in text_of(page).replace("= ", "=")
        assert "<textarea" not in page.content.decode()


@pytest.mark.parametrize("zone", ["../../etc/passwd", "%00"])
def test_one_backup_s_text_is_written_whatever_zone_its_link_names(ada, zone):
    """As its page is shown, which reads no query."""
    page = ada.get(f"{REFERENCE}ticket/?tz={zone}")

    assert page.status_code == ada.get(f"{REFERENCE}?tz={zone}").status_code == 200
    assert "<textarea" in page.content.decode()


def test_a_dialog_gets_the_text_and_its_choices_alone(ada):
    part = ada.get(f"{ORDERS}ticket/", headers={"HX-Request": "true"}).content.decode()

    assert "<textarea" in part
    assert "<html" not in part
    assert "<h1" not in part


# Honesty -----------------------------------------------------------------------------------


def test_an_old_list_is_told_as_old(ada, emulator, impatient):
    ada.get(ORDERS)
    emulator.fail_with(503)
    ada.post(f"{ORDERS}refresh/")

    response = ada.get(f"{ORDERS}ticket/", headers=TEXT)

    assert response.status_code == 200
    attention = response.content.decode().splitlines()[2]
    assert attention.startswith("**Attention:**")
    assert "so this is what DCS said at" in attention
    assert "HTTP 503" in attention
    assert "data-ticket-old" in ada.get(f"{ORDERS}ticket/").content.decode()


def test_an_old_list_is_read_again_first_and_waited_for_a_moment(ada, lists, portal):
    lists(raws(2))
    ada.get(ORDERS)
    portal.DCS_FRESH_SECONDS = 0
    lists(raws(3))

    text = ticket_text(ada, f"{ORDERS}ticket/")

    assert "3 listed" in text
    assert "Attention" not in text


@pytest.mark.parametrize(
    ("path", "status", "shown"), [(ORDERS, 503, 503), (REFERENCE, 403, 502), (POINT, 503, 503)]
)
def test_where_nothing_is_known_the_text_says_so_with_the_status_of_the_page(
    ada, emulator, impatient, path, status, shown
):
    emulator.fail_with(status)

    for headers in (TEXT, {"Accept": "text/html"}):
        response = ada.get(f"{path}ticket/?at=2026-11-20T12:00:00Z", headers=headers)
        text = html.unescape(response.content.decode())
        assert response.status_code == shown
        assert "It is not known right now whether this instance has backups." in text
        assert f"HTTP {status}" in text
        assert ("Retry-After" in response.headers) == (shown == 503)
    assert links_of(ada.get(f"{path}?utm=a"), "data-ticket ") == [f"{path}ticket/?utm=a"]


def test_what_dcs_does_not_list_is_told_as_missing(ada):
    for page, words in {
        page_of(0): "and none has this id",
        history_of("11111111-1111-4111-8111-111111111111"): "DCS does not know this instance",
    }.items():
        response = ada.get(f"{page}ticket/", headers=TEXT)
        assert response.status_code == 404
        assert words in response.content.decode()
        assert "not known right now" not in response.content.decode()


# The vendor's support ----------------------------------------------------------------------


def test_the_vendor_s_support_is_asked_where_there_is_something_to_ask(
    ada, emulator, lists, reread, impatient
):
    lists(raws(2))
    assert links_of(ada.get(ORDERS), "data-ticket-for") == []
    reread([raw(3, status="failed", error_code="dcs.08.0005"), *raws(2)])
    for page in (f"{ORDERS}?q=x", page_of(3)):
        [link] = links_of(ada.get(page), "data-ticket-for")
        response = ada.get(link, headers=TEXT)
        assert response.headers["X-Ticket"] == "plain"
        assert "Error code: dcs.08.0005" in response.content.decode()
        assert "orders-cache" not in response.content.decode()
    assert ada.get(f"{ORDERS}ticket/", headers=TEXT).headers["X-Ticket"] == "markdown"
    emulator.fail_with(503)
    [link] = links_of(ada.get(history_named("hostile-remarks")), "data-ticket-for")
    assert "Answer: HTTP 503" in ticket_text(ada, link)


# The command line --------------------------------------------------------------------------


def test_a_page_s_command_is_of_what_it_shows(ada):
    window = f'--instance_id="{ORDERS_CACHE_ID}" --begin_time="20261101000000" --end_time="20261103000000"'

    timed, whole, one = (
        html.unescape(ada.get(page).content.decode())
        for page in (f"{ORDERS}?from=2026-11-01&to=2026-11-02&status=failed", ORDERS, REFERENCE)
    )

    assert window in timed
    assert "DCS filters by time only" in timed
    assert "https://apiexplorer.developer.huaweicloud.com/" in timed
    assert not [word for word in ("--begin_time", "--end_time", "DCS filters by time only") if word in whole]
    assert f"backup_record_response[?backup_id=='{REFERENCE_BACKUP_ID}']" in one
