"""A history's query string is read as its contract says, and what cannot be read is named."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from backups.forms import BoardForm, HistoryForm
from backups.services.history import BackupFilter

NAMES = "status type format restorable error q range sort page per_page from to tz"
PARAMETERS = NAMES.split(" ")


def read(query):
    form = HistoryForm(QueryDict(query))
    assert form.is_valid(), form.problems
    return form.filter()


def problems(query):
    form = HistoryForm(QueryDict(query))
    return [(found.parameter, found.value, str(found.sentence)) for found in form.problems]


def test_an_empty_query_asks_for_everything_newest_first():
    assert read("") == BackupFilter(sort="-started", page=1, per_page=50)


def test_every_parameter_is_read():
    query = (
        "status=failed&status=expired&status=other&type=auto&type=manual&format=aof&restorable=no"
        "&restorable=unknown&error=dcs.08.0002&error=DCS.08.0008&q=Nightly++Stra%C3%9Fe&from=2026-01-01"
        "&to=2026-01-31&sort=-size&page=3&per_page=100&tz=Asia%2FShanghai"
    )

    assert read(query) == BackupFilter(
        chosen={
            "status": ("failed", "expired", "other"),
            "type": ("auto", "manual"),
            "format": ("aof",),
            "restorable": ("no", "unknown"),
            "error": ("dcs.08.0002", "dcs.08.0008"),
        },
        words=("nightly", "strasse"),
        start=datetime(2025, 12, 31, 16, tzinfo=UTC),
        end=datetime(2026, 1, 31, 16, tzinfo=UTC),
        sort="-size",
        page=3,
        per_page=100,
        tz="Asia/Shanghai",
    )


def test_every_range_and_every_order_is_read():
    for code in ("24h", "3d", "7d", "30d", "90d"):
        assert read(f"range={code}").range == code
    for field in ("started", "created", "finished", "duration", "size", "status", "type", "name"):
        assert (read(f"sort={field}").sort, read(f"sort=-{field}").sort) == (field, f"-{field}")


def test_blank_and_repeated_values_mean_nothing_more():
    assert read("&".join(f"{name}=&{name}=++" for name in PARAMETERS)) == read("")
    assert read("status=failed&status=failed&utm_source=mail&begin_time=1") == read("status=failed")


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("q", "a", "b"),
        ("page", "2", "3"),
        ("tz", "UTC", "Asia/Shanghai"),
        ("from", "2026-01-01", "2026-01-02"),
    ],
)
def test_a_parameter_of_one_value_that_has_two_is_named_with_both(name, one, other):
    [(named, shown, sentence)] = problems(f"{name}={one}&{name}={other}")

    assert (named, shown) == (name, f"{one}, {other}")
    assert "one value" in sentence
    assert read(f"{name}={one}&{name}=&{name}={one}") == read(f"{name}={one}")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("status", "Failed"),
        ("restorable", "maybe"),
        ("error", "dcs.08.0002x"),
        ("error", "dcſ.08.0002"),
        ("sort", "--size"),
        ("range", "5d"),
        ("page", "0"),
        ("page", "1.5"),
        ("per_page", "51"),
        ("tz", "../../etc/passwd"),
        ("tz", "localtime"),  # depends on the machine
        ("from", "yesterday"),
        ("to", "2026-02-30"),
        ("to", "9999-12-31"),
        ("from", "1764000000"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_a_sentence(parameter, value):
    query = QueryDict(mutable=True)
    query[parameter] = value

    [(named, shown, sentence)] = problems(query.urlencode())

    assert (named, shown) == (parameter, value)
    assert len(sentence.split()) >= 4


def test_each_wrong_parameter_is_named():
    found = problems("status=broken&sort=colour&from=soon&tz=Mars")

    assert {parameter for parameter, _, _ in found} == {"status", "sort", "from", "tz"}


def test_a_value_of_8_kb_is_named_and_shown_in_part_and_so_is_a_nul():
    for name in PARAMETERS:
        [(named, shown, _)] = problems(f"{name}={'9' * 8192}")
        assert (named, len(shown) < 100) == (name, True)
        assert [parameter for parameter, _, _ in problems(f"{name}=a%00b")] == [name] * (name != "q")


def test_what_is_more_than_the_portal_reads_is_named_but_a_page_beyond_all_sense():
    assert read("page=" + "9" * 300).page >= 10**6
    assert read("q=" + "n" * 200).words == ("n" * 200,)
    assert problems("q=" + "n" * 201)
    assert problems("&".join(f"error=dcs.08.{n:04}" for n in range(51)))[0][1] == "dcs.08.0050"


# Times ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("from=2026-11-23t09:40:00z", "2026-11-23T09:40:00+00:00"),
        ("from=2026-11-23+09:40", "2026-11-23T09:40:00+00:00"),
        ("from=2026-11-23", "2026-11-23T00:00:00+00:00"),
        ("from=2026-11-23T09:40:00-03:30", "2026-11-23T13:10:00+00:00"),
        # A space where the + of an offset stood.
        ("from=2026-11-23T09:40:00.250+08:00", "2026-11-23T01:40:00.250000+00:00"),
        ("from=2026-11-20+06:00+08", "2026-11-19T22:00:00+00:00"),
        ("from=20261120T060000%2B0800", "2026-11-19T22:00:00+00:00"),
        ("from=2026-11-23T09:40&tz=Asia/Kolkata", "2026-11-23T04:10:00+00:00"),
        ("from=2026-11-23&tz=Asia/Kathmandu", "2026-11-22T18:15:00+00:00"),
        ("from=2026-11-23T09:40Z&tz=Asia/Kolkata", "2026-11-23T09:40:00+00:00"),
        # An hour that the clocks skip, and one that they repeat: the earlier reading.
        ("from=2026-03-29T02:30&tz=Europe/Berlin", "2026-03-29T01:30:00+00:00"),
        ("from=2026-10-25T02:30&tz=Europe/Berlin", "2026-10-25T00:30:00+00:00"),
        # A day that begins at one o'clock.
        ("from=2026-03-29&tz=Asia/Beirut", "2026-03-28T22:00:00+00:00"),
        # A plain date in `to` includes that day, which has 25 hours where the clocks change.
        ("to=2026-11-23&tz=Asia/Shanghai", "2026-11-23T16:00:00+00:00"),
        ("to=2026-10-25&tz=Europe/Berlin", "2026-10-25T23:00:00+00:00"),
        ("to=2026-11-23T00:00:00Z", "2026-11-23T00:00:00+00:00"),
    ],
)
def test_a_bound_is_read_in_its_offset_or_the_link_s_zone_and_is_in_utc(query, at):
    wanted = read(query)

    [found] = filter(None, (wanted.start, wanted.end))
    assert found == datetime.fromisoformat(at)
    assert found.tzinfo is UTC


def test_a_range_stands_alone():
    found = problems("range=7d&from=2026-01-01&to=2026-01-02")
    assert [parameter for parameter, _, _ in found] == ["from", "to"]


def test_a_board_s_query_is_read():
    query = "q=Orders+Cache&status=running&verdict=none&tag=team%3DShop&sort=-newest&rpo=6h"
    form = BoardForm(QueryDict(f"{query}&page=2&per_page=25&x=y"))

    assert form.is_valid()
    wanted = form.filter()
    assert (wanted.words, wanted.sort, wanted.rpo) == (("orders", "cache"), "-newest", timedelta(hours=6))
    assert wanted.chosen == {"status": ("RUNNING",), "verdict": ("none",), "tag": ("team=shop",)}
    assert (wanted.page, wanted.per_page) == (2, 25)
    refused = BoardForm(QueryDict("verdict=bad&rpo=soon&as_of=2026-11-03T12:00:00Z&tag=shop"))
    assert {problem.parameter for problem in refused.problems} == {"verdict", "rpo", "tag"}
    both = BoardForm(QueryDict("rpo=6h&as_of=2026-11-03T12:00:00Z"))
    assert [problem.parameter for problem in both.problems] == ["as_of"]
