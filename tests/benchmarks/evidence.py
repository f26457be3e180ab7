"""What evidence costs: to keep a reading, to tell it again, and whoever looks or signs in meanwhile."""

import time
from contextlib import contextmanager

from . import stub
from .report import Row
from .servers import Child, history, on_each_database, production
from .virtual_users import CONNECTIONS, against_quiet, look_regularly, visited

PAGE = history("records-72-looked-at")
# How often a list with a change is written while others look, and how often somebody signs in.
WRITE_SECONDS, SIGN_IN_SECONDS = 0.2, 0.02


def measure(effort):
    return on_each_database(lambda url: _measured(url, effort))


def _measured(url, effort):
    with stub.running() as upstream:
        settings = {"DATABASE_URL": url, "DCS_FRESH_SECONDS": "3600"}
        environment = production("", upstream.endpoint, **settings)
        with Child("kept_evidence", **environment) as portal, Child("kept_evidence", **environment) as other:
            times = {"times": effort.requests}
            portal.ask("migrate")
            disk = portal.ask("disk")  # before any row was written anew
            unchanged = portal.ask("unchanged")
            changed = portal.ask("one_change", **times)
            usual, large = (portal.ask("as_of", records=size, **times) for size in (72, 10_000))
            page = portal.ask(
                "page", path=PAGE, every=WRITE_SECONDS, seconds=effort.seconds, rounds=effort.rounds
            )
            with repeated(other, "sign_in", SIGN_IN_SECONDS) as quiet:
                time.sleep(effort.seconds)
            with repeated(other, "sign_in", SIGN_IN_SECONDS) as beside:
                for number in range(effort.rounds):
                    portal.ask("write", name=f"new-{number}")
            seen = portal.ask("write", name="new") + other.ask("look", name="new")
            found = portal.ask("find", **times)
            forgotten = portal.ask("forget")
        by_another = _beside_a_writer(upstream, effort, **settings)
    most_beside = 0.15 if url.startswith("sqlite") else 0.03
    return [
        Row("72 unchanged records, and a look at what is known: statements", unchanged, "", most=2),
        Row("10,000 records with one change, processor time", changed, "ms", most=0.08),
        Row("72 records as known at a time", usual, "ms", most=0.01),
        Row("10,000 records as known at a time", large, "ms", most=0.35),
        Row("a backup's id among 1,000,000", found, "ms", most=0.005),
        Row(
            "history page while a list is written 5 times a second: p95 against quiet",
            page["ratio"],
            most=1.2,
        ),
        Row("the same, written by another process", by_another, most=1.2),
        Row("a record on disk, indexes included", disk["record"], " bytes", most=900),
        Row("a change on disk, indexes included", disk["change"], " bytes", most=900),
        Row("look-ups in the store for a history page", page["lookups"], "", most=1),
        Row("100,000 records are forgotten: the longest batch", forgotten, "ms", most=0.2),
        Row("sign-in while 10,000 records arrive, p99", beside["p99"], "ms", most=most_beside),
        Row("sign-in in quiet, p99", quiet["p99"], "ms"),
        Row("10,000 new records are seen by others after", seen, "s", most=3),
    ]


@contextmanager
def repeated(child, what, every):
    """Let a process do something again and again until the block is left; yield what it then tells."""
    told = {}
    child.ask("begin", what=what, every=every)
    yield told
    told["p99"] = child.ask("end")


def _beside_a_writer(upstream, effort, **settings):
    with (
        Child("kept_evidence", **production("", upstream.endpoint, **settings)) as writer,
        visited(upstream.endpoint, CONNECTIONS, **settings) as (_, viewers),
    ):
        return against_quiet(
            lambda: look_regularly(viewers, [PAGE], effort.seconds),
            lambda: repeated(writer, "write_a_change", WRITE_SECONDS),
            effort.rounds,
        )
