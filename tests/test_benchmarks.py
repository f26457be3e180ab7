"""`./run bench`: each part runs to its end and leaves no figure out. How good they are is not asked here."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from backups.emulator.api import Emulator
from backups.emulator.control import FAULT_NAMES
from backups.emulator.fleet import Fleet

from .benchmarks.__main__ import APART, PARTS, command_line
from .benchmarks.crowd import Crowd, live_pauses
from .benchmarks.engines import missing
from .benchmarks.errands import Errand, Menu
from .benchmarks.faults_report import results
from .benchmarks.http import Answer
from .benchmarks.inside import Sample, course
from .benchmarks.load import percentile
from .benchmarks.report import FIGURES, Column, Results, Table, Target, as_text, marks, write_markdown
from .benchmarks.rhythm import DELETED, troubles
from .benchmarks.scene import Seen
from .benchmarks.steady import Look, Portal, Viewers
from .benchmarks.told import told_by
from .benchmarks.truth import INSTANCES, Page, Truth
from .conftest import ROOT, shell_environment

BEGIN, END = marks(FIGURES)
TABLE = Table(
    "Walks", (Column("client", "client"), Column("wall", "wall", "ms")), [{"client": "a", "wall": 0.0125}]
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`bench("walks")` measures as little of that part as there is to measure, and returns what it found."""
    folder = tmp_path_factory.mktemp("bench")

    def run(part: str) -> dict[str, Any]:
        report = folder / f"{part}.json"
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks", part, "--effort", "tiny", "--json", report],
            cwd=ROOT,
            env=shell_environment(),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(report.read_text())
        for table in found["tables"]:
            assert table["title"] in done.stdout
        return found

    return run


NEEDS = {
    "viewers": pytest.mark.needs("redis-server", "redis-server"),
    "hostile": pytest.mark.needs("nginx", "nginx"),
    "faults": pytest.mark.skipif(
        bool(missing()), reason=f"programs are missing: install the Debian packages {missing()}"
    ),
}


@pytest.mark.parametrize("part", [pytest.param(part, marks=NEEDS.get(part, ())) for part in PARTS])
def test_each_part_measures_all_that_it_is_to_measure(bench: Any, part: str) -> None:
    found = bench(part)

    assert found["tables"]
    for table in found["tables"]:
        assert table["rows"], table["title"]
        for row in table["rows"]:
            missing = [name for name, value in row.items() if value is None]
            assert not missing, (table["title"], row)
    assert [target["what"] for target in found["reach"] if target["measured"] is None] == []
    assert "Python" in found["machine"]


def test_a_part_that_does_not_exist_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "speed"],
        cwd=ROOT,
        env=shell_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "there is no part 'speed'" in done.stderr


@pytest.mark.parametrize(
    ("target", "wanted", "reached"),
    [
        (Target("a", 2.0, most=2.0), "2.00 x or less", True),
        (Target("a", 2.01, most=2.0), "2.00 x or less", False),
        (Target("a", 19.9, least=20), "20.00 x or more", False),
        (Target("a", 1, most=1, least=1, unit=" "), "exactly 1", True),
        (Target("a", 2, most=1, least=1, unit=" "), "exactly 1", False),
        (Target("a", 0, most=1, least=1, unit=" "), "exactly 1", False),
        (Target("a", None, most=1, why="no Redis"), "1.00 x or less", None),
    ],
)
def test_a_target_is_reached_or_not_or_not_measured(
    target: Target, wanted: str, reached: bool | None
) -> None:
    assert (target.wanted, target.reached) == (wanted, reached)


def test_figures_are_shown_in_units_that_people_read() -> None:
    assert [line.split() for line in as_text(TABLE).splitlines()[3:6]] == [
        ["client", "wall"],
        ["------", "-------"],
        ["a", "12.5", "ms"],
    ]


def test_a_page_names_what_was_run_but_no_file_of_who_ran_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["bench", "soak", "--quick", "--json", "some/file", "--minutes", "3", "--markdown=a/page.md"]
    monkeypatch.setattr(sys, "argv", given)

    assert command_line() == "./run bench soak --quick --minutes 3"


def test_the_tables_of_a_page_are_replaced_and_its_words_are_kept(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Performance\n\n{BEGIN}\nold figures\n{END}\n\nMore words.\n")

    write_markdown(page, "Taken today.", [TABLE])

    assert page.read_text().splitlines() == [
        "# Performance",
        "",
        BEGIN,
        "Taken today.",
        "",
        "## Walks",
        "",
        "| client | wall |",
        "| --- | ---: |",
        "| a | 12.5 ms |",
        END,
        "",
        "More words.",
    ]


def test_a_part_that_runs_by_itself_has_its_own_place_in_a_page(tmp_path: Path) -> None:
    begin, end = marks("soak")
    page = tmp_path / "performance.md"
    page.write_text(f"{BEGIN}\nold figures\n{END}\n\n{begin}\n{end}\n")

    write_markdown(page, "Taken today.", [], name="soak")

    assert set(APART) < set(PARTS)
    assert page.read_text() == f"{BEGIN}\nold figures\n{END}\n\n{begin}\nTaken today.\n{end}\n"


# The viewers of the benchmark --------------------------------------------------

HISTORY = (200, b'<div data-live="quiet"><tr data-backup-id="1"></div>', "")
BEING_READ = (503, b'<div data-live="reading" data-now="" data-after="0.0"></div>', "")
FAILED = (503, b'<div data-live="retrying" data-now="" data-after="0.0"></div>', "")
STILL_BEING_READ = (204, b"", '{"live:told": {"state": "reading", "after": 0.0}}')

Answers = Callable[[list[tuple[int, bytes, str]]], int]


@pytest.fixture
def answering() -> Iterator[Answers]:
    """`answering([BEING_READ, HISTORY])` gives these answers in turn, and returns the port where."""
    servers = []

    def serve(answers: list[tuple[int, bytes, str]]) -> int:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body, told = answers.pop(0)
                # The script's asks name what the page shows; an answer that is no page changes nothing of it.
                assert status != 204 or self.headers["X-Shown-Generation"] == "a mark"
                self.send_response(status)
                self.send_header("X-Shown-Generation", "a mark")
                self.send_header("HX-Trigger", told)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server.server_port

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def _one_viewer(port: int, *, insists: bool = False, seconds: float = 20) -> dict[str, Any]:
    order = {"port": port, "path": "/", "headers": [{}], "insists": insists, "seconds": seconds}
    # A browser that was tested before may have left a loop in this thread.
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, Crowd(order).run()).result()


@pytest.mark.parametrize(
    "answers", [[HISTORY], [BEING_READ, HISTORY], [BEING_READ, STILL_BEING_READ, HISTORY]]
)
def test_a_viewer_waits_until_the_backups_are_there(
    answering: Answers, answers: list[tuple[int, bytes, str]]
) -> None:
    requests, pauses = len(answers), live_pauses()["reading"]

    told = _one_viewer(answering(answers))

    assert (told["with_content"], told["requests"], told["statuses"]) == (1, requests, {200: 1})
    assert told["most"] >= sum(pauses[: requests - 1])


def test_a_page_that_says_that_dcs_fails_is_the_last_unless_the_viewer_insists(answering: Answers) -> None:
    told = _one_viewer(answering([BEING_READ, FAILED, HISTORY]))
    assert (told["with_content"], told["statuses"]) == (0, {503: 1})

    told = _one_viewer(answering([FAILED, HISTORY]), insists=True)
    assert (told["with_content"], told["statuses"]) == (1, {200: 1})


def test_a_viewer_without_patience_left_has_seen_nothing(answering: Answers) -> None:
    told = _one_viewer(answering([BEING_READ, HISTORY]), seconds=0.1)

    assert (told["with_content"], told["impatient"], told["statuses"]) == (0, 1, {})


def test_a_percentile_is_one_of_the_values() -> None:
    assert [percentile([3.0, 1.0, 2.0], share) for share in (0.0, 0.5, 0.99)] == [1.0, 2.0, 3.0]
    assert percentile([float(n) for n in range(100)], 0.99) == 99.0


# A soak ------------------------------------------------------------------------

PAGE = Errand("history", f"/projects/eu-prod/instances/{DELETED}/", asks_dcs=True, limited=True)
HOME = Errand("home", "/")
JSON = Errand("JSON", "/projects/eu-prod/instances/an-id/backups.json", asks_dcs=True)


@pytest.mark.parametrize(
    ("errand", "status", "headers", "body", "documented"),
    [
        (PAGE, 200, "", b"", True),
        (PAGE, 500, "", b"", False),
        (PAGE, 503, "", b"", False),
        (PAGE, 503, "Retry-After: 5", b"", True),
        (HOME, 503, "Retry-After: 5", b"", False),
        (PAGE, 502, "", b"<h1>Bad Gateway</h1>", False),
        (PAGE, 502, "X-Shown-Generation: a mark", b"", True),
        (JSON, 502, "", b'{"problem": {"kind": "garbled"}}', True),
        (PAGE, 504, "", b"", False),
        (PAGE, 404, "", b"", True),
        (JSON, 404, "", b"", False),
        (PAGE, 429, "", b"", False),
        (PAGE, 429, "Retry-After: 5", b"", True),
        (HOME, 429, "Retry-After: 5", b"", False),
        (JSON, 200, "", b'{"instance_id": "an-id", "backups": [{}], "matched": 1}', True),
        (JSON, 200, "", b'{"instance_id": "an-id", "backups": [], "matched": 1}', False),
        (JSON, 200, "", b'{"instance_id": "other", "backups": [], "matched": 0}', False),
    ],
)
def test_an_answer_is_documented_or_not(
    errand: Errand, status: int, headers: str, body: bytes, documented: bool
) -> None:
    answer = Answer(status, f"HTTP/1.1 {status} -\r\n{headers}\r\n".encode(), body)

    assert (errand.wrong(answer) == "") is documented


def test_viewers_ask_for_everything_and_each_soak_for_the_same() -> None:
    def asked(seed: int) -> list[Errand]:
        menu, chance = Menu(Fleet(bulk_records=0), ("/static/a.css",)), random.Random(seed)
        return [menu.any(chance) for _ in range(2000)]

    kinds = {errand.kind for errand in asked(1)}

    assert asked(1) == asked(1)
    assert {"history", "JSON", "CSV", "recovery point", "find", "home", "refresh", "garbage"} < kinds


def test_each_trouble_is_a_fault_of_the_emulator() -> None:
    emulator = Emulator(Fleet(bulk_records=0))
    for trouble in troubles(emulator.fleet):
        for fault in trouble.faults:
            assert fault["fault"] in FAULT_NAMES
            getattr(emulator, fault["fault"])(**{name: fault[name] for name in fault if name != "fault"})


def test_growth_is_told_by_the_medians_of_the_first_and_the_last_fifth() -> None:
    memory = [100, 100, 900, 110, 110, 110, 120, 120, 120, 120, 130, 130, 130, 132, 10]
    went = course([Sample(float(at), value, 0, 0, 0, 0) for at, value in enumerate(memory)], "memory")

    assert (went.begin, went.end) == (100, 130)
    assert went.growth == 1.3
    steady = course([Sample(float(at), 5 + 2 * at, 0, 0, 0, 0) for at in range(10)], "memory")
    assert steady.hourly == pytest.approx(2 * 3600)


def test_errors_and_tracebacks_of_a_log_are_found(tmp_path: Path) -> None:
    log = tmp_path / "portal.log"
    log.write_text(
        '{"level": "info", "logger": "a", "message": "all is well"}\n'
        '{"level": "warning", "logger": "a", "message": "DCS is away"}\n'
        '{"level": "error", "logger": "b", "message": "broken", "request_id": "0123", '
        '"exception": "Traceback\\nKeyError: 1"}\n'
        "Traceback (most recent call last):\n"
    )

    told = told_by(log)

    assert told.levels == {"info": 1, "warning": 1, "error": 1}
    assert [(one["message"], one["request_id"]) for one in told.grave] == [("broken KeyError: 1", "0123")]
    assert told.other == ["Traceback (most recent call last):"]


# The viewers who stay while something breaks -----------------------------------


def test_viewers_who_stay_tell_when_all_is_well_again(answering: Answers) -> None:
    port = answering([FAILED, (200, b"of another viewer", ""), *[(200, b"right", "")] * 500])
    page = Page("home", "/", lambda answer: "" if answer.text == "right" else answer.text)

    began = time.monotonic()
    with Viewers(Portal(f"http://127.0.0.1:{port}", ("",)), [(page,)]) as viewers:
        well_after = viewers.wait_until_well(began, within=30)

    seen = [(look.outcome, look.wrong) for look in viewers.looks]
    assert seen[:4] == [("503", ""), ("200", "of another viewer"), ("200", ""), ("200", "")]
    assert well_after == viewers.looks[1].ended - began


def test_a_portal_that_is_gone_is_a_broken_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Viewers(Portal(f"http://127.0.0.1:{port}", ("",)), [(Page("home", "/", lambda _: ""),)]) as viewers:
        viewers.wait_for_rounds(1)

    assert viewers.looks[0].outcome == "broken"


@pytest.fixture
def fleet() -> Fleet:
    return Fleet(now=lambda: datetime(2026, 11, 25, tzinfo=UTC))


@pytest.fixture
def truth(fleet: Fleet) -> Truth:
    return Truth(fleet, ("eu-prod", "cn-prod"))


def _answer(text: str) -> requests.Response:
    answer = requests.Response()
    answer._content = text.encode()
    return answer


def test_a_page_of_another_viewer_or_history_is_wrong(truth: Truth) -> None:
    history, _, home, _ = truth.pages_of(1)
    projects = "".join(f'<a class="card" href="/projects/{name}/">' for name in ("eu-prod", "cn-prod"))
    row = '<tr data-backup-id="of-another-instance">'

    assert home.wrong(_answer(f'<bdi class="who">Viewer 1</bdi>{projects}')) == ""
    assert "viewer {'2'}" in home.wrong(_answer(f'<bdi class="who">Viewer 2</bdi>{projects}'))
    assert "projects" in truth.pages_of(2)[2].wrong(_answer(f'<bdi class="who">Viewer 2</bdi>{projects}'))
    assert history.wrong(_answer(f'<bdi class="who">Viewer 1</bdi>{row}')) == "another history"


def test_an_export_with_one_record_less_is_wrong(fleet: Fleet, truth: Truth) -> None:
    instance = fleet.named(INSTANCES[0], "eu-prod")
    records = [json.loads(row.text) for row in fleet.backups(instance)]
    backups = [
        {"backup_id": one["backup_id"], "name": one["backup_name"], "status": one["status"]}
        | {"error_code": one.get("error_code") or None}
        for one in records
    ]
    page = truth.pages_of(0)[1]

    def exported(shown: list[dict[str, Any]]) -> requests.Response:
        return _answer(json.dumps({"instance_id": instance.instance_id, "backups": shown}))

    assert page.wrong(exported(backups)) == ""
    assert page.wrong(exported(backups[1:])) != ""


def test_what_is_not_documented_and_what_lasts_too_long_is_told() -> None:
    well, away = Look("home", 1.0, 1.1, "200"), Look("find", 2.0, 2.1, "503")
    looks = [well, away, Look("home", 1.0, 13.0, "502")]

    found = results([Seen("nginx is asked in vain", [well], looks, lasted=1.0, well_after=2.0)])

    (row,) = found.tables[0].rows
    assert (row["pages"], row["unavailable"], row["others"]) == (1, 1, "1 x 502")
    assert _not_reached(found) == ["answers besides 200 and 503", "the slowest answer"]


@pytest.mark.parametrize(
    ("kills", "missed"), [(True, []), (False, ["connections that broke where nothing was killed"])]
)
def test_only_what_is_killed_may_break_off_an_answer(kills: bool, missed: list[str]) -> None:
    looks = [Look("home", 1.0, 1.1, "200"), Look("home", 1.0, 1.1, "broken")]

    found = results([Seen("it breaks", looks[:1], looks, lasted=1.0, well_after=2.0, kills=kills)])

    assert _not_reached(found) == missed


def _not_reached(found: Results) -> list[str]:
    return [target.what for target in found.targets if not target.reached]
