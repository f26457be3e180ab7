"""What the board of many instances costs: one view of it, with 100 rows, and its JSON."""

from . import stub
from .report import Row
from .servers import Child, on_each_database, production

ADDRESSES = {
    "100 rows": "/",
    "filtered": "/?verdict=attention&q=cache&sort=-newest",
    "another objective": "/?rpo=6h",
    "as of a time": "/?as_of={now}",
    "all as JSON": "/instances.json",
}


def measure(effort):
    return on_each_database(lambda url: _measured(url, effort))


def _measured(url, effort):
    with stub.running() as upstream:
        # As it is usually: who collects is asked only where it is off.
        environment = production("", upstream.endpoint, DATABASE_URL=url, COLLECT="on")
        with Child("filled_board", **environment) as portal:
            portal.ask("fill", instances=effort.records)
            times = {name: effort.requests if name == "100 rows" else effort.rounds for name in ADDRESSES}
            told = {
                name: portal.ask("look", path=path, times=times[name]) for name, path in ADDRESSES.items()
            }
    assert {one["status"] for one in told.values()} == {200}, told
    board = f"board of {effort.records:,} instances"
    first = told.pop("100 rows")
    return [
        Row(f"{board}, 100 rows, processor time", first["cpu"], "ms", most=0.1),
        Row(f"{board}, 100 rows: queries", first["queries"], "", most=5),
        *(Row(f"{board}, {name}, processor time", one["cpu"], "ms") for name, one in told.items()),
    ]
