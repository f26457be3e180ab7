"""The projects: can DCS be reached, is the key accepted, and may it read what the portal reads?

One record is asked for at most. A key that the cloud refuses is not tried a second time, by no other
project either: it locks a key after five refusals.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from django.conf import settings

from backups.dcs.client import DcsClient
from backups.dcs.errors import DcsError
from backups.services.listings import Subject, client_for, failed, key_hold
from backups.services.projects import Project, configured_projects

from .clocks import clock_findings
from .findings import Finding, note, sentence, well, wrong

# The gateway refuses a signature that is older, or younger.
TOLERANCE = 900.0
AT_ONCE = 8


def cloud_findings() -> Iterator[Finding]:
    """Look at each endpoint's clock once, then at the projects, those of one key one after another."""
    projects = configured_projects()
    late = set()
    for endpoint in dict.fromkeys(project.endpoint for project in projects.values()):
        for finding in clock_findings("clock", endpoint, wrong_from=TOLERANCE):
            if finding.level == "wrong":
                late.add(endpoint)
            yield finding
    of_key: dict[tuple[str, str], list[Project]] = defaultdict(list)
    for project in projects.values():
        of_key[project.endpoint, project.credentials.ak].append(project)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for findings in pool.map(lambda group: _of_one_key(group, late), of_key.values()):
            yield from findings


def _of_one_key(projects: list[Project], late: set[str]) -> list[Finding]:
    findings: list[Finding] = []
    refused = ""
    for project in projects:
        subject = f"project {project.name}"
        if project.endpoint in late:
            findings.append(note(subject, "Not tried: its clock and that of this machine differ too much."))
        elif refused:
            findings.append(
                note(
                    subject, f"Not tried: the cloud has just refused the key of {refused}, which is the same."
                )
            )
        else:
            found = list(_project_findings(project, subject))
            refused = project.name if any("refuses the access key" in one.says for one in found) else ""
            findings += found
    return findings


def _project_findings(project: Project, subject: str) -> Iterator[Finding]:
    hold = key_hold(project, datetime.now(UTC))
    if hold and hold.retry_at:
        yield wrong(
            subject,
            f"The cloud refuses the access key ({_codes(hold.http_status, hold.code, hold.message)}). "
            f"It is not tried before {hold.retry_at:%H:%M:%S} UTC.",
            _what_to_do_about_the_key(project),
        )
        return
    client, deadline = client_for(project), time.monotonic() + settings.DCS_READ_BUDGET
    try:
        page = client.list_instances(limit=1, deadline=deadline)
    except DcsError as error:
        if error.kind == "credentials_refused":
            failed(Subject("instances", project), error)  # so that no server tries it either
        yield _failure(project, subject, error, "dcs:instance:list")
        return
    total = page.total_num
    yield well(subject, f"DCS accepts the key and lists {'its' if total is None else total} instances.")
    if not page.records:
        yield note(
            subject,
            "It has no instance, so whether the key may read an instance and its backups is not known.",
            "If there should be instances, check DCS_PROJECT_ID and the region.",
        )
        return
    instance_id = page.records[0].instance_id
    for permission, what, ask in _calls(client, instance_id):
        try:
            ask(time.monotonic() + settings.DCS_READ_BUDGET)
        except DcsError as error:
            yield _failure(project, subject, error, permission)
        else:
            yield well(subject, f"The key may read {what}.")


def _calls(client: DcsClient, instance_id: str) -> Iterator[tuple[str, str, Callable[[float], object]]]:
    yield (
        "dcs:instance:get",
        "an instance",
        lambda deadline: client.show_instance(instance_id, deadline=deadline),
    )
    yield (
        "dcs:instance:getDataBackupLog",
        "the backups of an instance",
        lambda deadline: client.list_backup_records(instance_id, limit=1, deadline=deadline),
    )


def _failure(project: Project, subject: str, error: DcsError, permission: str) -> Finding:
    codes = _codes(error.http_status, error.error_code, error.message)
    where = f"endpoint {project.endpoint}"
    match error.kind:
        case "credentials_refused":
            return wrong(
                subject, f"The cloud refuses the access key ({codes}).", _what_to_do_about_the_key(project)
            )
        case "access_denied":
            return wrong(
                subject,
                f"The key lacks the permission {permission} ({codes}).",
                "Give its user the policy DCS ReadOnlyAccess in this project.",
            )
        case "throttled":
            return note(
                subject, f"DCS asks for fewer calls just now ({codes}).", "Run the doctor again later."
            )
        case "unreachable" | "timed_out" | "cut_short":
            return wrong(
                subject,
                f"DCS cannot be reached at {project.endpoint}: {sentence(error.message or error.kind)}.",
                "Check the endpoint's name, the way out (HTTPS_PROXY, NO_PROXY, firewall), and certificates "
                "(REQUESTS_CA_BUNDLE).",
            )
        case "server_error":
            return note(
                subject,
                f"DCS has an error of its own ({codes}).",
                "Run the doctor again later; if it stays so, open a ticket with the vendor.",
            )
        case "garbled":
            return wrong(
                subject,
                f"What answers at {project.endpoint} is not the DCS API ({codes}).",
                "Check the endpoint: a proxy or a sign-in page of the network may answer in its place.",
            )
        case _:
            return wrong(
                subject,
                f"DCS rejects the call ({codes}).",
                f"Check DCS_REGION, DCS_PROJECT_ID and the {where}: they must belong together.",
            )


def _what_to_do_about_the_key(project: Project) -> str:
    return (
        "Check access key, secret key, and with a temporary key its security token; that the key is enabled, "
        f"and that it belongs to project id {project.project_id} in region {project.region}. "
        "After five refusals the cloud locks a key for five minutes."
    )


def _codes(status: int | None, code: str, message: str) -> str:
    said = [f"HTTP {status}" if status else "", code, sentence(message) if message else ""]
    return ", ".join(part for part in said if part)
