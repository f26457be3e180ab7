"""The collector reads what is due, each list once; it leaves DCS, the memory and the viewers in peace."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from prometheus_client import REGISTRY

from backups.emulator.records import iso
from backups.models import InstanceSummary
from backups.services.collector.key import MOST_AT_ONCE
from backups.services.listings import (
    NothingToShow,
    Subject,
    generations,
    instance_restores,
    project_instances,
    reader,
)

from ..conftest import wait_for
from .api_records import raws
from .collecting import Collector, instances_asked_for, lists_read
from .conftest import ORDERS, later, problem_of, read, settled, walks

Summaries, Urgency = InstanceSummary.objects, InstanceSummary.Urgency
KEPT = ("orders-cache", "sessions-live", "sessions-single", "brand-new", "billing-broken", "baskets")


@pytest.fixture
def few(emulator, instances):
    """The project has six instances; returns four that are like any other."""
    fleet = emulator.fleet
    named = {one.name: one.instance_id for one in fleet.instances(fleet.primary)}
    for name in set(named) - set(KEPT):
        fleet.remove_instance(named[name])
    return [named[name] for name in KEPT[2:]]


@pytest.fixture
def collector(eu, few):
    return Collector(eu)


@pytest.fixture
def collected(collector, emulator):
    """A collector that has read everything once, and no call is remembered."""
    collector.collect(30)
    emulator.clear_calls()
    return collector


def all_ids(emulator):
    return {instance.instance_id for instance in emulator.fleet.instances(emulator.fleet.primary)}


def calls_counted():
    return REGISTRY.get_sample_value("dcs_portal_collector_calls_total", {"project": "eu-prod"}) or 0


def summary(instance_id=ORDERS):
    return Summaries.get(instance__instance_id=instance_id)


# What is read ------------------------------------------------------------------------


def test_everything_is_read_once_at_first_within_the_budget(collector, emulator):
    began, calls, ids = collector.clock(), calls_counted(), all_ids(emulator)

    collector.collect(30)

    assert lists_read(emulator) == instances_asked_for(emulator) == dict.fromkeys(ids, 1)
    assert len(emulator.calls) - 2 * len(ids) < 15  # the project's list, and the pages of a long one
    assert calls_counted() - calls == len(emulator.calls)
    assert set(Summaries.values_list("instance__instance_id", flat=True)) == ids
    newest = Summaries.order_by("-read_at").first().read_at
    assert newest - began > timedelta(seconds=len(emulator.calls) / 5 - 2)  # 5 calls a second


def test_what_was_just_read_is_left_alone_but_for_a_backup_that_runs(collected, emulator, few):
    now = collected.clock()
    emulator.set_records(ORDERS, [raws(1)[0] | {"status": "backuping", "created_at": iso(now)}])
    collected.clock.let_pass(300)  # as far as the budget allows a list is read every five minutes
    collected.collect(60)
    assert summary().urgency == Urgency.RUNNING
    emulator.clear_calls()

    collected.collect(150)
    assert set(lists_read(emulator)) <= {emulator.fleet.named("sessions-live").instance_id, ORDERS}
    collected.collect(60)
    assert lists_read(emulator)[ORDERS] == 1


def test_the_list_of_instances_is_read_every_five_minutes_and_show_instance_once_a_day(collected, emulator):
    collected.collect(600)
    lists = [call for call in emulator.calls if call.path.endswith("/instances")]
    assert len(lists) == 2
    assert not instances_asked_for(emulator)

    collected.clock.let_pass(86_400)
    collected.collect(60)
    assert instances_asked_for(emulator) == dict.fromkeys(all_ids(emulator), 1)


def test_a_changed_status_is_looked_into_a_new_instance_read_and_a_gone_one_left_alone(
    collected, emulator, few
):
    new = emulator.fleet.add_instance("new-one").instance_id
    emulator.fleet.remove_instance(few[0])
    changed = emulator.fleet.add_instance("changed", instance_id=few[1], status="ERROR").instance_id

    collected.clock.let_pass(240)
    collected.collect(90)

    assert set(instances_asked_for(emulator)) == {new, changed}
    assert lists_read(emulator)[new] == 1
    assert not lists_read(emulator)[few[0]]
    assert summary(changed).status == "ERROR"
    assert (summary(few[0]).due_at, summary(few[0]).shown_due_at) == (None, None)


def test_a_planned_backup_is_looked_for_after_its_slot_until_it_has_ended(collector, emulator):
    *_, before = raws(2)
    emulator.set_records(ORDERS, [before])
    collector.collect(30)
    slot = collector.clock().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    slot = slot.replace(hour=emulator.fleet.named("orders-cache").backup_hour)

    due = [due_of_a_reading(collector, slot + timedelta(minutes=minutes)) for minutes in (-30, 12)]
    emulator.set_records(ORDERS, [raws(2)[0] | {"execution_at": iso(slot + timedelta(minutes=13))}, before])
    ended = due_of_a_reading(collector, slot + timedelta(minutes=22))

    assert [(at - slot).total_seconds() // 60 for at in (*due, ended)] == [10, 22, 82]


def due_of_a_reading(collector, at):
    """When orders-cache is due after it was read then."""
    collector.clock.let_pass((at - collector.clock()).total_seconds())
    Summaries.update(shown_due_at=None)
    Summaries.filter(instance__instance_id=ORDERS).update(due_at=at - timedelta(hours=9))
    collector.collect(5)
    return summary().due_at


def test_what_a_viewer_has_just_read_is_not_read_again(collector, emulator, eu):
    project_instances(eu, now=later())
    read(eu)
    settled()

    collector.collect(30)

    assert walks(emulator) == 1


def test_what_is_most_urgent_comes_first_and_of_the_like_the_oldest(collected, emulator):
    collected.clock.let_pass(120)
    # Minutes since each was read, and until it is due; what for.
    times = {
        "unread for twice too long": (180, 0, Urgency.IDLE),
        "a backup runs": (9, -9, Urgency.RUNNING),
        "its slot began, older": (9, 8, Urgency.PLANNED),
        "its slot began": (6, 8, Urgency.PLANNED),
        "due": (65, -1, Urgency.IDLE),
        "its slot is to come": (20, 30, Urgency.PLANNED),
    }
    now, ids = collected.clock(), sorted(all_ids(emulator))
    for instance_id, (ago, due, urgency) in zip(reversed(ids), times.values(), strict=True):
        minutes = {"read_at": now - timedelta(minutes=ago), "due_at": now + timedelta(minutes=due)}
        Summaries.filter(instance__instance_id=instance_id).update(**minutes, urgency=urgency)
    emulator.clear_calls()
    collected.collect(3)

    assert list(lists_read(emulator)) == ids[::-1]


# Memory ------------------------------------------------------------------------------


def test_what_nobody_looks_at_takes_no_memory_and_what_somebody_does_is_renewed_there(
    collector, emulator, few, eu
):
    emulator.set_records(ORDERS, raws(3))
    read(eu)
    emulator.set_records(ORDERS, raws(5))
    collector.clock.let_pass(400)

    collector.collect(30)

    assert not decoded(eu, few[0])
    assert len(decoded(eu, ORDERS)) == 5
    assert read(eu, after=420).total == 5


def decoded(project, instance_id):
    """The records of an instance that this process has in its memory."""
    subject = Subject("backups", project, instance_id)
    generation = generations.look_up(subject).generation
    found = generations.in_memory(subject, generation)
    return found.records if found else ()


# Viewers come first ------------------------------------------------------------------


def test_viewers_read_while_the_collector_s_calls_hang_and_join_those(collector, emulator, eu):
    project_instances(eu, now=later())
    emulator.hang(times=MOST_AT_ONCE, path_contains="/backups")
    with ThreadPoolExecutor(MOST_AT_ONCE + 2) as threads:
        wait_for(lambda: not collector.begin(threads) and len(lists_read(emulator)) == MOST_AT_ONCE)
        hanging = list(lists_read(emulator))
        assert not collector.begin(threads)
        free = sorted(all_ids(emulator) - set(hanging))

        assert read(eu, free[0], patience=60).source == "live"
        joined = threads.submit(read, eu, hanging[0])
        wait_for(lambda: bool(reader._waiting))
        assert not collector.begin(threads)
        emulator.heal()
        assert joined.result().source == "live"

    assert walks(emulator, hanging[0]) == 1


def test_an_open_circuit_s_trial_is_left_to_viewers_while_they_ask(collected, emulator, few, eu):
    emulator.fail_with(503)
    collected.clock.let_pass(300)
    collected.collect(5)
    assert emulator.count(status=503) == 5
    emulator.heal()
    emulator.clear_calls()

    collected.collect(13)  # past the circuit's ten seconds, and not yet ten more
    assert not emulator.calls
    assert read(eu, few[3], after=collected.clock.passed.total_seconds(), read_now=True).source == "live"
    assert walks(emulator, few[3]) == 1
    collected.collect(30)
    assert len(lists_read(emulator)) > 1


def test_where_nobody_asks_the_collector_tries_an_open_circuit_and_goes_on(collected, emulator):
    emulator.fail_with(503, times=5)
    collected.clock.let_pass(300)
    collected.collect(5)
    emulator.clear_calls()

    collected.collect(400)

    assert set(lists_read(emulator)) == all_ids(emulator)
    assert not Summaries.exclude(problem="")


# DCS fails in the middle of a sweep ----------------------------------------------------


@pytest.fixture
def fast(eu, few, portal):
    """A collector that may make 200 calls a second."""
    portal.COLLECT_CALLS_PER_SECOND = 200
    return Collector(eu)


@pytest.mark.parametrize("status", [401, 429, 503])
def test_soon_after_dcs_refuses_throttles_or_fails_it_is_left_alone(fast, emulator, instances, status):
    emulator.latency = 0.05
    fault = emulator.fail_with(status, after=5, retry_after=20 if status == 429 else None)
    with ThreadPoolExecutor(8) as threads:
        wait_for(lambda: not fast.begin(threads) and fault.hits and not fast.key.under_way)
        assert not fast.begin(threads)

    # Who is throttled asks half as often. The circuit opens with the fifth.
    assert (fast.key._budget.rate(fast.clock().timestamp()) < 110) == (status == 429)
    assert fault.hits <= MOST_AT_ONCE + (4 if status == 503 else 0)
    emulator.heal()
    fast.clock.let_pass(330)
    fast.collect(400)
    assert Summaries.exclude(read_at=None).filter(problem="").count() == len(all_ids(emulator))


@pytest.mark.parametrize("status", [401, 429])
def test_with_eight_calls_in_flight_few_follow_the_first_that_is_refused_or_throttled(
    fast, emulator, eu, status
):
    new = [emulator.fleet.add_instance(f"new-{n}").instance_id for n in range(2 * MOST_AT_ONCE)]
    project_instances(eu, now=later())
    # What is throttled a viewer's client asks for again, after the pause that DCS wants; not here.
    together = Barrier(2 * MOST_AT_ONCE, timeout=60)
    emulator.fail_with(status, times=2 * MOST_AT_ONCE).before = together.wait
    emulator.fail_with(status)
    emulator.clear_calls()

    def look(*ids):
        return [problem_of(eu, one).kind for one in ids]

    with ThreadPoolExecutor(2 * MOST_AT_ONCE) as threads:
        wait_for(lambda: not fast.begin(threads) and len(emulator.calls) == MOST_AT_ONCE)
        told = [threads.submit(look, *ids) for ids in zip(new[::2], new[1::2], strict=True)]
        wait_for(lambda: not fast.key.under_way)
        assert not fast.begin(threads)
        kinds = {kind for one in told for kind in one.result()}

    assert kinds == {"credentials_refused" if status == 401 else "throttled"}
    assert len(emulator.calls) <= 2 * MOST_AT_ONCE + 4


def test_a_list_that_fails_alone_holds_up_no_other_and_is_tried_every_five_minutes(collector, emulator, few):
    emulator.fail_with(500, path_contains=few[0])

    collector.collect(290)

    assert lists_read(emulator)[few[0]] == 1
    assert summary(few[0]).problem == "server_error"
    assert Summaries.filter(read_at=None).count() == 1
    collector.collect(300)
    assert lists_read(emulator)[few[0]] == 2


def test_restores_that_cannot_be_read_say_nothing_of_the_list_of_backups(collected, emulator, eu):
    before = summary()
    emulator.fail_with(500, path_contains="/restores")
    with pytest.raises(NothingToShow):
        instance_restores(eu, ORDERS, now=later())
    settled()

    assert (summary().problem, summary().due_at) == ("", before.due_at)
