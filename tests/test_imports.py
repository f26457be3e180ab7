"""Imports go one way (docs/developing.md): who may import whom, checked in the source."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Where a folder or file may import from, of what is ours; itself is always allowed.
# Records are what everybody speaks of, so forms and views may name them; they never ask DCS.
ALLOWED = {
    "backups/dcs": set(),
    "backups/emulator": {"backups.dcs.signing"},
    "backups/models.py": set(),
    "backups/services": {"backups.dcs", "backups.models"},
    "backups/query_fields.py": {"backups.dcs.fields.span_of", "backups.services"},
    "backups/forms.py": {"backups.query_fields", "backups.services"},
    "backups/guards.py": {"backups.forms", "backups.services"},
    "backups/opened_links.py": {"backups.forms", "backups.guards", "backups.services"},
    "backups/views": {
        *("backups.dcs.records", "backups.forms", "backups.guards", "backups.services"),
    },
    "backups/query_links.py": {"backups.dcs.records", "backups.services"},
    "backups/templating.py": {"backups.guards", "backups.query_links", "backups.services"},
    "backups/urls.py": {"backups.opened_links", "backups.services", "backups.views"},
}

# The packages of services, lowest first: each may use those before it.
FLOORS = [
    *("eligibility", "words", "problems", "projects", "pasted", "listings", "evidence", "history"),
    *("live", "insights", "collector", "recovery", "tickets", "exports", "find", "board"),
]


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_from_the_rooms_below_it(room):
    own = room.removesuffix(".py").replace("/", ".")
    for file, module in _imports_of(room):
        if module.split(".")[0] in ("backups", "dcsportal", "tests") and not _is_in(module, {own}):
            assert _is_in(module, ALLOWED[room]), f"{file} imports {module}"


@pytest.mark.parametrize("name", FLOORS)
def test_a_package_of_services_uses_public_names_of_those_below_it(name):
    below = {f"backups.services.{floor}": floor for floor in FLOORS[: FLOORS.index(name)]}
    room = f"backups/services/{name}"
    for file, module in _imports_of(room if (ROOT / room).is_dir() else f"{room}.py"):
        package = ".".join(module.split(".")[:3])
        if package.startswith("backups.services.") and package != f"backups.services.{name}":
            assert package in below, f"{file} imports {module}"
            assert _is_public(module), f"{file} imports {module}, which its package does not offer"


def test_every_package_of_services_has_its_floor():
    rooms = {path.stem for path in (ROOT / "backups/services").iterdir() if not path.name.startswith("__")}
    assert rooms == set(FLOORS)


@pytest.mark.parametrize(
    "room",
    [
        "backups/query_fields.py",
        "backups/forms.py",
        "backups/guards.py",
        "backups/views",
        "backups/query_links.py",
        "backups/templating.py",
        "dcsportal",
    ],
)
def test_outsiders_import_what_a_package_of_services_offers(room):
    for file, module in _imports_of(room):
        if module.startswith("backups.services."):
            assert _is_public(module), f"{file} imports {module}, which its package does not offer"


def _is_public(module):
    """Whether `module`, such as backups.services.words.Words, is a name that its package offers."""
    parts = module.split(".")
    if len(parts) <= 3 or not (ROOT / "/".join(parts[:3])).is_dir():
        return True
    init = ast.parse((ROOT / "/".join(parts[:3]) / "__init__.py").read_text())
    imports = (node for node in init.body if isinstance(node, ast.ImportFrom))
    offered = {alias.asname or alias.name for node in imports for alias in node.names}
    return len(parts) == 4 and parts[3] in offered


def test_the_app_never_imports_the_installation():
    for file, module in _imports_of("backups"):
        assert not _is_in(module, {"dcsportal"}), f"{file} imports {module}"


def test_the_modules_of_the_installation_import_in_no_circle():
    imported = {}
    for file, module in _imports_of("dcsportal"):
        # The second is right where a name of a module is imported.
        names = imported.setdefault(file.removesuffix(".py").replace("/", "."), set())
        names |= {module, module.rpartition(".")[0]}
    TopologicalSorter(imported).prepare()  # raises where there is one


def test_the_client_and_the_emulator_know_no_django():
    for room in ("backups/dcs", "backups/emulator"):
        for file, module in _imports_of(room):
            assert not _is_in(module, {"django"}), f"{file} imports {module}"


def test_the_client_needs_requests_msgspec_and_the_standard_library_only():
    import sys

    for file, module in _imports_of("backups/dcs"):
        top = module.split(".")[0]
        assert top in sys.stdlib_module_names | {"backups", "msgspec", "requests", "urllib3"}, (
            f"{file} imports {module}"
        )


def _imports_of(room):
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
