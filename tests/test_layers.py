"""Imports go down only, and every room says what it owns."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "core": set(),
    "store": {"core"},
    "collectors": {"core", "store"},
    "alerts": {"core", "store"},
    "dashboard": {"core", "store", "alerts"},
    "quarterdeck": {"core", "store", "collectors", "alerts", "dashboard"},
}
FILES = sorted(file for room in MAY_IMPORT for file in (ROOT / room).rglob("*.py"))


def imported_rooms(source: str) -> set[str]:
    """The rooms that a file imports, those inside functions and type-checking blocks included."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names} & MAY_IMPORT.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_imports_only_rooms_below_its_own(file):
    room = file.relative_to(ROOT).parts[0]

    assert imported_rooms(file.read_text()) <= MAY_IMPORT[room] | {room}


def test_an_import_that_goes_up_would_be_seen():
    assert imported_rooms("def f():\n    from dashboard.launch import launch") == {"dashboard"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_says_in_its_docstring_what_it_never_does_or_who_may_not_import_it(room):
    docstring = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text())) or ""

    assert "never" in docstring or "nobody" in docstring or "none" in docstring


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_says_what_it_is_for(file):
    if "migrations/versions" in str(file):
        return

    assert ast.get_docstring(ast.parse(file.read_text()))


def test_only_one_run_one_delivery_and_one_action_may_catch_everything():
    broad = {
        str(file.relative_to(ROOT))
        for file in FILES
        if any(
            isinstance(node, ast.ExceptHandler)
            and (node.type is None or ast.unparse(node.type) == "Exception")
            for node in ast.walk(ast.parse(file.read_text()))
        )
    }

    assert {name for name in broad if not name.startswith(("collectors/runner", "alerts/"))} == set()


def test_no_branch_on_the_demo_outside_the_front_door_and_the_banner():
    named = {
        str(file.relative_to(ROOT))
        for file in FILES
        if file.relative_to(ROOT).parts[0] != "quarterdeck"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.If | ast.IfExp) and "demo" in ast.unparse(node.test).lower()
    }

    assert named == set()
