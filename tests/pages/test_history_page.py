"""The history of an instance: rows, links and words, the same as page, JSON and CSV."""

import csv
import io
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from tests.conftest import LONG, forget_everything
from tests.services.api_records import DELETED, EXPIRED, FAILED, raw, raws

from .addresses import BULK, POINT, REFERENCE, history_named
from .conftest import (
    ORDERS,
    PROJECT,
    all_of,
    csv_rows,
    csv_text,
    dated,
    history_of,
    links_of,
    rows_of,
    text_of,
)

pytestmark = pytest.mark.usefixtures("portal")

QUERIES = [
    "status=failed&status=expired&type=auto&restorable=no&from=2026-01-01&q=nightly&sort=-size&per_page=100",
    "q=nightly+second&tz=Asia/Shanghai&to=2026-11-20&range=",
    "error=dcs.08.0008",
    "q=timed+out",  # what an error means, which tests/services/test_history.py finds in either language
]


@pytest.mark.parametrize("query", QUERIES)
def test_page_json_and_csv_have_the_same_rows_in_either_language(ada, query):
    pages = [ada.get(f"{ORDERS}?{query}")]
    pages += [ada.get(link) for link in links_of(pages[0], 'rel="next"')]

    ada.cookies["portal_language"] = "zh-hans"
    exported = all_of(ada, f"{ORDERS}?{query}")

    assert rows_of(exported[""]) == rows_of(pages[0])
    assert ids_in(exported) == [[row for page in pages for row in rows_of(page)]] * 2
    assert exported["backups.json"].json()["matched"] == len(ids_in(exported)[0]) > 0


def ids_in(exported):
    """The ids of the backups in JSON and in CSV."""
    files = exported["backups.json"].json()["backups"], csv_rows(exported["backups.csv"])
    return [[row["backup_id"] for row in rows] for rows in files]


def test_json_and_csv_hold_all_records_of_a_long_history(ada, emulator):
    exported = all_of(ada, f"{BULK}?sort=created")

    body = exported["backups.json"].json()
    listed = {row.backup_id for row in emulator.fleet.backups(BULK_HISTORY_ID)}
    assert list(map(set, ids_in(exported))) == [listed, listed]
    assert (len(listed), body["total"], body["matched"], body["complete"]) == (LONG, LONG, LONG, True)
    assert exported["backups.csv"].headers["X-Total"] == str(LONG)
    assert f"of {LONG}" in text_of(exported[""])


def test_a_page_past_the_end_and_filters_that_leave_nothing_say_so(ada):
    last, past, nothing = (
        ada.get(f"{ORDERS}?{query}")
        for query in ("page=3&per_page=25", "page=99999&per_page=25", "q=nothing-has-this-name")
    )

    assert "past the end" in text_of(past)
    assert rows_of(past) == rows_of(last) != []
    assert "No backup matches these filters" in text_of(nothing)
    assert "no backups" not in text_of(nothing)
    assert "<table" not in nothing.content.decode()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("from=soon&sort=colour", ["from", "soon", "sort", "colour"]),
        ("range=7d&range=30d&to=2026-01-01", ["range", "7d, 30d"]),
        ("error=%3Cscript%3E&status=%00&q=" + "n" * 8000, ["error", "<script>", "status", "200 characters"]),
    ],
)
def test_a_value_that_cannot_be_read_names_itself_and_shows_no_rows(ada, emulator, query, named):
    answers = all_of(ada, f"{ORDERS}?{query}")

    assert {answer.status_code for answer in answers.values()} == {400}
    message = answers["backups.json"].json()["problem"]["message"]
    for words in named:
        assert words in text_of(answers[""])
        assert words in message
        assert words in answers["backups.csv"].content.decode()
    assert "backups" not in answers["backups.json"].json()
    assert not rows_of(answers[""])
    assert "<table" not in answers[""].content.decode()
    assert b"<script>" not in answers[""].content
    assert not emulator.calls


STATE = "status=failed&status=expired&type=auto&utm=a&utm=b&q=nightly&per_page=25&sort=size"


def test_every_control_keeps_all_other_parameters(ada):
    page = ada.get(f"{ORDERS}?{STATE}")
    links = [link for link in links_of(page) if urlsplit(link).path in ("", ORDERS) and "utm" in link]
    # Those to the rows behind a figure or a day say anew what is shown: test_overview.py.
    links = [link for link in links if not link.endswith("#backups")]

    assert len(links) > 15
    for link in links:
        query = parse_qsl(urlsplit(link).query)
        assert [value for name, value in query if name == "utm"] == ["a", "b"]
        gone = [pair for pair in parse_qsl(STATE) if pair not in query]
        cleared = not any(name in ("q", "type") for name, _ in query)
        assert len(gone) <= 1 or cleared, link


def test_a_row_s_link_keeps_the_zone_and_what_is_not_the_portal_s(ada):
    page = ada.get(f"{ORDERS}?{STATE}&tz=Asia%2FShanghai")

    rows = links_of(page, "data-row-link")
    assert len(rows) == len(rows_of(page)) > 5
    assert {urlsplit(link).query for link in rows} == {"utm=a&utm=b&tz=Asia%2FShanghai"}
    assert {urlsplit(link).path for link in rows} == {f"{ORDERS}backups/{i}/" for i in rows_of(page)}


def test_chips_pages_exports_and_the_filter_form_keep_the_rest_of_the_query(ada):
    """An export has no page, and a chip adds its value to those of its filter."""
    for query, links in {
        "status=failed&utm=a": ["?status=failed&status=expired&utm=a", "?utm=a"],
        "status=failed&utm=a&page=1": ["backups.json?status=failed&utm=a", "backups.csv?status=failed&utm=a"],
        "q=b&utm=a&utm=b&per_page=25&page=2": [f"?q=b&utm=a&utm=b&per_page=25{n}" for n in ("", "&page=3")],
    }.items():
        assert {f"{ORDERS}{link}" for link in links} <= set(links_of(ada.get(f"{ORDERS}?{query}")))
    page = ada.get(f"{ORDERS}?{STATE}").content.decode()
    for name, value in parse_qsl(STATE):
        if name != "q":
            assert f'<input type="hidden" name="{name}" value="{value}">' in page


def test_refresh_reads_now_and_returns_to_the_same_query(ada, emulator):
    ada.get(ORDERS)
    emulator.insert_record(ORDERS_CACHE_ID, raw(900, backup_name="just now"))

    response = ada.post(f"{ORDERS}refresh/", {"next": f"{ORDERS}?{STATE}&q=%25"})

    assert (response.status_code, response.headers["Location"]) == (302, f"{ORDERS}?{STATE}&q=%25")
    assert "just now" in [b["name"] for b in ada.get(f"{ORDERS}backups.json").json()["backups"]]
    asked = f"{POINT}?at=2026-11-20+12%3A00&tz=Asia%2FShanghai"
    assert ada.post(f"{ORDERS}refresh/", {"next": asked}).headers["Location"] == asked


def test_refresh_returns_to_no_other_page(ada, emulator):
    assert ada.get(f"{ORDERS}refresh/").status_code == 405
    assert not emulator.calls

    hosts = (f"//evil.example{ORDERS}", "https://evil.example/?q=1", "/\\evil.example/", "//[", "http://[")
    for other in (*hosts, "/projects/cn-prod/", "", "\0", f"{ORDERS}?q={'a' * 9_000}"):
        response = ada.post(f"{ORDERS}refresh/", {"next": other})
        assert response.headers["Location"] == ORDERS


def test_every_time_names_its_zone_and_its_moment(ada):
    for address in (ORDERS, f"{ORDERS}?tz=Asia/Kolkata", REFERENCE):
        page = ada.get(address).content.decode()
        times = re.findall(r"<time\b[^>]*>.*?</time>", page)
        assert times
        for time in times:
            assert re.match(r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', time), time
            assert "UTC" in time
    in_kolkata = ada.get(f"{ORDERS}?tz=Asia/Kolkata&sort=started").content.decode()
    assert "10 May 2019 14:01:21" in in_kolkata
    assert "UTC+5:30" in in_kolkata


def test_hostile_texts_are_shown_as_texts_and_odd_records_are_all_shown(ada, emulator):
    page = ada.get(history_named("hostile-remarks")).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    shown = rows_of(ada.get(f"{history_named('odd-fields')}?per_page=200"))
    assert set(shown) == {row.backup_id for row in emulator.fleet.backups(emulator.fleet.named("odd-fields"))}


@pytest.mark.parametrize("body", [None, b"{}", b'{"total_num":0}'])
def test_an_instance_without_backups_is_said_to_have_none(ada, emulator, lists, body):
    lists([])
    if body is not None:
        emulator.answer_body(body, path_contains="/backups")

    answers = all_of(ada, ORDERS)

    assert {answer.status_code for answer in answers.values()} == {200}
    assert "This instance has no backups" in text_of(answers[""])
    assert "<table" not in answers[""].content.decode()
    assert answers["backups.json"].json()["backups"] == []
    assert csv_rows(answers["backups.csv"]) == []


def test_a_list_that_dcs_cut_short_is_not_taken_for_the_whole(ada, emulator):
    emulator.answer_body(b'{"total_num":3,"backup_record_response":[]}', path_contains="/backups")

    shown = text_of(ada.get(ORDERS))

    assert "has no backups" not in shown
    assert "promised" in shown
    assert ada.get(f"{ORDERS}backups.json").json()["complete"] is False


# CSV -------------------------------------------------------------------------------------------


def test_a_spreadsheet_reads_the_csv_and_runs_nothing_of_it(ada, emulator):
    response = ada.get(f"{history_named('hostile-remarks')}backups.csv")

    written = csv_text(response)
    assert written.startswith("\ufeffbackup_id,")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(written, newline="")))
    remarks = {row["description"] for row in rows}
    assert {"'=1+1", "'-2", "'@SUM(1+1)*2", "'\t'=1+1", "'+cmd|' /C calc'!A0"} <= remarks
    assert 'it\'s "quoted", with; separators | and `ticks`' in remarks
    assert "长" * 128 in remarks
    for row in rows:
        assert not any((cell or " ")[0] in "=+-@\t\r" for cell in row.values())


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_nor_does_one_that_divides_cells_otherwise(ada, lists, delimiter):
    """Where commas divide numbers, Excel opens such a file with semicolons for commas."""
    texts = ("a{}=1+1{}b", 'a{}"=1+1{}b', "a{}-1", "a{}{}+1", "a\n=1+1{}b", "a\r\n@A1{}", "{}=1")
    hostile = [text.replace("{}", delimiter) for text in texts]
    lists([raw(n, remark=text, backup_name=text) for n, text in enumerate(hostile)])

    written = csv_text(ada.get(f"{ORDERS}backups.csv"))

    for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter):
        assert not any(cell.strip('"').startswith(("=", "+", "-", "@")) for cell in row), row


def test_a_text_that_a_spreadsheet_would_take_for_a_value_stays_a_text(ada, lists):
    dates = ("2026-11-23", "23/11 09:40", "5 Mar", "Nov 2026", "3月5日", "9:40 am")
    values = (*dates, "00042", "1E5", "12 %", "$5", "TRUE", "'5")
    lists([raw(n, remark=text) for n, text in enumerate((*values, "nightly 2"))])

    rows = csv_rows(ada.get(f"{ORDERS}backups.csv"))

    assert {row["description"] for row in rows} == {*(f"'{text}" for text in values), "nightly 2"}
    assert {(row["project"], row["instance_id"]) for row in rows} == {("eu-prod", ORDERS_CACHE_ID)}


def test_the_csv_s_name_and_headers_tell_what_it_is(ada, emulator, impatient):
    query = "?status=failed&q=" + "n" * 190
    ada.get(ORDERS)
    emulator.fail_with(500)
    ada.post(f"{ORDERS}refresh/")

    response = ada.get(f"{ORDERS}backups.csv{query}")

    name = response.headers["Content-Disposition"]
    assert "orders-cache_backups_status-failed_q-nnn" in name
    assert re.search(r'_as-of-\d{8}T\d{6}Z_stale\.csv"$', name)
    assert len(name) < 255
    told = [response.headers[f"X-{key}"] for key in ("Source", "Complete", "Problem", "Matched")]
    assert told == ["stale", "true", "server_error 500 DCS.5078", "0"]
    assert response.headers["X-Read-At"].endswith("Z")

    emulator.heal()
    address = history_named("订单缓存", "cn-prod")
    ada.get(address)
    name = ada.get(f"{address}backups.csv").headers["Content-Disposition"]
    assert "filename*=utf-8''%E8%AE%A2%E5%8D%95%E7%BC%93%E5%AD%98_backups" in name


def test_a_project_lists_its_instances_and_finds_them_by_parts_of_name_and_id(ada, emulator):
    page = ada.get(f"{PROJECT}?per_page=200")
    for query in (f"q={ORDERS_CACHE_ID}", "q=ORDERS+cache", "status=running&q=orders"):
        links = links_of(ada.get(f"{PROJECT}?{query}"))
        assert [link for link in links if link.startswith(f"{PROJECT}instances/")] == [ORDERS]

    assert len(emulator.calls) == 1  # however many instances there are
    shown = text_of(page)
    for instance in emulator.fleet.instances(emulator.fleet.primary):
        assert instance.name in shown
        assert history_of(instance.instance_id) in links_of(page)


def test_many_rows_need_no_more_queries_and_calls_than_one(ada, emulator, lists, django_assert_num_queries):
    seen = []
    for count in (1, 200):
        lists(raws(count))
        forget_everything()
        ada.get(ORDERS)
        emulator.clear_calls()
        with django_assert_num_queries(3):  # session, viewer, and the store
            page = ada.get(f"{ORDERS}?per_page=200")
        seen.append(len(rows_of(page)))
        assert len(emulator.calls) <= 1
    assert seen == [1, 200]


def test_a_first_view_asks_dcs_twice_and_the_next_not_at_all(ada, emulator):
    ada.get(ORDERS)
    asked = [call.path.rpartition("/")[2] for call in emulator.calls]
    emulator.clear_calls()

    for page in ("", "backups.json", "backups.csv", "?status=failed", "ticket/"):
        ada.get(f"{ORDERS}{page}")
    for page in (REFERENCE, f"{REFERENCE}ticket/", POINT, f"{POINT}ticket/"):
        ada.get(f"{page}?at=2026-11-20T12Z")

    assert sorted(asked) == [ORDERS_CACHE_ID, "backups"]
    assert not emulator.calls


# Backups whose file has gone ---------------------------------------------------------------

GONE = [
    # statuses from the newest, a day each back from 25 November; what the lines say in the rows' place
    ("usable expired deleted expired usable", "", [dated("2 expired, 1 deleted, 22 to 24 Nov")]),
    ("usable expired expired usable", "", []),
    ("expired expired expired failed deleted", "", [dated("3 expired, 23 to 25 Nov")]),
    ("expired expired expired", "", []),
    ("usable expired expired expired", "q=backup", []),
    ("usable expired expired expired", "restorable=no&restorable=yes", [dated("3 expired, 22 to 24 Nov")]),
]


@pytest.mark.parametrize(("statuses", "query", "lines"), GONE)
def test_those_that_follow_each_other_fold_to_a_line_unless_they_are_looked_for(
    ada, lists, statuses, query, lines
):
    changes = {"usable": {}, "failed": FAILED, "expired": EXPIRED, "deleted": DELETED}
    lists([raw(24 * (24 - back), **changes[status]) for back, status in enumerate(statuses.split())])

    page = ada.get(f"{ORDERS}?{query}")

    said = re.findall(r'class="run-line".*?</svg>(.*?)</summary>', page.content.decode(), flags=re.DOTALL)
    assert said == lines
    assert len(rows_of(page)) == len(statuses.split())
