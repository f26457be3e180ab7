"""`manage.py emulator` as another program meets it: what it prints, refuses, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import requests

from backups.dcs.signing import Credentials
from backups.emulator.fleet import BULK_HISTORY_ID
from tests.conftest import ROOT

from .conftest import signed


def command(*arguments):
    """The command, and its environment: no setting of the portal but what keeps a developer's .env away."""
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": "", "DJANGO_SETTINGS_MODULE": "dcsportal.settings"}
    return {"args": [sys.executable, str(ROOT / "manage.py"), "emulator", *arguments], "env": environment}


@contextmanager
def started(*arguments):
    """Start the command, and yield it with the lines that it prints once it listens."""
    process = subprocess.Popen(**command(*arguments), stdout=subprocess.PIPE, text=True)
    try:
        yield process, dict(process.stdout.readline().strip().split("=", 1) for _ in range(5))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_prints_what_a_client_needs_and_answers_it_at_once():
    with started("--bind", "127.0.0.1:0", "--records", "12") as (_, lines):
        assert list(lines) == ["DCS_ENDPOINT", "DCS_REGION", "DCS_PROJECT_ID", "DCS_AK", "DCS_SK"]
        key = Credentials(lines["DCS_AK"], lines["DCS_SK"])
        auth = signed(key, lines["DCS_PROJECT_ID"], datetime.now(UTC))
        url = f"{lines['DCS_ENDPOINT']}/v2/{lines['DCS_PROJECT_ID']}/instances/{BULK_HISTORY_ID}/backups"

        assert requests.get(url, auth=auth, timeout=30).json()["total_num"] == 12


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_when_it_is_told_to(number):
    with started("--bind", "127.0.0.1:0", "--records", "1") as (process, lines):
        faults = f"{lines['DCS_ENDPOINT']}/_emulator/faults"
        assert requests.post(faults, json={"fault": "hang"}, timeout=30).ok
        process.send_signal(number)

        assert process.wait(timeout=60) == 0


REFUSED = {
    "0.0.0.0:8099": "The emulator binds to loopback only, such as 127.0.0.1:8081, not to 0.0.0.0.",
    "somewhere:80": "--bind: somewhere:80 is no address such as 127.0.0.1:8081.",
    "127.0.0.1:": "--bind: 127.0.0.1: has no port between 0 and 65535.",
}


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_it_cannot_take_is_said_in_one_sentence(address):
    assert errors_of("--bind", address) == f"CommandError: {REFUSED[address]}"


def test_a_port_that_is_taken_is_said_in_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        sentence = f"The emulator cannot listen on {address}: Address already in use."
        assert errors_of("--bind", address) == f"CommandError: {sentence}"


def errors_of(*arguments):
    done = subprocess.run(**command(*arguments), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    return done.stderr.strip()
