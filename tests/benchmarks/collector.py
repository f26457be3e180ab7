"""How soon the collector knows of a backup, over a fleet whose clock is driven, and what it costs."""

import statistics
from contextlib import ExitStack, contextmanager

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID, Fleet
from backups.emulator.server import running

from .report import Row
from .servers import Child, history, keys_of, production, temporary_folder
from .virtual_users import CONNECTIONS, look_regularly, percentile, visited

# As many instances for each call a second, so that fewer of both come to the same.
INSTANCES, CALLS_PER_SECOND = 10_000, 5.0
SWEPT = 400


def measure(effort):
    instances = effort.records if effort.sizes[-1] == 100_000 else effort.records // 10
    most, all_in_one = _simulated(min(instances, INSTANCES), 0.6), _simulated(min(instances, 400), 1)
    return [
        Row("60 % planned in one hour: a finished backup known, median", most["p50"], "s", most=300),
        Row("the same, p95", most["p95"], "s", most=1800),
        Row("the same: the oldest list", most["oldest"], "s", most=2 * 3600 + 600),
        Row("the same: calls a day for each instance", most["calls"], ""),
        Row("all planned in one hour: a finished backup known, median", all_in_one["p50"], "s"),
        Row("the same, p95", all_in_one["p95"], "s"),
        Row("the same: the oldest list", all_in_one["oldest"], "s"),
        Row("a list that has not changed, processor time", _swept(), "ms", most=0.002),
        Row("a viewer's history, p95 while the collector runs, against quiet", _beside(effort), most=1.2),
    ]


def _simulated(instances, share):
    rate = str(CALLS_PER_SECOND * instances / INSTANCES)
    with temporary_folder() as folder:
        environment = production(folder, "http://127.0.0.1:9", COLLECT_CALLS_PER_SECOND=rate)
        with Child("collecting", **environment) as child:
            return child.ask("simulate", instances=instances, share=share)


def _swept():
    with temporary_folder() as folder, _fleet() as settings:
        environment = production(folder, COLLECT_CALLS_PER_SECOND="200", **settings)
        with Child("collecting", **environment) as child:
            return child.ask("sweep", lists=SWEPT)


def _beside(effort):
    """Two portals with the same lists, of which one collects, are looked at in turns."""
    viewers, found = {}, {"off": [], "on": []}
    with ExitStack() as stack:
        settings = stack.enter_context(_fleet())
        for collects in found:
            portal = visited(number=CONNECTIONS, COLLECT=collects, **settings)
            _, viewers[collects] = stack.enter_context(portal)

        def look(collects):
            return look_regularly(viewers[collects], [history(ORDERS_CACHE_ID)], effort.seconds)

        for collects in found:
            look(collects)
        for _ in range(effort.rounds):
            for collects, waited in found.items():
                waited.append(percentile(look(collects), 0.95))
    return statistics.median(found["on"]) / statistics.median(found["off"])


@contextmanager
def _fleet():
    """Serve DCS with many lists, and yield the settings that ask it."""
    emulator = Emulator(Fleet(bulk_records=1000))
    emulator.fleet.add_many(SWEPT)
    with running(emulator) as endpoint:
        yield {"endpoint": endpoint, **keys_of(emulator.fleet.primary)}
