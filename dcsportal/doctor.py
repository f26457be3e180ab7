"""`./run manage doctor`: how an installation is, and what to do where it is not well.

DCS is asked for one record at most. A key that the cloud refuses is not tried a second time, by no other
project either: the cloud locks a key after five refusals.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
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
from backups.services.evidence import kept_by_project
from backups.services.listings import Subject, client_for, failed, key_hold
from backups.services.problems import Problem
from backups.services.projects import Project, configured_projects

from .health import is_migrated
from .sso import provider
from .sso.claims import ASYMMETRIC
from .sso.failures import SignInFailure

LEAST_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """What is wrong keeps something from working, a note is merely worth reading."""

    subject: str
    level: str  # ok, note, wrong
    says: str
    to_do: str = ""


def findings() -> Iterator[Finding]:
    """Examine settings, database, evidence, collector, sign-in and projects, one after another."""
    for examination in (_settings, _database, _evidence, _collector, _sign_in, _projects):
        yield from examination()


def _settings() -> Iterator[Finding]:
    problems = run_checks(include_deployment_checks=True)
    problems = [problem for problem in problems if problem.level >= INFO and not problem.is_silenced()]
    if not settings.HTTPS:
        # Django's own advice is about https.
        problems = [p for p in problems if p.level >= ERROR or not f"{p.id}".startswith("security.")]
        says = f"PORTAL_URL is {settings.PORTAL_URL}, which is for this machine alone."
        yield Finding("settings", "note", says)
    for problem in sorted(problems, key=lambda problem: problem.id or ""):
        level = "wrong" if problem.level >= ERROR else "note"
        yield Finding("settings", level, problem.msg, problem.hint or "Correct it.")
    if not any(problem.level >= ERROR for problem in problems):
        yield Finding("settings", "ok", f"They fit together, for viewers at {settings.PORTAL_URL}.")


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
        says = f"{name} cannot be used: {first_line(error)}."
        to_do = (
            "Check DATABASE_URL, that the database runs and is reachable from here, and its user's rights."
        )
        yield Finding("database", "wrong", says, to_do)
        return
    if not migrated:
        says = f"{name} answers, but lacks tables or columns of this version."
        to_do = "Run: ./run manage migrate. ./run serve does so by itself when it starts."
        yield Finding("database", "wrong", says, to_do)
        return
    yield Finding("database", "ok", f"{name} answers in {taken:.0f} ms and has all tables.")
    if path and path.is_file() and (free := shutil.disk_usage(path.parent).free) < LEAST_FREE_BYTES:
        says = f"Only {free // 1024 // 1024} MB are free where SQLite keeps its file."
        to_do = f"Make room in {path.parent}: when it is full nobody can sign in, and nothing is kept."
        yield Finding("database", "wrong", says, to_do)


def _evidence() -> Iterator[Finding]:
    """Say what is kept, and of which projects nobody can see it."""
    configured = configured_projects()
    in_use = {(project.endpoint, project.project_id) for project in configured.values()}
    try:
        kept = kept_by_project()
    except DatabaseError:
        return  # which is said of the database already
    backups, unlisted = sum(one.backups for one in kept), sum(one.unlisted for one in kept)
    instances = sum(one.instances for one in kept)
    says = f"{backups} backups of {instances} instances are kept, of which DCS no longer lists {unlisted}."
    yield Finding("evidence", "ok", says)
    for one in kept:
        if (one.endpoint, one.project_id) in in_use:
            continue
        where = f"cloud project {one.project_id} at {one.endpoint}"
        if one.name in configured:
            why = f"The name {one.name} stood for {where} before, and stands for another now"
        else:
            why = f"No project is configured for {where} any more"
        says = f"{why}: its {one.backups} backups are kept, but shown to nobody."
        to_do = f"Configure it to see them, or delete them: ./run manage forget --project {one.project_id}"
        yield Finding("evidence", "note", says, to_do)


def _collector() -> Iterator[Finding]:
    """Say who reads the lists before anybody asks, and whether that keeps up."""
    who = collecting()
    if who:
        yield Finding("collector", "ok", f"It runs on {who}.")
    elif settings.COLLECT:
        to_do = "It runs in ./run serve: start that, or look at its log."
        yield Finding("collector", "note", "No process collects at this moment.", to_do)
    else:
        to_do = "Set COLLECT=on, or run ./run manage collect."
        yield Finding("collector", "note", "COLLECT is off: a list is read when somebody looks at it.", to_do)
    try:
        ages = {name: evidence_age(one, datetime.now(UTC)) for name, one in configured_projects().items()}
    except DatabaseError:
        return  # which is said of the database already
    for name, age in ages.items():
        if age.median is None or age.oldest is None:
            continue
        says = f"Half of the {age.read} lists of {name} were read within {_minutes(age.median)}, "
        says += f"all within {_minutes(age.oldest)}; {age.not_read} are not read yet."
        if age.is_too_old and (who or settings.COLLECT):
            to_do = "The log says which calls fail. Where none does, raise COLLECT_CALLS_PER_SECOND."
            yield Finding("collector", "note", says, to_do)
        else:
            yield Finding("collector", "ok", says)


def _minutes(age: timedelta) -> str:
    minutes = -(-age // timedelta(minutes=1))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def clock(subject: str, address: str, *, wrong_from: float) -> Iterator[Finding]:
    """Compare clocks; nothing is said where the other side cannot be reached, or tells no time."""
    try:
        began = datetime.now(UTC)
        response = provider.answer_of(address)  # without a key, so it can lock none
        ended = datetime.now(UTC)
        theirs = parsedate_to_datetime(response.headers["Date"])
    except (requests.RequestException, KeyError, ValueError, TypeError):
        return
    theirs = theirs.replace(tzinfo=UTC) if theirs.tzinfo is None else theirs
    off = (began + (ended - began) / 2 - theirs).total_seconds()
    direction = "ahead of" if off > 0 else "behind"
    says = f"The clock of this machine is {abs(off):.0f} s {direction} that of {address}"
    if abs(off) >= wrong_from:
        says += f"; from {wrong_from:.0f} s on nothing is accepted there."
        to_do = "Set the clock, and keep it right by NTP (timedatectl set-ntp true)."
        yield Finding(subject, "wrong", says, to_do)
    elif abs(off) >= 30:
        to_do = "Keep the clock right by NTP (timedatectl set-ntp true)."
        yield Finding(subject, "note", f"{says}.", to_do)
    else:
        yield Finding(subject, "ok", f"The clocks of this machine and of {address} agree.")


def _sign_in() -> Iterator[Finding]:
    if settings.SSO_ISSUER:
        yield from clock("sign-in", settings.SSO_ISSUER, wrong_from=120)
        yield from _provider(settings.SSO_ISSUER, settings.SSO_CLIENT_ID)
    elif settings.SSO_PROXY_USER_HEADER:
        proxies = ", ".join(str(network) for network in settings.SSO_TRUSTED_PROXIES)
        says = f"A proxy at {proxies} names viewers in {settings.SSO_PROXY_USER_HEADER}."
        yield Finding("sign-in", "ok", says)
        says = "Whether the proxy replaces that header in every request cannot be seen from here."
        to_do = "Try it: a request with the header, sent through the proxy, must not be believed."
        yield Finding("sign-in", "note", says, to_do)
    elif settings.DCS_DEMO:
        to_do = "Switch DCS_DEMO off for real data."
        yield Finding("sign-in", "note", "The demo signs in whoever asks.", to_do)


def _provider(issuer: str, client_id: str) -> Iterator[Finding]:
    asked, where = provider.Provider(issuer), f"{issuer}/.well-known/openid-configuration"
    try:
        metadata = asked.metadata()
    except SignInFailure as failure:
        says = f"The provider's announcement at {where} cannot be used: {failure.reason}{_cause(failure)}."
        reach = "that this machine reaches it (HTTPS_PROXY, NO_PROXY)"
        to_do = f"Check SSO_ISSUER, {reach}, and its certificate (REQUESTS_CA_BUNDLE)."
        yield Finding("sign-in", "wrong", says, to_do)
        return
    yield Finding("sign-in", "ok", f"The provider at {metadata.issuer} announces all that is needed.")
    accepted = sorted(ASYMMETRIC.intersection(metadata.algorithms))
    if not accepted:
        says = f"The provider signs with {', '.join(metadata.algorithms)}, none of which the portal accepts."
        to_do = "Let the provider sign the portal's ID tokens with RS256 or ES256."
        yield Finding("sign-in", "wrong", says, to_do)
    try:
        if count := len(asked.keys()):
            says = f"Its {count} key(s) can be read; it signs with {', '.join(accepted)}."
            yield Finding("sign-in", "ok", says)
        else:
            says = "The provider publishes no key for signatures."
            yield Finding("sign-in", "wrong", says, "Look at the provider's keys.")
    except SignInFailure as failure:
        says = (
            f"The provider's keys at {metadata.jwks_uri} cannot be read: {failure.reason}{_cause(failure)}."
        )
        yield Finding("sign-in", "wrong", says, "Let this machine reach that address too.")
    yield from _client(asked, client_id)
    says = f"The redirect URI that must be registered there is {settings.PORTAL_URL}/sso/callback/"
    yield Finding("sign-in", "note", says)


def _client(asked: provider.Provider, client_id: str) -> Iterator[Finding]:
    """Offer a code that cannot be right: whoever knows the portal refuses the code, others the portal."""
    try:
        asked.tokens(code="asked-by-the-doctor", verifier="0" * 43)
    except SignInFailure as failure:
        if failure.kind == "spent":
            says = f"The provider knows the client {client_id}, and accepts its secret."
            yield Finding("sign-in", "ok", says)
        elif failure.kind == "misconfigured":
            says = f"The provider does not accept the client {client_id} or its secret ({failure.reason})."
            to_do = "Check SSO_CLIENT_ID and SSO_CLIENT_SECRET: the secret may have expired, or be another's."
            yield Finding("sign-in", "wrong", says, to_do)
        else:
            says = f"Whether the provider accepts the client {client_id} could not be found out: "
            says += f"{failure.reason}."
            to_do = "Sign in once, and look at the portal's log if that fails."
            yield Finding("sign-in", "note", says, to_do)


def _cause(error: BaseException) -> str:
    word = reason_of(error)
    return f": {word}" if word else ""


def _projects() -> Iterator[Finding]:
    """Look at each endpoint's clock once, then at the projects."""
    projects = configured_projects().values()
    late, refused = set(), dict[tuple[str, str], str]()
    for endpoint in dict.fromkeys(project.endpoint for project in projects):
        for finding in clock("clock", endpoint, wrong_from=900):
            if finding.level == "wrong":
                late.add(endpoint)
            yield finding
    for project in projects:
        if project.endpoint in late:
            says = "Not tried: its clock and that of this machine differ too much."
            yield Finding(f"project {project.name}", "note", says)
        else:
            yield from _project(project, refused)


def _project(project: Project, refused: dict[tuple[str, str], str]) -> Iterator[Finding]:
    """Ask DCS for what pages ask it for; `refused` are the keys so far, with the project that each was of."""
    subject, key = f"project {project.name}", (project.endpoint, project.credentials.ak)
    if key in refused:
        says = f"Not tried: the cloud has just refused the key of {refused[key]}, which is the same."
        yield Finding(subject, "note", says)
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
    yield Finding(subject, "ok", f"DCS accepts the key and lists {total} instances.")
    if not page.records:
        says = "It has no instance, so whether the key may read an instance and its backups is not known."
        to_do = "If there should be instances, check DCS_PROJECT_ID and the region."
        yield Finding(subject, "note", says, to_do)
        return
    list_backups = partial(client.list_backup_records, limit=1)
    for what, ask, permission in (
        ("an instance", client.show_instance, "dcs:instance:get"),
        ("the backups of an instance", list_backups, "dcs:instance:getDataBackupLog"),
    ):
        try:
            ask(page.records[0].instance_id, deadline=_deadline())
            yield Finding(subject, "ok", f"The key may read {what}.")
        except DcsError as error:
            yield _failure(project, Problem.of(error, datetime.now(UTC)), permission)


def _deadline() -> float:
    return time.monotonic() + settings.DCS_READ_BUDGET


def _failure(project: Project, problem: Problem, permission: str = "") -> Finding:
    status = f"HTTP {problem.http_status}" if problem.http_status else ""
    message = first_line(problem.message) if problem.message else ""
    words = {
        "codes": ", ".join(filter(None, (status, problem.code, message))),
        "message": message or problem.kind,
        "permission": permission,
    }
    level = "note" if problem.kind in ("throttled", "server_error") else "wrong"
    says, to_do = _FAILURES.get(problem.kind, _REJECTED)
    return Finding(
        f"project {project.name}",
        level,
        says.format(project=project, **words),
        to_do.format(project=project, **words),
    )


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
