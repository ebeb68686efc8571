"""Every function starts without garbage collection, and runs with it."""

import ast
import gc
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from whatsapp_bridge import startup

FUNCTIONS = sorted((Path(__file__).parents[1] / "functions").glob("*/app.py"))


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_collector_rests_until_done() -> None:
    importlib.reload(startup)
    assert not gc.isenabled()
    startup.done()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_functions_import_it_first_and_end_it_last(path: Path) -> None:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and "whatsapp_bridge" in (node.module or "")]
    assert ast.unparse(imports[0]) == "from whatsapp_bridge import startup"
    calls = [ast.unparse(node) for node in body if isinstance(node, ast.Expr | ast.Assign)]
    assert calls[-1] == "startup.done()"


def test_requests_starts_without_the_library_that_guesses_character_sets() -> None:
    """In a process of its own: here it is imported already."""
    code = "from whatsapp_bridge import startup; import requests, sys; print(sys.modules['charset_normalizer'])"
    command = [sys.executable, "-W", "error::Warning", "-c", code]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1] / "layers" / "bridge")}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("None\n", "")
