"""A history's query string is read as its contract says, and what cannot be read is named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.http import QueryDict

from backups.forms import HistoryForm, InstancesForm
from backups.services.history.query import BackupFilter

NAMES = "status type format restorable error q range sort page per_page from to tz"
PARAMETERS = NAMES.split(" ")


def read(query: str) -> BackupFilter:
    form = HistoryForm(QueryDict(query))
    assert form.is_valid(), form.problems
    return form.filter()


def problems(query: str) -> list[tuple[str, str, str]]:
    form = HistoryForm(QueryDict(query))
    return [(found.parameter, found.value, str(found.sentence)) for found in form.problems]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_an_empty_query_asks_for_everything_newest_first() -> None:
    assert read("") == BackupFilter(sort="-started", page=1, per_page=50)


def test_every_parameter_is_read() -> None:
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
        start=at("2026-01-01T00:00+08:00"),
        end=at("2026-02-01T00:00+08:00"),
        sort="-size",
        page=3,
        per_page=100,
        tz="Asia/Shanghai",
    )


@pytest.mark.parametrize("value", ["24h", "3d", "7d", "30d", "90d"])
def test_every_range_is_read(value: str) -> None:
    assert read(f"range={value}").range == value


@pytest.mark.parametrize(
    "field", ["started", "created", "finished", "duration", "size", "status", "type", "name"]
)
def test_every_order_is_read_in_both_directions(field: str) -> None:
    assert (read(f"sort={field}").sort, read(f"sort=-{field}").sort) == (field, f"-{field}")


@pytest.mark.parametrize("value", [25, 50, 100, 200])
def test_every_page_size_is_read(value: int) -> None:
    assert read(f"per_page={value}").per_page == value


def test_blank_values_mean_nothing() -> None:
    assert read("&".join(f"{name}=" for name in PARAMETERS)) == read("")
    assert read("&".join(f"{name}=++" for name in PARAMETERS)) == read("")


def test_a_value_given_twice_counts_once() -> None:
    assert read("status=failed&status=failed").chosen == {"status": ("failed",)}


ONE_VALUE = {
    "q": ("a", "b"),
    "range": ("7d", "30d"),
    "sort": ("size", "-size"),
    "page": ("2", "3"),
    "per_page": ("25", "100"),
    "tz": ("UTC", "Asia/Shanghai"),
    "from": ("2026-01-01", "2026-01-02"),
    "to": ("2026-01-01", "2026-01-02"),
}


@pytest.mark.parametrize("name", ONE_VALUE)
def test_a_parameter_of_one_value_that_has_two_is_named_with_both(name: str) -> None:
    one, other = ONE_VALUE[name]

    [(named, shown, sentence)] = problems(f"{name}={one}&{name}={other}")

    assert (named, shown) == (name, f"{one}, {other}")
    assert "one value" in sentence


@pytest.mark.parametrize("name", ONE_VALUE)
def test_a_parameter_of_one_value_may_say_it_twice_or_be_blank_beside_it(name: str) -> None:
    value = ONE_VALUE[name][0]

    assert read(f"{name}={value}&{name}=&{name}={value}") == read(f"{name}={value}")


def test_unknown_parameters_are_ignored() -> None:
    assert read("utm_source=mail&begin_time=1&status=failed") == read("status=failed")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("status", "broken"),
        ("status", "Failed"),
        ("status", "失败"),
        ("type", "weekly"),
        ("format", "zip"),
        ("restorable", "maybe"),
        ("error", "0002"),
        ("error", "dcs.08.0002x"),
        ("sort", "--size"),
        ("sort", "colour"),
        ("range", "5d"),
        ("page", "0"),
        ("page", "-1"),
        ("page", "two"),
        ("page", "1.5"),
        ("per_page", "51"),
        ("per_page", "1000000"),
        ("tz", "Mars/Olympus"),
        ("tz", "../../etc/passwd"),
        ("from", "yesterday"),
        ("from", "2026-13-01"),
        ("to", "2026-02-30"),
        ("to", "9999-12-31"),
        ("from", "0001-01-01"),
        ("from", "1764000000"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_a_sentence(parameter: str, value: str) -> None:
    query = QueryDict(mutable=True)
    query[parameter] = value

    [(named, shown, sentence)] = problems(query.urlencode())

    assert (named, shown) == (parameter, value)
    assert len(sentence.split()) >= 4


def test_each_wrong_parameter_is_named() -> None:
    found = problems("status=broken&sort=colour&from=soon&tz=Mars")

    assert {parameter for parameter, _, _ in found} == {"status", "sort", "from", "tz"}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_value_of_8_kb_is_named_and_shown_in_part(name: str) -> None:
    [(named, shown, _)] = problems(f"{name}={'9' * 8192}")

    assert named == name
    assert len(shown) < 100


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "q"])
def test_a_nul_character_is_named(name: str) -> None:
    assert [parameter for parameter, _, _ in problems(f"{name}=a%00b")] == [name]


def test_a_page_beyond_all_sense_is_read() -> None:
    assert read("page=" + "9" * 300).page >= 10**6


def test_words_are_limited_to_200_characters() -> None:
    assert read("q=" + "n" * 200).words == ("n" * 200,)
    assert problems("q=" + "n" * 201)


# Times ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ("from=2026-11-23T09:40:00Z", "2026-11-23T09:40:00+00:00"),
        ("from=2026-11-23t09:40:00z", "2026-11-23T09:40:00+00:00"),
        ("from=2026-11-23T09:40", "2026-11-23T09:40:00+00:00"),
        ("from=2026-11-23+09:40", "2026-11-23T09:40:00+00:00"),
        ("from=2026-11-23", "2026-11-23T00:00:00+00:00"),
        ("from=2026-11-23T09:40:00.5Z", "2026-11-23T09:40:00.500000+00:00"),
        ("from=2026-11-23T09:40:00%2B08:00", "2026-11-23T01:40:00+00:00"),
        ("from=2026-11-23T09:40:00+08:00", "2026-11-23T01:40:00+00:00"),
        ("from=2026-11-23T09:40+0530", "2026-11-23T04:10:00+00:00"),
        ("from=2026-11-23T09:40:00+08", "2026-11-23T01:40:00+00:00"),
        ("from=2026-11-23T09:40:00.250+08:00", "2026-11-23T01:40:00.250000+00:00"),
        ("from=2026-11-23T09:40:00-03:30", "2026-11-23T13:10:00+00:00"),
        ("from=2026-11-23T09:40&tz=Asia/Kolkata", "2026-11-23T04:10:00+00:00"),
        ("from=2026-11-23&tz=Asia/Kathmandu", "2026-11-22T18:15:00+00:00"),
        ("from=2026-11-23T09:40Z&tz=Asia/Kolkata", "2026-11-23T09:40:00+00:00"),
        # An hour that the clocks skip, and one that they repeat: the earlier reading.
        ("from=2026-03-29T02:30&tz=Europe/Berlin", "2026-03-29T01:30:00+00:00"),
        ("from=2026-10-25T02:30&tz=Europe/Berlin", "2026-10-25T00:30:00+00:00"),
        # A day that begins at one o'clock.
        ("from=2026-03-29&tz=Asia/Beirut", "2026-03-28T22:00:00+00:00"),
    ],
)
def test_a_bound_is_read_in_its_offset_or_the_link_s_zone(query: str, start: str) -> None:
    assert read(query).start == datetime.fromisoformat(start)


def test_bounds_are_in_utc_whatever_the_link_s_zone() -> None:
    wanted = read("from=2026-11-23&to=2026-11-24T00:00+05:30&tz=America/New_York")

    assert wanted.start is not None
    assert wanted.end is not None
    assert (wanted.start.tzinfo, wanted.end.tzinfo) == (UTC, UTC)


@pytest.mark.parametrize(
    ("query", "end"),
    [
        ("to=2026-11-23", "2026-11-24T00:00:00+00:00"),
        ("to=2026-11-23&tz=Asia/Shanghai", "2026-11-23T16:00:00+00:00"),
        # The days on which the clocks change have 23 and 25 hours.
        ("to=2026-03-29&tz=Europe/Berlin", "2026-03-29T22:00:00+00:00"),
        ("to=2026-10-25&tz=Europe/Berlin", "2026-10-25T23:00:00+00:00"),
        ("to=2026-11-23T00:00:00Z", "2026-11-23T00:00:00+00:00"),
    ],
)
def test_a_plain_date_in_to_includes_that_day(query: str, end: str) -> None:
    assert read(query).end == datetime.fromisoformat(end)


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_range_stands_alone(name: str) -> None:
    assert [parameter for parameter, _, _ in problems(f"range=7d&{name}=2026-01-01")] == [name]


def test_a_project_s_query_is_read() -> None:
    form = InstancesForm(QueryDict("q=Orders+Cache&status=running&sort=-created&page=2&per_page=25&x=y"))

    assert form.is_valid()
    wanted = form.filter()
    assert (wanted.words, wanted.statuses, wanted.sort) == (("orders", "cache"), ("RUNNING",), "-created")
    assert (wanted.page, wanted.per_page) == (2, 25)


@pytest.mark.parametrize("text", ["2026-11-20T06 08:00", "20261120T060000 0800", "2026-11-20 06:00 08"])
def test_a_space_for_the_plus_of_an_offset_is_read_in_every_form(text: str) -> None:
    form = HistoryForm(QueryDict(mutable=True))
    form.data["from"] = text

    assert form.is_valid(), form.problems
    assert form.filter().start == datetime(2026, 11, 19, 22, tzinfo=UTC)


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory"])
def test_a_zone_that_depends_on_the_machine_is_no_zone(name: str) -> None:
    assert [problem.parameter for problem in HistoryForm(QueryDict(f"tz={name}")).problems] == ["tz"]
