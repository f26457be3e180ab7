"""Other processes of the portal, and other servers: each answers what viewers of it would get.

with process(project, endpoint, database) as one: one.submit(views, ORDERS).result()
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial


def process(project, endpoint, database):
    """A process that reads one project; those with the same database are of one portal."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "dcsportal.settings",
        "ENV_FILE": "",
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-0123456789",
        "DATABASE_URL": database,
        "DCS_PROJECT_NAME": "eu-prod",
        "DCS_REGION": project.region,
        "DCS_PROJECT_ID": project.project_id,
        "DCS_ENDPOINT": endpoint,
        "DCS_AK": project.ak,
        "DCS_SK": project.sk,
        "DCS_READ_BUDGET": "60",
        "DCS_READ_TIMEOUT": "60",
    }
    anew = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, anew, initializer=_set_up, initargs=(environment,))


# In the other process ----------------------------------------------------------


def _set_up(environment):
    os.environ.update(environment)
    import django

    django.setup()


def views(*instances, after=0):
    """What viewers get who come at the same moment, each to one of these histories."""
    with ThreadPoolExecutor(len(instances)) as viewers:
        return list(viewers.map(partial(_view, after=after), instances))


def _view(instance_id, after):
    from django.db import connection

    from backups.services import listings
    from backups.services.projects import configured_projects

    now, listing = datetime.now(UTC) + timedelta(seconds=after), None
    try:
        listing = listings.instance_backups(configured_projects()["eu-prod"], instance_id, now=now)
        problem = listing.problem
    except listings.NothingToShow as nothing:
        problem = nothing.problem
    connection.close()
    return {
        **{name: getattr(listing, name, None) for name in ("source", "total", "generation")},
        "remarks": sorted({record.description for record in listing.records}) if listing else [],
        "problem": problem and problem.kind,
        "progress": problem.progress.pages_read if problem and problem.progress else 0,
    }


def start_anew(empty_the_database, changes):
    """Be as if it had just been started with these settings, once it has read what it reads."""
    from django.conf import settings
    from django.core.management import call_command

    from backups.services.listings import clients, generations, guard, reader, store

    assert reader.wait_for_readers()
    for remembered in (clients._last, generations._memory, guard._accepted, store._unwritten):
        remembered.clear()
    if empty_the_database:
        call_command("flush", interactive=False, verbosity=0)
    for name, value in changes.items():
        setattr(settings, name, value)
