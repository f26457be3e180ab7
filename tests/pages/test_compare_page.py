"""Two backups side by side: what differs first, out of the list at hand and of what was read before."""

import re
from datetime import UTC, datetime

import pytest
from django.utils.http import urlencode

from tests.services.api_records import EXPIRED, FAILED, raw, raws

from .addresses import id_of, page_of
from .conftest import ORDERS, copied, dated, links_of, text_of

pytestmark = pytest.mark.usefixtures("portal")
THEN = datetime(2026, 11, 3, 12, 3, 13, tzinfo=UTC)
NOW = datetime(2026, 11, 9, 2, 14, tzinfo=UTC)


def compared(*numbers):
    return f"{ORDERS}compare/?{urlencode({'backup': map(id_of, numbers)}, doseq=True)}"


def halves_of(page):
    """The words of what differs, and of what is the same."""
    _, differs, same = re.split("What differs|The same in both", text_of(page))
    return differs, same


def test_two_backups_stand_side_by_side_the_older_first_and_what_differs_before_the_rest(ada, read):
    read([raw(3, **FAILED, size=0, remark="before 4.13"), raw(2, size=1500), raw(1)], NOW)

    page = ada.get(compared(3, 2))

    assert page.status_code == 200
    assert "Only backup_2 can be restored" in text_of(page)
    differs, same = halves_of(page)
    for said in (
        dated("Data from 1 Nov 02:00:05 UTC 1 Nov 03:00:05 UTC 1 h later"),
        "Restore Restorable No: it failed",
        "Status Succeeded Failed",
        "Error – no value dcs.08.0002 The backup timed out.",
        "Size 1,500 bytes 0 bytes −1,500 bytes (−100 %)",
        "Remark – no value before 4.13",
    ):
        assert said in differs
    assert "Took 1 min 1 min" in same
    assert "Type Automatic Automatic" in same
    assert {page_of(2), page_of(3)} <= set(links_of(page))


def test_which_of_the_two_can_be_restored_is_said_first_in_either_language(ada, read):
    read([*raws(4, **EXPIRED)[:2], *raws(2)], NOW)

    assert "Both can be restored" in text_of(ada.get(compared(1, 2)))
    assert "Neither can be restored" in text_of(ada.get(compared(3, 4)))
    ada.cookies["portal_language"] = "zh-hans"
    chinese = text_of(ada.get(compared(1, 2)))
    assert "两个备份都可以恢复" in chinese
    assert dated("数据时间 11月1日 01:00:05 UTC 11月1日 02:00:05 UTC 晚 1 小时") in chinese


def test_a_backup_that_is_no_longer_listed_is_compared_as_it_was_last_seen(ada, read):
    read(raws(14), THEN)
    read(raws(14)[:-1], NOW)

    page = ada.get(compared(1, 2))

    assert "Only backup_2 can be restored" in text_of(page)
    assert dated("In DCS's list No longer listed, last seen 3 Nov 12:03:13 UTC Listed") in halves_of(page)[0]


def test_a_copied_link_tells_what_has_become_of_the_two(ada, read):
    read(raws(14), THEN)
    link = copied(ada.get(compared(3, 4)))
    read([*raws(14)[:-3], raw(3, **EXPIRED), raw(2), raw(1)], NOW)

    page = ada.get(link)

    assert link.endswith("&seen=2026-11-03T12:03:13Z")
    assert dated("backup_3 : Was Succeeded, restorable. Expired , seen 9 Nov 02:14:00 UTC") in text_of(page)
    assert "Unchanged since" in text_of(ada.get(copied(page)))
    pasted = ada.get("/find/", {"q": f"these differ: http://portal.example{link} (why?)"})
    assert (pasted.status_code, pasted.headers["Location"]) == (302, link)


def test_whatever_is_not_two_backups_that_are_known_is_named(ada, read):
    read(raws(2), NOW)
    for query, said in {
        "": "it must name two backups",
        "backup=a&backup=a": "a : it must name two backups",
        "backup=a&backup=b&backup=c": "it must name two backups",
        "backup=a&backup=../b": "it must be the id of a backup",
    }.items():
        page = ada.get(f"{ORDERS}compare/?{query}")
        assert page.status_code == 400
        assert said in text_of(page)
        assert ORDERS in links_of(page)

    unknown = ada.get(compared(1, 99))
    assert unknown.status_code == 404
    assert id_of(99) in text_of(unknown).replace("- ", "-")


def test_each_row_of_a_history_can_be_marked_and_two_are_compared(ada, read):
    read(raws(2), NOW)

    page = ada.get(ORDERS).content.decode()

    boxes = re.findall(r'<input type="checkbox" name="backup" value="([^"]+)"', page)
    assert boxes == [id_of(2), id_of(1)]
    assert f'<form action="{ORDERS}compare/"' in page
