"""What a cached history costs, beside Django's admin over the same records and a plain view of 20 kB."""

import statistics

from . import stub
from .report import Row
from .servers import Child, history, production, temporary_folder

# Every filter of the page, and an end that no request has named before.
ALL_FILTERS = (
    "status=succeed&status=expired&type=auto&type=manual&format=rdb&format=aof&restorable=yes&restorable=no"
    "&q=backup&from=1999-01-01T00:00:00Z&to=2199-01-01T00:00:00.{n}Z&sort=-size"
)
BEHIND_AGAINST_BARE = 17  # before the pages were Jinja2 and the middleware ordinary


def measure(effort):
    page = history(f"records-{effort.records}")
    addresses = {
        "history": page,
        "200 rows": f"{page}?per_page=200",
        "filtered": f"{page}?{ALL_FILTERS}",
        "behind": "/behind/",
        "bare": "/bare/",
        "admin": "/admin/benchmarks/backup/",
    }
    with temporary_folder() as folder, stub.running() as upstream:
        environment = production(folder, upstream.endpoint, DCS_FRESH_SECONDS="3600")
        with Child("portal", **environment) as pages:
            pages.ask("migrate", admins_records=effort.records)
            for path in addresses.values():  # the first ones pay for all
                pages.ask("ask", path=path, times=2)
            files = pages.ask("ask", path=page, count_files=True)["files"]
            upstream.asked.clear()
            turns = [
                {name: pages.ask("ask", path=path, times=effort.requests) for name, path in addresses.items()}
                for _ in range(effort.rounds)
            ]
            assert not upstream.asked, "the cached history was not served from memory"
    assert {told["status"] for turn in turns for told in turn.values()} == {200}, turns[0]
    assert [turns[0][name]["rows"] for name in ("history", "admin")] == [50, 50], turns[0]
    cost = {name: statistics.median(turn[name]["cpu"] for turn in turns) for name in turns[0]}
    ours, behind = cost["history"], cost["behind"]
    return [
        Row("history, 50 rows: the admin's change list costs", cost["admin"] / ours, least=2),
        Row(
            "view behind the same middleware against the bare view",
            behind / cost["bare"],
            most=BEHIND_AGAINST_BARE,
        ),
        Row("our files that take part in a GET of a history", files, "", most=25),
        Row("history, 50 rows, against the view behind the same middleware", ours / behind),
        Row("200 rows against 50 rows", cost["200 rows"] / ours),
        Row("all filters and a sort, not seen before, against none", cost["filtered"] / ours),
        Row("history, 50 rows, processor time", ours, "ms"),
    ]
