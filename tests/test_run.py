"""`./run`: installs what is needed once, never twice, and leaves nothing behind.

Installing is tried in small checkouts of their own, whose pip writes down how it was
called: a real installation belongs to CI, which does one before these tests.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from .conftest import ROOT, python, shell_environment
from .servers.served import browser, serving, token_of, wait_for
from .test_settings import PRODUCTION

RECORDING_PIP = """
import json, os, pathlib, sys, time
if "--version" not in sys.argv:
    checkout = pathlib.Path(sys.prefix).parent
    with open(checkout / "pip.log", "a") as log:
        log.write(json.dumps(sys.argv[1:]) + "\\n")
    time.sleep(float(os.environ.get("PIP_TAKES", "0")))
    sys.exit(int(os.environ.get("PIP_ENDS_WITH", "0")))
"""
TELLING_MANAGE = "import json, os, sys; print(json.dumps([os.getpid(), os.getcwd(), sys.argv[1:]]))"

AS_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


def started(*command, cwd=ROOT, **environment):
    pipe, env = subprocess.PIPE, shell_environment() | environment
    return subprocess.Popen(command, cwd=cwd, env=env, stdout=pipe, stderr=pipe, text=True)


class Checkout:
    """A checkout with the real `run` and stand-ins for all that it would start."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        shutil.copy(ROOT / "run", path / "run")
        (path / "manage.py").write_text(TELLING_MANAGE)
        (path / "requirements.txt").write_text("# for production\n")
        (path / "requirements-dev.txt").write_text("# for development\n")

    def make_venv(self):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.path / ".venv"], check=True)
        (packages,) = (self.path / ".venv" / "lib").glob("python*/site-packages")
        (packages / "pip").mkdir()
        (packages / "pip" / "__init__.py").touch()
        (packages / "pip" / "__main__.py").write_text(RECORDING_PIP)

    def start(self, *arguments, as_user=False, **environment):
        return started(
            *(AS_USER if as_user else ()), str(self.path / "run"), *arguments, cwd="/", **environment
        )

    def run(self, *arguments, as_user=False, **environment):
        """Return status, output and errors; `as_user` may do no more than file modes allow, even for root."""
        process = self.start(*arguments, as_user=as_user, **environment)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    @property
    def installations(self):
        log = self.path / "pip.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def checkout(tmp_path):
    made = Checkout(tmp_path / "a checkout with spaces")
    made.make_venv()
    return made


# --- What it says ----------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("frobnicate",)])
def test_an_unknown_command_shows_the_usage(checkout, arguments):
    code, output, errors = checkout.run(*arguments)

    assert (code, output, checkout.installations) == (2, "", [])
    assert errors.startswith("Usage: ./run")


def test_without_a_new_enough_python_it_says_so_in_one_sentence(checkout, tmp_path):
    shutil.rmtree(checkout.path / ".venv")
    tools = _tools(tmp_path / "bin", python3="exit 1")

    code, _, errors = checkout.run("manage", PATH=str(tools))

    assert code == 1
    assert re.fullmatch(r".*Python 3\.11 or newer.*\n", errors)


def test_without_a_way_to_make_a_venv_it_names_the_debian_package(checkout, tmp_path):
    shutil.rmtree(checkout.path / ".venv")
    python = f'case "$*" in "-m "*) exit 1 ;; esac\nexec {shlex.quote(sys.executable)} "$@"'
    # sys.executable of the stand-in must be the stand-in, or run would go past it.
    python = f'case "$*" in *sys.executable*) echo {tmp_path}/bin/python3; exit ;; esac\n{python}'

    code, _, errors = checkout.run("manage", PATH=str(_tools(tmp_path / "bin", python3=python)))

    assert code == 1
    assert errors.splitlines()[-1].endswith("(Debian: apt-get install python3-venv).")


# --- Installing ------------------------------------------------------------------


def test_what_is_required_is_installed_with_hashes_once_and_again_where_it_changed(checkout):
    assert checkout.run("manage", "check")[0] == 0
    assert checkout.run("manage", "check")[0] == 0

    (arguments,) = checkout.installations
    assert "--require-hashes" in arguments
    assert arguments[-1] == str(checkout.path / "requirements.txt")

    (checkout.path / "requirements.txt").write_text("# another version\n")
    assert checkout.run("manage")[0] == 0
    assert len(checkout.installations) == 2


def test_a_user_who_may_not_change_the_installation_is_told_who_must(checkout):
    """As systemd runs it after an upgrade, when nobody has installed what changed."""
    assert checkout.run("manage")[0] == 0
    (checkout.path / "requirements.txt").write_text("# changed\n")
    (checkout.path / ".venv").chmod(0o555)
    before = sorted((checkout.path / ".venv").rglob("*"))

    status, output, errors = checkout.run("manage", as_user=True)

    (checkout.path / ".venv").chmod(0o755)
    assert (status, output) == (1, "")
    assert "as its owner" in errors
    assert errors.count("\n") == 1
    assert sorted((checkout.path / ".venv").rglob("*")) == before
    assert len(checkout.installations) == 1


def test_development_is_installed_for_tests_and_serves_the_rest_too(checkout):
    checkout.run("bench")
    checkout.run("manage")

    (arguments,) = checkout.installations
    assert arguments[-1] == str(checkout.path / "requirements-dev.txt")


def test_a_failed_installation_is_tried_again(checkout):
    code, output, errors = checkout.run("manage", PIP_ENDS_WITH="1")
    assert (code, output) == (1, "")
    assert "Installing requirements.txt failed" in errors

    assert checkout.run("manage")[0] == 0
    assert len(checkout.installations) == 2


def test_runs_at_the_same_time_install_once(checkout):
    processes = [checkout.start("manage", PIP_TAKES="0.5") for _ in range(4)]

    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert len(checkout.installations) == 1
    assert list((checkout.path / "var").iterdir()) == []


@pytest.mark.parametrize("owner", ["4194305\n", ""])
def test_a_lock_whose_owner_was_killed_does_not_stop_the_next_run(checkout, owner):
    lock = checkout.path / "var" / "installing"
    lock.mkdir(parents=True)
    if owner:
        (lock / "pid").write_text(owner)
    else:
        # Killed before it could say who it is: given up after ten seconds; here it goes earlier.
        threading.Timer(1, lock.rmdir).start()

    assert checkout.run("manage")[0] == 0
    assert not lock.exists()


def test_a_half_made_venv_is_made_anew(tmp_path):
    """The one real .venv here, pip and all; it has nothing to install."""
    checkout = Checkout(tmp_path / "interrupted")
    (checkout.path / ".venv" / "bin").mkdir(parents=True)

    code, output, errors = checkout.run("manage", "check")

    assert code == 0, errors
    assert json.loads(output)[2] == ["check"]


def test_it_becomes_the_command_so_that_signals_arrive(checkout):
    process = checkout.start("manage", "one", "two words", "*")
    output, _ = process.communicate(timeout=60)

    assert json.loads(output) == [process.pid, str(checkout.path), ["one", "two words", "*"]]


def _tools(folder, **scripts):
    """Make a PATH with what a bare machine has, and with the given scripts."""
    folder.mkdir()
    for name in ("sh", "cat", "mkdir", "rm", "mv", "rmdir", "cksum", "dirname", "sleep"):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


# --- The demo --------------------------------------------------------------------


@pytest.fixture
def demo():
    """A demo, the address of its portal, and that of its emulator."""
    process = started(sys.executable, "manage.py", "demo", "--port", "0")
    found = next(
        filter(None, (re.search(r"http://127\.0\.0\.1:\d+/", line) for line in process.stdout)), None
    )
    assert found, process.communicate()[1]
    projects = (ROOT / "var" / "demo" / "projects.toml").read_text()
    yield process, found[0], re.findall(r'endpoint = "(.*)"', projects)[0]
    process.kill()
    process.communicate()


def test_the_demo_signs_in_with_one_click_and_ctrl_c_ends_all_of_it(demo):
    process, url, endpoint = demo
    assert _answers(endpoint)
    viewer = browser()
    form = {"person": "ada", "next": "/", "csrfmiddlewaretoken": token_of(viewer.get(f"{url}sign-in/"))}

    page = viewer.post(f"{url}sign-in/", form)
    process.send_signal(signal.SIGINT)

    assert "eu-prod" in page.text
    assert process.wait(timeout=30) == 0
    assert not _answers(url)
    assert not _answers(endpoint)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
def test_a_demo_that_is_killed_takes_its_children_with_it(demo):
    process, url, endpoint = demo

    process.kill()

    wait_for(lambda: not _answers(url) and not _answers(endpoint))


@pytest.mark.parametrize("command", [("demo", "--port"), ("serve", "--bind")])
def test_a_port_that_is_taken_is_one_sentence(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        address = port if command[0] == "demo" else f"127.0.0.1:{port}"
        process = started(sys.executable, "manage.py", *command, address, **PRODUCTION)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert errors.strip() == f"Port {port} on 127.0.0.1 cannot be used: Address already in use."


# --- Production ------------------------------------------------------------------


def test_the_server_refuses_to_start_on_wrong_settings():
    result = python("manage.py", "serve", DCS_DEMO="off", SECRET_KEY="")

    assert result.returncode == 1
    problems = ["SECRET_KEY is missing", "No sign-in is configured", "No DCS project is configured"]
    assert [line.split(".")[0] for line in result.stderr.splitlines()] == problems


def test_the_server_answers_in_production_and_says_nothing_where_nothing_is_wrong(tmp_path):
    """It removes the cache of an earlier version, and its locks."""
    earlier = [ROOT / "var" / name for name in ("cache.sqlite3", "cache.sqlite3-wal", "locks")]
    for file in earlier:
        file.touch()
    with serving(PRODUCTION | {"DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite3'}"}) as server:
        assert server.get("/readyz").json()["ready"]
        assert server.stop() == 0
        assert (server.logs, server.errors) == ([], [])
    assert not any(file.exists() for file in earlier)


def _answers(url):
    try:
        browser().get(url, timeout=2)
    except OSError:
        return False
    return True


# --- CI --------------------------------------------------------------------------


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 error"), ("", "1 skipped")])
def test_what_is_skipped_elsewhere_fails_in_ci(tmp_path, ci, outcome):
    needs = "@pytest.mark.needs('no-such-program', 'no-such-package')"
    (tmp_path / "test_needy.py").write_text(f"import pytest\n{needs}\ndef test_it(): ...\n")

    result = python("-m", "pytest", "-p", "tests.conftest", "-c", os.devnull, str(tmp_path), CI=ci)

    assert outcome in result.stdout
    assert "install the Debian package no-such-package" in result.stdout or not ci
