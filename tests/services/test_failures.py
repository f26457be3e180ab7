"""When DCS fails: the last listing stays, the reason is told, and DCS is left in peace."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backups.dcs.signing import Credentials
from backups.services import listings
from backups.services.listings import NothingToShow, reader
from backups.services.projects import configured_projects

from ..conftest import wait_for
from .conftest import ORDERS, at_once, later, problem_of, read, settled


def test_a_failure_is_forgotten_after_some_seconds(eu, emulator):
    emulator.fail_with(500, times=1)
    problem_of(eu)

    assert problem_of(eu, after=3).kind == "server_error"
    assert read(eu, after=5).source == "live"
    assert read(eu).problem is None


def test_while_it_is_tried_again_the_old_listing_still_tells_the_last_failure(eu, emulator):
    read(eu)
    emulator.fail_with(500)
    read(eu, read_now=True)
    emulator.heal()
    emulator.hang()

    listing = read(eu, after=70)

    assert (listing.refreshing, listing.problem.code, listing.problem.retry_at) == (True, "DCS.5078", None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_of_the_portal_itself_is_told_and_not_repeated_by_waiting_viewers(eu, emulator, portal):
    size, portal.DCS_PAGE_SIZE = portal.DCS_PAGE_SIZE, "no number"
    first = problem_of(eu)
    for thread in threading.enumerate():
        if thread.name.startswith("read-"):
            thread.join()
    portal.DCS_PAGE_SIZE = size

    assert (first.kind, first.page_status) == ("portal_error", 503)
    assert problem_of(eu, after=2).kind == "portal_error"
    assert not emulator.count("/backups")
    assert read(eu, after=5).source == "live"


# Throttled -----------------------------------------------------------------------------


def test_a_throttled_list_is_not_asked_for_before_its_time_and_others_are(eu, emulator):
    emulator.throttle(120, times=1)

    first = problem_of(eu)
    second = problem_of(eu, after=115)

    assert timedelta(seconds=110) < first.retry_at - later() <= timedelta(seconds=120)
    assert second.retry_at == first.retry_at
    assert emulator.count("/backups") == 1
    assert read(eu, emulator.fleet.named("baskets").instance_id).total
    assert read(eu, after=121).source == "live"


@pytest.mark.parametrize(("asked", "passed_on"), [(60, 60), (86_400, 300)])
@pytest.mark.parametrize("status", [429, 503])
def test_the_time_that_dcs_gives_is_passed_on_up_to_five_minutes(eu, emulator, status, asked, passed_on):
    emulator.fail_with(status, retry_after=asked)

    assert passed_on - 10 < problem_of(eu).retry_after(later()) <= passed_on


# A refused key -------------------------------------------------------------------------


def _change(portal, **values):
    changed = {**portal.DCS_PROJECTS["eu-prod"], **values}
    portal.DCS_PROJECTS = {**portal.DCS_PROJECTS, "eu-prod": changed}


@pytest.fixture
def wrong_key(eu, portal):
    _change(portal, credentials=Credentials(eu.credentials.secrets[0], "0" * 40))
    return configured_projects()["eu-prod"]


def test_a_refused_key_is_tried_once_however_many_pages_are_open(
    wrong_key, emulator, portal, instances, monkeypatch
):
    portal.DCS_WAITING_VIEWERS = 50
    monkeypatch.setattr(reader, "TURN_SECONDS", 30)  # a busy machine may take long to be refused
    waiting = iter(instances[:15])  # with their histories, what one process reads of a project at a time

    seen = at_once(15, lambda: listings.backups_and_instance(wrong_key, next(waiting), now=later()))
    settled()

    assert {(problem.kind, problem.http_status) for problem in seen} == {("credentials_refused", 401)}
    assert len(emulator.calls) == 1


def test_every_call_of_a_refused_key_is_held_for_five_minutes_and_no_call_of_another(
    wrong_key, emulator, portal
):
    first = problem_of(wrong_key)
    emulator.clear_calls()

    with pytest.raises(NothingToShow) as instances:
        listings.project_instances(wrong_key, now=later(290))

    for held in (instances.value.problem, problem_of(wrong_key, after=290)):
        assert (held.kind, held.code, held.page_status) == ("credentials_refused", "APIGW.0301", 503)
        assert held.request_id == first.request_id
    assert 290 < first.retry_after(later()) <= 300
    assert not emulator.calls
    assert listings.project_instances(configured_projects()["cn-prod"], now=later()).total == 11
    _change(portal, credentials=Credentials(emulator.fleet.primary.ak, emulator.fleet.primary.sk))
    assert read(configured_projects()["eu-prod"]).source == "live"


def test_after_five_minutes_a_refused_key_is_tried_once_more(eu, emulator, portal):
    portal.DCS_WAITING_VIEWERS = 10
    emulator.fail_with(401)
    problem_of(eu)
    emulator.hang()

    with ThreadPoolExecutor(10) as viewers:
        coming = [viewers.submit(problem_of, eu, after=301) for _ in range(10)]
        wait_for(lambda: len(reader._waiting) == 10 and emulator.count() == 2)
        emulator.heal()

    assert {one.result().kind for one in coming} == {"credentials_refused"}
    assert emulator.count() == 2


def test_a_hold_from_a_clock_that_was_put_back_does_not_last_for_ever(eu, emulator):
    emulator.fail_with(401, times=1)
    problem_of(eu)

    assert problem_of(eu, after=-100).kind == "credentials_refused"
    assert read(eu, after=-3600).source == "live"


# The circuit ---------------------------------------------------------------------------


def fail(project, emulator, instances, how=None):
    """Let a call for each instance fail, and the next ones succeed."""
    (how or (lambda e: e.fail_with(503)))(emulator)
    for instance_id in instances:
        problem_of(project, instance_id)
    emulator.heal()
    emulator.clear_calls()


@pytest.mark.parametrize("how", [lambda e: e.fail_with(503), lambda e: e.fail_with(504), lambda e: e.hang()])
def test_after_five_failures_over_two_instances_dcs_is_left_alone_for_ten_seconds(
    eu, emulator, portal, instances, how
):
    first = read(eu)
    portal.DCS_READ_TIMEOUT = 0.3
    fail(eu, emulator, instances[:5], how)
    portal.DCS_READ_TIMEOUT = 60

    problem = problem_of(eu, instances[5], after=5)
    cached = read(eu, read_now=True)

    assert (problem.kind, problem.page_status) == ("circuit_open", 503)
    assert problem.retry_after(later()) in range(1, 11)
    assert (cached.records, cached.problem.kind) == (first.records, "circuit_open")
    assert not emulator.calls
    # The one trial succeeds, and ends it.
    assert [read(eu, instance_id, after=11).source for instance_id in instances[5:9]] == ["live"] * 4


def test_a_circuit_from_a_clock_that_was_put_back_does_not_stay_open_for_ever(eu, emulator, instances):
    fail(eu, emulator, instances[:5])

    assert problem_of(eu, instances[5], after=-100).kind == "circuit_open"
    assert read(eu, instances[5], after=-3600).source == "live"


def test_what_only_adorns_a_page_never_takes_the_trial(eu, emulator, instances):
    read(eu)
    fail(eu, emulator, instances[:5])

    listings.backups_and_instance(eu, ORDERS, now=later(11))

    assert not emulator.calls
    assert read(eu, instances[5], after=11).source == "live"


def test_one_broken_instance_does_not_silence_the_others(eu, emulator):
    emulator.fail_with(503, path_contains=ORDERS)
    for attempt in range(7):
        problem_of(eu, after=attempt * 5)

    assert read(eu, emulator.fleet.named("baskets").instance_id, after=40).source == "live"


@pytest.mark.parametrize("status", [500, 403, 404])
def test_an_answer_of_dcs_is_no_reason_to_leave_it_alone(eu, emulator, instances, status):
    emulator.fail_with(status)
    kinds = {problem_of(eu, instance_id).kind for instance_id in instances[:7]}

    assert "circuit_open" not in kinds
    assert len(emulator.calls) == 7


def test_any_answer_begins_the_count_anew(eu, emulator, instances):
    fail(eu, emulator, instances[:4])
    fail(eu, emulator, instances[4:5], lambda e: e.fail_with(500))
    fail(eu, emulator, instances[5:9])

    assert read(eu, instances[9]).source == "live"


def test_an_answer_begins_the_count_anew_also_where_others_failed_while_it_was_awaited(
    eu, emulator, instances
):
    emulator.hang(path_contains=instances[9])
    with ThreadPoolExecutor(1) as viewer:
        slow = viewer.submit(read, eu, instances[9])
        wait_for(lambda: emulator.calls)
        fail(eu, emulator, instances[:4])
    assert slow.result().source == "live"
    fail(eu, emulator, instances[4:8])

    assert read(eu, instances[8]).source == "live"
