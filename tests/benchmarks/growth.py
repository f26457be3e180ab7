"""What longer and longer histories cost: the first view, a cached page, memory; and longer pasted texts."""

from . import stub
from .pages import ALL_FILTERS
from .report import Row
from .servers import Child, history, production, temporary_folder

# As far as the longest needs.
LIMITS = {"DCS_MAX_RECORDS": "200000", "DCS_RECORDS_IN_MEMORY": "1000000", "DCS_FRESH_SECONDS": "3600"}


def measure(effort):
    rows = []
    costs = []
    for records in effort.sizes:
        page = history(f"records-{records}")
        with (
            temporary_folder() as folder,
            stub.running() as upstream,
            Child("portal", **production(folder, upstream.endpoint, **LIMITS)) as portal,
        ):
            portal.ask("migrate")
            before = portal.ask("ask", path=history("records-10-first"), times=2)["memory"]
            first = portal.ask("ask", path=page)
            cached = portal.ask("ask", path=page, times=effort.requests)
            filtered = portal.ask("ask", path=f"{page}?{ALL_FILTERS}", times=effort.requests)
        assert (first["status"], cached["rows"]) == (200, min(records, 50)), (first, cached)
        costs.append(cached["cpu"])
        rows += [
            Row(f"{records:,} records: first view", first["wall"], "ms"),
            Row(f"{records:,} records: cached page, processor time", cached["cpu"], "ms"),
            Row(f"{records:,} records: all filters, processor time", filtered["cpu"], "ms"),
            Row(f"{records:,} records: memory for a record", (cached["memory"] - before) / records, "kB"),
        ]
    what = f"cached page of {effort.sizes[-1]:,} records against one of {effort.sizes[0]:,}"
    return [Row(what, costs[-1] / costs[0], most=2), *rows, *_pasted_texts()]


def _pasted_texts():
    with (
        temporary_folder() as folder,
        Child("pasted_text", **production(folder, "http://127.0.0.1:9")) as reader,
    ):
        reader.ask("most_costly", length=5_000)  # what is kept from then on
        short, long = (reader.ask("most_costly", length=length) for length in (5_000, 20_000))
    return [
        Row("20,000 hostile characters, whichever cost most: processor time", long, "ms", most=0.05),
        Row("20,000 of them against 5,000", long / short, most=6),
    ]
