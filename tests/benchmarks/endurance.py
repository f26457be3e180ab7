"""Minutes of mixed use while DCS is ill now and then; then a worker, DCS and PostgreSQL break in turn."""

import itertools
import logging
import os
import random
import re
import signal
import statistics
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backups.emulator.api import Emulator
from backups.emulator.server import running

from .report import Row
from .servers import history, keys_of, postgresql, temporary_folder
from .virtual_users import CONNECTIONS, EVERY, look_regularly, side_by_side, visited

USERS, PAUSE = 8, 0.2
TURN_SECONDS = 10.0  # DCS is ill for one turn and well for the next; lists get old within that
PAGES = ("", "", "", "", "backups.json", "backups.csv", "ticket/", "recovery-point/")
QUERIES = (
    "", "status=succeed&type=auto", "q=before&sort=-size&per_page=200", "range=24h&tz=Asia/Shanghai",
    "restorable=yes&restorable=unknown&sort=name&page=2", "at=2+h+ago", "from=%FF&page=x", "status=%00&x=%F0",
)  # fmt: skip
OTHERS = (
    "/", "/projects/default/", "/projects/default/?q=orders", "/keyboard/", "/find/?q=cache", "/nowhere",
    "/projects/none/", "/static/nothing.css", "/%00", "/healthz", "/find/?q=https://portal.example/x/%FF",
)  # fmt: skip
LOOKED_AT = ("orders-cache", "sessions-live", "baskets")
MOST_SECONDS = 30.0


def measure(effort):
    logging.getLogger("waitress").setLevel(logging.CRITICAL)  # which an answer that is cut surprises
    emulator = Emulator()
    own = {**keys_of(emulator.fleet.primary), "DCS_FRESH_SECONDS": "10"}
    with temporary_folder() as folder, running(emulator) as endpoint, postgresql(Path(folder)) as postgres:
        if postgres:  # else the portal has SQLite
            own["DATABASE_URL"] = postgres.url
        with visited(endpoint, USERS, patience=MOST_SECONDS, **own) as (portal, viewers):
            rows = _mixed_use(portal, viewers, emulator, effort.use_seconds)
            return rows + _breakages(portal, viewers[:CONNECTIONS], emulator, postgres, effort)


# Mixed use -------------------------------------------------------------------


def _mixed_use(portal, viewers, emulator, seconds):
    over = threading.Event()
    instances = [one.instance_id for one in emulator.fleet.instances(emulator.fleet.primary)]

    def wander(number):
        chance, looks = random.Random(number), []
        while not over.wait(PAUSE * chance.uniform(0.5, 1.5)):
            unknown = str(uuid.UUID(int=chance.getrandbits(128)))
            instance_id = unknown if chance.random() < 0.02 else chance.choice(instances)
            page = history(instance_id, chance.choice(QUERIES), chance.choice(PAGES))
            looks.append(viewers[number].get(page if chance.random() < 0.7 else chance.choice(OTHERS)))
        return looks

    troubles = (
        lambda: emulator.fail_with(500), lambda: emulator.fail_with(503), lambda: emulator.throttle(2),
        emulator.cut_body, emulator.hang, emulator.answer_html, lambda: emulator.fail_with(403),
    )  # fmt: skip
    samples, ends = [], time.monotonic() + seconds
    with ThreadPoolExecutor(1) as apart:
        wandering = apart.submit(side_by_side, wander, len(viewers))
        try:
            for begin in itertools.cycle(itertools.chain(*((one, emulator.heal) for one in troubles))):
                begin()
                time.sleep(min(TURN_SECONDS, seconds / 8))
                samples.append(_held(portal))
                if time.monotonic() > ends:
                    break
        finally:
            emulator.heal()
            over.set()
    looks = wandering.result()
    wrong = [f"{look.status} {look.path}" for look in looks if not _is_documented(look)]
    errors = [event for event in portal.events if event["level"] not in ("info", "warning")]
    for told in (*wrong[:5], *errors[:5]):
        print(str(told)[:400])
    # What is loaded and cached once, in the first quarter, is no growth.
    memory, files = (_growth(values[len(values) // 4 :]) for values in zip(*samples, strict=True))
    return [
        Row("memory of the workers, last fifth against first after warm-up", memory, most=1.1),
        Row("their open files and sockets, the same", files, most=1.5),
        Row("answers that are not documented", len(wrong), "", most=0),
        Row("errors and tracebacks in the log", len(errors), "", most=0),
        Row("requests", len(looks), ""),
        Row("memory of the workers at the end", samples[-1][0], "MB"),
    ]


def _held(portal):
    """Return the memory of all workers, each page counted once, and how many files they have open."""
    memory = files = 0
    for pid in portal.workers():
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        memory += next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        files += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return memory, files


def _growth(values):
    fifth = max(1, len(values) // 5)
    return statistics.median(values[-fifth:]) / statistics.median(values[:fifth])


def _is_documented(look):
    """429 and 503 say when to come back; what DCS refuses or garbles is 502."""
    return bool(look.retry_after) if look.status in (429, 503) else look.status in (200, 302, 400, 404, 502)


# Something breaks ------------------------------------------------------------


def _breakages(portal, viewers, emulator, postgres, effort):
    """Break one thing after another while viewers look, and hold their pages against DCS's records."""
    fleet = emulator.fleet
    named = [fleet.named(name, fleet.primary.name) for name in LOOKED_AT]
    right = {
        history(one.instance_id, "per_page=200"): {row.backup_id.encode() for row in fleet.backups(one)}
        for one in named
    }

    def is_right(look):
        return set(re.findall(rb'<tr data-backup-id="([^"]+)"', look.body)) == right[look.path]

    def until_well():
        looks = []
        ends = time.monotonic() + MOST_SECONDS
        while time.monotonic() < ends:
            looks += (seen := look_regularly(viewers, list(right), EVERY * len(right)))
            if all(look.status == 200 and is_right(look) for look in seen):
                return looks
        raise SystemExit(f"not every page comes: {[(look.status, look.path) for look in seen]}")

    breakages = [
        ("a worker is killed", lambda: os.kill(portal.workers()[0], signal.SIGKILL), lambda: None),
        ("DCS fails (500)", lambda: emulator.fail_with(500), emulator.heal),
        ("DCS hangs", emulator.hang, emulator.heal),
    ]
    if postgres:
        breakages.append(("PostgreSQL is stopped", postgres.stop, postgres.start))
        breakages.append(("PostgreSQL is frozen", postgres.freeze, postgres.thaw))
    until_well()
    rows, everything = [], []
    for name, harm, mend in breakages:
        harm()
        mending = threading.Timer(effort.broken_seconds, mend)
        mending.start()
        looks = look_regularly(viewers, list(right), effort.broken_seconds)
        mending.join()
        mended = time.monotonic()
        looks += until_well()
        bad = [look.ended - mended for look in looks if look.status != 200]
        unavailable = 100 * sum(look.status == 503 for look in looks) / len(looks)
        rows.append(Row(f"{name}: answers that are 503", unavailable, " %"))
        rows.append(Row(f"{name}: all well after", max(0.0, *bad) if bad else 0.0, "s", most=10))
        everything += looks
    wrong = sum(look.status == 200 and not is_right(look) for look in everything)
    others = sum(look.status not in (200, 503) for look in everything)
    return [
        Row("pages with other records than DCS has, whatever breaks", wrong, "", most=0),
        Row("answers besides 200 and 503, whatever breaks", others, "", most=0),
        Row("the slowest answer, whatever breaks", max(look.seconds for look in everything), "s", most=10),
        *rows,
    ]
