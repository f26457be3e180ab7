"""How soon the collector knows of a backup, over a fleet whose clock is driven, and what it costs."""

import statistics
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID, Fleet
from backups.emulator.server import running

from .in_process import set_up
from .report import Row
from .servers import Child, answer_orders, history, production, served
from .virtual_users import CONNECTIONS, Viewer, look_regularly, percentile

# As many instances for each call a second, so that fewer of both come to the same.
INSTANCES, CALLS_PER_SECOND = 10_000, 5.0
SLOT_HOUR, HOURS = 18, (15.5, 21.0)
IDLE_SECONDS = 3600
SWEPT = 400


def measure(effort):
    instances = effort.records if effort.sizes[-1] == 100_000 else effort.records // 10
    most, all_in_one = (
        _simulated(min(instances, count), share) for count, share in ((INSTANCES, 0.6), (400, 1))
    )
    oldest = 2 * IDLE_SECONDS + 600
    return [
        Row("60 % planned in one hour: a finished backup known, median", most["p50"], "s", most=300),
        Row("the same, p95", most["p95"], "s", most=1800),
        Row("the same: the oldest list", most["oldest"], "s", most=oldest),
        Row("the same: calls a day for each instance", most["calls"], ""),
        Row("all planned in one hour: a finished backup known, median", all_in_one["p50"], "s"),
        Row("the same, p95", all_in_one["p95"], "s"),
        Row("the same: the oldest list", all_in_one["oldest"], "s"),
        Row("a list that has not changed, processor time", _swept(), "ms", most=0.002),
        Row("a viewer's history, p95 while the collector runs, against quiet", _beside(effort), most=1.2),
    ]


def _simulated(instances, share):
    with TemporaryDirectory(prefix="portal-bench-") as folder:
        rate = CALLS_PER_SECOND * instances / INSTANCES
        with Child(
            "collector", **production(folder, "http://127.0.0.1:9", 8000, COLLECT_CALLS_PER_SECOND=str(rate))
        ) as child:
            return child.ask(do="simulate", instances=instances, share=share)


def _swept():
    with TemporaryDirectory(prefix="portal-bench-") as folder, fleet(SWEPT) as (emulator, endpoint):
        environment = settings(emulator, folder, endpoint, COLLECT_CALLS_PER_SECOND="200")
        with Child("collector", **environment) as child:
            return float(child.ask(do="sweep")["cpu"])


def _beside(effort):
    """Two portals with the same lists, of which one collects, are looked at in turns."""
    from tests.servers.served import free_port

    page = history(ORDERS_CACHE_ID)
    found = {"off": [], "on": []}
    with ExitStack() as stack:
        emulator, endpoint = stack.enter_context(fleet(SWEPT))
        viewers = {}
        for collects in found:
            folder, port = stack.enter_context(TemporaryDirectory(prefix="portal-bench-")), free_port()
            environment = settings(emulator, folder, endpoint, port=port, COLLECT=collects)
            portal, cookies = stack.enter_context(served(environment, port, viewers=CONNECTIONS))
            viewers[collects] = [Viewer(portal.url, cookie, port=port) for cookie in cookies]
            look_regularly(viewers[collects], [page], effort.seconds)
        for _ in range(effort.rounds):
            for collects, own in viewers.items():
                found[collects].append(percentile(look_regularly(own, [page], effort.seconds), 0.95))
    return statistics.median(found["on"]) / statistics.median(found["off"])


@contextmanager
def fleet(instances):
    emulator = Emulator(Fleet(bulk_records=1000))
    emulator.fleet.add_many(instances)
    with running(emulator) as endpoint:
        yield emulator, endpoint


def settings(emulator, folder, endpoint, port=8000, **own):
    project = emulator.fleet.primary
    keys = {"DCS_PROJECT_ID": project.project_id, "DCS_AK": project.ak, "DCS_SK": project.sk}
    return production(folder, endpoint, port, **keys, **own)


# A process of the portal ----------------------------------------------------------


class Collecting:
    """Lets the collector work through driven time, one list after another."""

    def __init__(self):
        from django.core.management import call_command

        set_up()
        call_command("migrate", verbosity=0)
        self.now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def answer(self, do, **options):
        return getattr(self, do)(**options)

    def simulate(self, instances, share):
        """Collect over the hours around the slot; the emulator, in this process, has the same clock."""
        from django.conf import settings

        from backups.dcs.signing import Credentials

        self.now += timedelta(hours=HOURS[0])
        own = Fleet(now=lambda: self.now, bulk_records=10)
        for instance in own.instances(own.primary):
            own.remove_instance(instance.instance_id)
        own.add_many(instances, hour=SLOT_HOUR, share=share)
        emulator = Emulator(own)
        emulator.clock = lambda: datetime.now(UTC)
        key = Credentials(own.primary.ak, own.primary.sk)
        with running(emulator) as endpoint:
            changes = {"endpoint": endpoint, "project_id": own.primary.project_id, "credentials": key}
            settings.DCS_PROJECTS = {"default": settings.DCS_PROJECTS["default"] | changes}
            return self._watched(own)

    def _watched(self, own):
        ends = self.now + timedelta(hours=HOURS[1] - HOURS[0])
        counted_from = self.now + timedelta(hours=1.5)  # as long as a first reading of all may take
        read_at = {}
        delays, oldest, calls = [], 0.0, 0
        for instance_id in self._read(ends):
            before, read_at[instance_id] = read_at.get(instance_id), self.now
            calls += 1
            if before is None or self.now < counted_from:
                continue
            oldest = max(oldest, (self.now - before).total_seconds())
            instance = own.instance(own.primary, instance_id)
            assert instance
            ended = (attempt.finished for attempt in instance.history(instance, self.now))
            delays += [(self.now - one).total_seconds() for one in ended if before < one <= self.now]
        oldest = max(oldest, *((self.now - at).total_seconds() for at in read_at.values()))
        a_day = calls / len(read_at) * 24 / (HOURS[1] - HOURS[0])
        return {
            "p50": statistics.median(delays),
            "p95": sorted(delays)[int(0.95 * len(delays))],
            "oldest": oldest,
            "calls": a_day,
        }

    def _read(self, ends):
        """Collect until then; yield the instance of each list that was read."""
        from django.conf import settings

        from backups.services.collector.key import keys_of
        from backups.services.projects import configured_projects

        [key] = keys_of(configured_projects().values(), self.now)
        while self.now < ends:
            work = key.take(self.now)
            if work is None:
                self.now += timedelta(seconds=0.2 / settings.COLLECT_CALLS_PER_SECOND)
                continue
            key.read(work, lambda: self.now)
            if work.subject.kind == "backups":
                yield work.subject.instance_id

    def sweep(self):
        """Read everything, then, when all is due again, measure that, while no day ends or begins."""
        self.now += timedelta(days=1, hours=8)
        for _ in range(3):
            self.now += timedelta(seconds=IDLE_SECONDS + 1200)
            began = time.process_time()
            read = len(list(self._read(self.now + timedelta(seconds=SWEPT / 100))))
        assert read >= SWEPT
        return {"cpu": (time.process_time() - began) / read}


if __name__ == "__main__":
    answer_orders(lambda: Collecting().answer)
