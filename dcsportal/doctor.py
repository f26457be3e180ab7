"""`./run manage doctor`: how an installation is, and what to do where it is not well.

DCS is asked for one record at most. A key that the cloud refuses is not tried a second time, by no other
project either: the cloud locks a key after five refusals.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

import psycopg
import requests
from django.conf import settings
from django.core.checks import ERROR, INFO, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from backups.dcs.errors import DcsError
from backups.dcs.http import reason_of
from backups.management.starting import first_line
from backups.services.collector import collecting, evidence_age
from backups.services.evidence import evidence_by_project
from backups.services.listings import Subject, client_for, failed, key_hold
from backups.services.problems import Problem
from backups.services.projects import Project, configured_projects

from .health import is_migrated
from .sso.claims import ASYMMETRIC
from .sso.failures import SignInFailure
from .sso.provider import Provider, answer_of

LEAST_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """What is wrong keeps something from working, a note is merely worth reading."""

    level: str  # ok, note, wrong
    says: str
    to_do: str = ""


ok, note, wrong = partial(Finding, "ok"), partial(Finding, "note"), partial(Finding, "wrong")


def findings() -> Iterator[tuple[str, Finding]]:
    """Examine one after another, and yield of what each finding is."""
    examinations: dict[str, Callable[[], Iterator[Finding]]] = {
        "settings": _settings,
        "database": _database,
        "evidence": _evidence,
        "collector": _collector,
        "sign-in": _sign_in,
    }
    for subject, examination in examinations.items():
        with suppress(DatabaseError):  # which _database tells
            for finding in examination():
                yield subject, finding
    with suppress(DatabaseError):
        yield from _projects()


def _settings() -> Iterator[Finding]:
    if not settings.HTTPS:
        yield note(f"PORTAL_URL is {settings.PORTAL_URL}, which is for this machine alone.")
    problems = run_checks(include_deployment_checks=True)
    for problem in sorted(problems, key=lambda problem: problem.id or ""):
        # Django's own advice is about https.
        is_for_https = problem.level < ERROR and f"{problem.id}".startswith("security.")
        if problem.level >= INFO and not problem.is_silenced() and (settings.HTTPS or not is_for_https):
            tell = wrong if problem.level >= ERROR else note
            yield tell(problem.msg, problem.hint or "Correct it.")
    if not any(problem.level >= ERROR and not problem.is_silenced() for problem in problems):
        yield ok(f"They fit together, for viewers at {settings.PORTAL_URL}.")


def _database() -> Iterator[Finding]:
    database, path = connection.settings_dict, None
    if connection.vendor == "sqlite":
        name, path = f"SQLite at {database['NAME']}", Path(str(database["NAME"]))
    else:
        name = f"PostgreSQL at {database['HOST'] or 'this machine'}, database {database['NAME']},"
    try:
        if not path:
            # Without the pool, which would say no more than how long it waited.
            with connection.wrap_database_errors:
                psycopg.connect(**connection.get_connection_params()).close()
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        taken = (time.monotonic() - began) * 1000
        migrated = is_migrated()
    except (DatabaseError, ImproperlyConfigured) as error:
        check = "that the database runs and is reachable from here, and its user's rights"
        yield wrong(f"{name} cannot be used: {first_line(error)}.", f"Check DATABASE_URL, {check}.")
        return
    if not migrated:
        says = f"{name} answers, but lacks tables or columns of this version."
        yield wrong(says, "Run: ./run manage migrate. ./run serve does so by itself when it starts.")
        return
    yield ok(f"{name} answers in {taken:.0f} ms and has all tables.")
    if path and path.is_file() and (free := shutil.disk_usage(path.parent).free) < LEAST_FREE_BYTES:
        says = f"Only {free // 1024 // 1024} MB are free where SQLite keeps its file."
        why = "when it is full nobody can sign in, and nothing is kept"
        yield wrong(says, f"Make room in {path.parent}: {why}.")


def _evidence() -> Iterator[Finding]:
    """Say what is kept, and of which projects nobody can see it."""
    configured, kept = configured_projects(), evidence_by_project()
    in_use = {(project.endpoint, project.project_id) for project in configured.values()}
    backups, unlisted = sum(one.backups for one in kept), sum(one.unlisted for one in kept)
    instances = sum(one.instances for one in kept)
    yield ok(f"{backups} backups of {instances} instances are kept, of which DCS no longer lists {unlisted}.")
    for one in kept:
        if (one.endpoint, one.project_id) in in_use:
            continue
        where = f"cloud project {one.project_id} at {one.endpoint}"
        why = f"No project is configured for {where} any more"
        if one.name in configured:
            why = f"The name {one.name} stood for {where} before, and stands for another now"
        to_do = f"Configure it to see them, or delete them: ./run manage forget --project {one.project_id}"
        yield note(f"{why}: its {one.backups} backups are kept, but shown to nobody.", to_do)


def _collector() -> Iterator[Finding]:
    """Say who reads the lists before anybody asks, and whether that keeps up."""
    who = collecting()
    if who:
        yield ok(f"It runs on {who}.")
    elif settings.COLLECT:
        to_do = "It runs in ./run serve: start that, or look at its log."
        yield note("No process collects at this moment.", to_do)
    else:
        to_do = "Set COLLECT=on, or run ./run manage collect."
        yield note("COLLECT is off: a list is read when somebody looks at it.", to_do)
    for name, project in configured_projects().items():
        age = evidence_age(project, datetime.now(UTC))
        if age.median is None or age.oldest is None:
            continue
        says = f"Half of the {age.read} lists of {name} were read within {_minutes(age.median)}, "
        says += f"all within {_minutes(age.oldest)}; {age.not_read} are not read yet."
        if age.is_too_old and (who or settings.COLLECT):
            yield note(
                says, "The log says which calls fail. Where none does, raise COLLECT_CALLS_PER_SECOND."
            )
        else:
            yield ok(says)


def _minutes(age: timedelta) -> str:
    minutes = -(-age // timedelta(minutes=1))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def clock(address: str, *, wrong_from: float) -> Iterator[Finding]:
    """Compare clocks; nothing is said where the other side cannot be reached, or tells no time."""
    try:
        began = datetime.now(UTC)
        response = answer_of(address)  # without a key, so it can lock none
        ended = datetime.now(UTC)
        theirs = parsedate_to_datetime(response.headers["Date"])
    except (requests.RequestException, KeyError, ValueError, TypeError):
        return
    theirs = theirs.replace(tzinfo=UTC) if theirs.tzinfo is None else theirs
    off = (began + (ended - began) / 2 - theirs).total_seconds()
    direction = "ahead of" if off > 0 else "behind"
    says = f"The clock of this machine is {abs(off):.0f} s {direction} that of {address}"
    ntp = "right by NTP (timedatectl set-ntp true)."
    if abs(off) >= wrong_from:
        says += f"; from {wrong_from:.0f} s on nothing is accepted there."
        yield wrong(says, f"Set the clock, and keep it {ntp}")
    elif abs(off) >= 30:
        yield note(f"{says}.", f"Keep the clock {ntp}")
    else:
        yield ok(f"The clocks of this machine and of {address} agree.")


# The sign-in ---------------------------------------------------------------------


def _sign_in() -> Iterator[Finding]:
    if settings.SSO_ISSUER:
        yield from clock(settings.SSO_ISSUER, wrong_from=120)
        yield from _provider(Provider(settings.SSO_ISSUER))
    elif settings.SSO_PROXY_USER_HEADER:
        proxies = ", ".join(map(str, settings.SSO_TRUSTED_PROXIES))
        yield ok(f"A proxy at {proxies} names viewers in {settings.SSO_PROXY_USER_HEADER}.")
        says = "Whether the proxy replaces that header in every request cannot be seen from here."
        yield note(says, "Try it: a request with the header, sent through the proxy, must not be believed.")
    elif settings.DCS_DEMO:
        yield note("The demo signs in whoever asks.", "Switch DCS_DEMO off for real data.")


def _provider(provider: Provider) -> Iterator[Finding]:
    try:
        metadata = provider.metadata()
    except SignInFailure as failure:
        where = f"{settings.SSO_ISSUER}/.well-known/openid-configuration"
        says = f"The provider's announcement at {where} cannot be used: {_reason(failure)}."
        reach = "that this machine reaches it (HTTPS_PROXY, NO_PROXY)"
        yield wrong(says, f"Check SSO_ISSUER, {reach}, and its certificate (REQUESTS_CA_BUNDLE).")
        return
    yield ok(f"The provider at {metadata.issuer} announces all that is needed.")
    accepted = sorted(ASYMMETRIC.intersection(metadata.algorithms))
    if not accepted:
        says = f"The provider signs with {', '.join(metadata.algorithms)}, none of which the portal accepts."
        yield wrong(says, "Let the provider sign the portal's ID tokens with RS256 or ES256.")
    try:
        if count := len(provider.keys()):
            yield ok(f"Its {count} key(s) can be read; it signs with {', '.join(accepted)}.")
        else:
            yield wrong("The provider publishes no key for signatures.", "Look at the provider's keys.")
    except SignInFailure as failure:
        says = f"The provider's keys at {metadata.jwks_uri} cannot be read: {_reason(failure)}."
        yield wrong(says, "Let this machine reach that address too.")
    yield from _client(provider, settings.SSO_CLIENT_ID)
    yield note(f"The redirect URI that must be registered there is {settings.PORTAL_URL}/sso/callback/")


def _client(provider: Provider, client_id: str) -> Iterator[Finding]:
    """Offer a code that cannot be right: whoever knows the portal refuses the code, others the portal."""
    try:
        provider.tokens(code="asked-by-the-doctor", verifier="0" * 43)
    except SignInFailure as failure:
        if failure.kind == "spent":
            yield ok(f"The provider knows the client {client_id}, and accepts its secret.")
        elif failure.kind == "misconfigured":
            says = f"The provider does not accept the client {client_id} or its secret ({failure.reason})."
            why = "the secret may have expired, or be another's"
            yield wrong(says, f"Check SSO_CLIENT_ID and SSO_CLIENT_SECRET: {why}.")
        else:
            says = f"Whether the provider accepts the client {client_id} could not be found out: "
            yield note(
                says + f"{failure.reason}.", "Sign in once, and look at the portal's log if that fails."
            )


def _reason(failure: SignInFailure) -> str:
    return ": ".join(filter(None, (failure.reason, reason_of(failure))))


# The projects --------------------------------------------------------------------


def _projects() -> Iterator[tuple[str, Finding]]:
    """Look at each endpoint's clock once, then at the projects."""
    projects = configured_projects().values()
    late, refused = set(), dict[tuple[str, str], str]()
    for endpoint in dict.fromkeys(project.endpoint for project in projects):
        for finding in clock(endpoint, wrong_from=900):
            late |= {endpoint} if finding.level == "wrong" else set()
            yield "clock", finding
    for project in projects:
        for finding in _project(project, refused, is_late=project.endpoint in late):
            yield f"project {project.name}", finding


def _project(project: Project, refused: dict[tuple[str, str], str], *, is_late: bool) -> Iterator[Finding]:
    """Ask DCS for what pages ask it for; `refused` are the keys so far, with the project that each was of."""
    key = project.endpoint, project.credentials.ak
    if is_late:
        yield note("Not tried: its clock and that of this machine differ too much.")
        return
    if key in refused:
        yield note(f"Not tried: the cloud has just refused the key of {refused[key]}, which is the same.")
        return
    hold = key_hold(project, datetime.now(UTC))
    if hold and hold.retry_at:
        refused[key] = project.name
        finding = _failure(project, hold)
        yield replace(finding, says=f"{finding.says} It is not tried before {hold.retry_at:%H:%M:%S} UTC.")
        return
    client = client_for(project)
    try:
        page = client.list_instances(limit=1, deadline=_deadline())
    except DcsError as error:
        if error.kind == "credentials_refused":
            refused[key] = project.name
            # So that no server tries it either.
            failed(Subject("instances", project), error, now=datetime.now(UTC))
        yield _failure(project, Problem.of(error, datetime.now(UTC)), "dcs:instance:list")
        return
    total = "its" if page.total_num is None else page.total_num
    yield ok(f"DCS accepts the key and lists {total} instances.")
    if not page.records:
        says = "It has no instance, so whether the key may read an instance and its backups is not known."
        yield note(says, "If there should be instances, check DCS_PROJECT_ID and the region.")
        return
    list_backups = partial(client.list_backup_records, limit=1)
    for what, ask, permission in (
        ("an instance", client.show_instance, "dcs:instance:get"),
        ("the backups of an instance", list_backups, "dcs:instance:getDataBackupLog"),
    ):
        try:
            ask(page.records[0].instance_id, deadline=_deadline())
            yield ok(f"The key may read {what}.")
        except DcsError as error:
            yield _failure(project, Problem.of(error, datetime.now(UTC)), permission)


def _deadline() -> float:
    return time.monotonic() + settings.DCS_READ_BUDGET


def _failure(project: Project, problem: Problem, permission: str = "") -> Finding:
    status = f"HTTP {problem.http_status}" if problem.http_status else ""
    message = first_line(problem.message) if problem.message else ""
    codes = ", ".join(filter(None, (status, problem.code, message)))
    words = {"codes": codes, "message": message or problem.kind, "permission": permission, "project": project}
    tell = note if problem.kind in ("throttled", "server_error") else wrong
    says, to_do = _FAILURES.get(problem.kind, _REJECTED)
    return tell(says.format(**words), to_do.format(**words))


_UNREACHABLE = (
    "DCS cannot be reached at {project.endpoint}: {message}.",
    "Check the endpoint's name, the way out (HTTPS_PROXY, NO_PROXY, firewall), and certificates "
    "(REQUESTS_CA_BUNDLE).",
)
# What is said of each kind of DcsError, and what to do.
_FAILURES = {
    "credentials_refused": (
        "The cloud refuses the access key ({codes}).",
        "Check access key, secret key, and with a temporary key its security token; that the key is enabled, "
        "and that it belongs to project id {project.project_id} in region {project.region}. "
        "After five refusals the cloud locks a key for five minutes.",
    ),
    "access_denied": (
        "The key lacks the permission {permission} ({codes}).",
        "Give its user the policy DCS ReadOnlyAccess in this project.",
    ),
    "throttled": ("DCS asks for fewer calls just now ({codes}).", "Run the doctor again later."),
    "unreachable": _UNREACHABLE,
    "timed_out": _UNREACHABLE,
    "cut_short": _UNREACHABLE,
    "server_error": (
        "DCS has an error of its own ({codes}).",
        "Run the doctor again later; if it stays so, open a ticket with the vendor.",
    ),
    "garbled": (
        "What answers at {project.endpoint} is not the DCS API ({codes}).",
        "Check the endpoint: a proxy or a sign-in page of the network may answer in its place.",
    ),
}
_REJECTED = (
    "DCS rejects the call ({codes}).",
    "Check DCS_REGION, DCS_PROJECT_ID and the endpoint {project.endpoint}: they must belong together.",
)
