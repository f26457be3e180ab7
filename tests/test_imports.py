"""Imports go one way (docs/developing.md): who may import whom, checked in the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Where a folder or file may import from, of what is ours; itself is always allowed.
# Records are what everybody speaks of, so forms and views may name them; they never ask DCS.
ALLOWED = {
    "backups/dcs": set(),
    "backups/emulator": {"backups.dcs.signing"},
    "backups/services": {"backups.dcs"},
    "backups/forms.py": {"backups.dcs.records", "backups.services"},
    "backups/guards.py": {"backups.forms", "backups.services"},
    "backups/live_pages.py": {"backups.services"},
    "backups/views.py": {
        "backups.dcs.records",
        "backups.forms",
        "backups.guards",
        "backups.live_pages",
        "backups.services",
    },
    "backups/export_views.py": {"backups.guards", "backups.services"},
    "backups/ticket_views.py": {"backups.forms", "backups.guards", "backups.services"},
    "backups/pattern_views.py": {
        "backups.dcs.records",
        "backups.forms",
        "backups.guards",
        "backups.services",
    },
    "backups/templatetags": {"backups.dcs.records", "backups.services"},
    "backups/urls.py": {
        "backups.export_views",
        "backups.pattern_views",
        "backups.ticket_views",
        "backups.views",
    },
}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_from_the_rooms_below_it(room: str) -> None:
    own = room.removesuffix(".py").replace("/", ".")
    for file, module in _imports_of(room):
        if module.split(".")[0] in ("backups", "dcsportal", "tests") and not _is_in(module, {own}):
            assert _is_in(module, ALLOWED[room]), f"{file} imports {module}"


def test_the_app_never_imports_the_installation() -> None:
    for file, module in _imports_of("backups"):
        assert not _is_in(module, {"dcsportal"}), f"{file} imports {module}"


def test_the_client_and_the_emulator_know_no_django() -> None:
    for room in ("backups/dcs", "backups/emulator"):
        for file, module in _imports_of(room):
            assert not _is_in(module, {"django"}), f"{file} imports {module}"


def test_the_client_needs_requests_msgspec_and_the_standard_library_only() -> None:
    import sys

    for file, module in _imports_of("backups/dcs"):
        top = module.split(".")[0]
        assert top in sys.stdlib_module_names | {"backups", "msgspec", "requests", "urllib3"}, (
            f"{file} imports {module}"
        )


def _imports_of(room: str) -> list[tuple[str, str]]:
    """Return (file, imported module) for each import in a file or in a folder's files."""
    path = ROOT / room
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    found = []
    for file in files:
        package = file.relative_to(ROOT).parent.parts
        for node in ast.walk(ast.parse(file.read_text())):
            for module in _modules_of(node, package):
                found.append((str(file.relative_to(ROOT)), module))
    return found


def _modules_of(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
    module = ".".join(filter(None, [base, node.module]))
    # `from backups import views` imports backups.views as much as the other way of writing it.
    return [f"{module}.{alias.name}" for alias in node.names]


def _is_in(module: str, rooms: set[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)
