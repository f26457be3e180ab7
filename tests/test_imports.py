"""Imports go one way (docs/developing.md): who may import whom, checked in the source."""

import ast
import sys
from graphlib import TopologicalSorter

import pytest

from .conftest import ROOT

# Where a folder or file may import from, of what is ours; itself is always allowed.
# Records are what everybody speaks of, so forms and views may name them; they never ask DCS.
ALLOWED = {
    "backups/dcs": "",
    "backups/emulator": "backups.dcs.signing",
    "backups/models.py": "",
    "backups/services": "backups.dcs backups.models",
    "backups/query_fields.py": "backups.dcs.fields.span_of backups.services",
    "backups/forms.py": "backups.query_fields backups.services",
    "backups/guards.py": "backups.forms backups.services",
    "backups/opened_links.py": "backups.forms backups.guards backups.services",
    "backups/views": "backups.dcs.records backups.forms backups.guards backups.services",
    "backups/query_links.py": "backups.dcs.records backups.services",
    "backups/templating.py": "backups.guards backups.query_links backups.services",
    "backups/urls.py": "backups.opened_links backups.services backups.views",
}
# The packages of services, lowest first: each may use those before it.
FLOORS = [
    *("eligibility", "words", "problems", "projects", "pasted", "listings", "evidence", "history"),
    *("live", "insights", "collector", "recovery", "tickets", "exports", "find", "board"),
]
OUTSIDERS = [*(room for room in ALLOWED if room != "backups/services"), "dcsportal"]


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_from_the_rooms_below_it(room):
    allowed = {room.removesuffix(".py").replace("/", "."), *ALLOWED[room].split()}
    for file, module in _imports_of(room):
        if module.split(".")[0] in ("backups", "dcsportal", "tests"):
            assert _is_in(module, allowed), f"{file} imports {module}"


@pytest.mark.parametrize("name", FLOORS)
def test_a_package_of_services_uses_public_names_of_those_below_it(name):
    below = {f"backups.services.{floor}" for floor in FLOORS[: FLOORS.index(name)]}
    room = f"backups/services/{name}"
    for file, module in _imports_of(room if (ROOT / room).is_dir() else f"{room}.py"):
        package = ".".join(module.split(".")[:3])
        if package.startswith("backups.services.") and package != f"backups.services.{name}":
            assert package in below, f"{file} imports {module}"
            assert _is_public(module), f"{file} imports {module}, which its package does not offer"


def test_every_package_of_services_has_its_floor():
    rooms = {path.stem for path in (ROOT / "backups/services").iterdir() if not path.name.startswith("__")}
    assert rooms == set(FLOORS)


@pytest.mark.parametrize("room", OUTSIDERS)
def test_outsiders_import_what_a_package_of_services_offers(room):
    for file, module in _imports_of(room):
        if module.startswith("backups.services."):
            assert _is_public(module), f"{file} imports {module}, which its package does not offer"


def _is_public(module):
    """Whether `module`, such as backups.services.words.Words, is a name that its package offers."""
    parts = module.split(".")
    folder = ROOT / "/".join(parts[:3])
    if len(parts) <= 3 or not folder.is_dir():
        return True
    imports = [
        node for node in ast.parse((folder / "__init__.py").read_text()).body if hasattr(node, "names")
    ]
    offered = {alias.asname or alias.name for node in imports for alias in node.names}
    return len(parts) == 4 and parts[3] in offered


def test_the_modules_of_the_installation_import_in_no_circle():
    imported = {}
    for file, module in _imports_of("dcsportal"):
        # The second is right where a name of a module is imported.
        names = imported.setdefault(file.removesuffix(".py").replace("/", "."), set())
        names |= {module, module.rpartition(".")[0]}
    TopologicalSorter(imported).prepare()  # raises where there is one


@pytest.mark.parametrize(
    ("room", "kept_out"),
    [("backups", "dcsportal"), ("backups/dcs", "django"), ("backups/emulator", "django")],
)
def test_the_app_knows_no_installation_and_the_client_and_the_emulator_no_django(room, kept_out):
    for file, module in _imports_of(room):
        assert not _is_in(module, {kept_out}), f"{file} imports {module}"


def test_the_client_needs_requests_msgspec_and_the_standard_library_only():
    for file, module in _imports_of("backups/dcs"):
        known = sys.stdlib_module_names | {"backups", "msgspec", "requests", "urllib3"}
        assert module.split(".")[0] in known, f"{file} imports {module}"


def _imports_of(room):
    """Yield (file, imported module) for each import in a file or in a folder's files."""
    path = ROOT / room
    for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        package = file.relative_to(ROOT).parent.parts
        for node in ast.walk(ast.parse(file.read_text())):
            for module in _modules_of(node, package):
                yield str(file.relative_to(ROOT)), module


def _modules_of(node, package):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
    module = ".".join(filter(None, [base, node.module]))
    # `from backups import views` imports backups.views as much as the other way of writing it.
    return [f"{module}.{alias.name}" for alias in node.names]


def _is_in(module, rooms):
    return any(module == room or module.startswith(f"{room}.") for room in rooms)
