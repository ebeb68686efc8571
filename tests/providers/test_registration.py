"""Each BSP has all of its parts: nothing else notices one that is missing."""

import ast
import inspect
import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from local.sandbox.bsps import SANDBOXES
from tests.providers.conformance import ProviderConformance
from whatsapp_bridge.providers import registry

ROOT = Path(__file__).parents[2]
FOLDERS = ROOT / "layers/bridge/whatsapp_bridge/providers"
MODULES = ("settings", "outbound", "inbound", "replies", "codes", "client")


def conformance_of(provider: str) -> list[type[ProviderConformance]]:
    module: ModuleType = import_module(f"tests.providers.{provider}.test_conformance")
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, ProviderConformance) and value is not ProviderConformance
    ]


def test_every_folder_with_settings_of_its_own_is_registered() -> None:
    folders = {path.parent.name for path in FOLDERS.glob("*/settings.py") if "Literal[" in path.read_text("utf-8")}
    assert folders == set(registry.PROVIDERS)


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_an_adapter_has_all_modules(provider: str) -> None:
    assert [name for name in MODULES if not (FOLDERS / provider / f"{name}.py").is_file()] == []


@pytest.mark.parametrize(
    ("module", "listed"),
    [
        ("templates", registry.WITH_TEMPLATES),
        ("template_status", registry.WITH_TEMPLATE_STATUS),
        ("notices", registry.WITH_NOTICES),
    ],
)
def test_modules_that_not_all_have_are_registered(module: str, listed: frozenset[str]) -> None:
    folders = {path.parent.name for path in FOLDERS.glob(f"*/{module}.py")}
    assert folders & set(registry.PROVIDERS) == listed


def test_the_type_checker_sees_every_adapter() -> None:
    tree = ast.parse((FOLDERS / "registry.py").read_text("utf-8"))
    imported = {
        node.module.rpartition(".")[2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.names[0].name == "client"
    }
    listed = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Adapter"]
    assert imported == set(registry.PROVIDERS)
    assert len(listed) == len(registry.PROVIDERS)


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_the_conformance_suite_runs_whole(provider: str) -> None:
    """pytest leaves an abstract class out without a word."""
    (suite,) = conformance_of(provider)
    assert suite.provider == provider
    assert suite.__name__.startswith("Test")
    assert sorted(getattr(suite, "__abstractmethods__", ())) == []


def test_every_adapter_has_a_sandbox_and_a_sample_account() -> None:
    accounts = json.loads((ROOT / "local/sample_accounts.json").read_text("utf-8"))
    assert set(SANDBOXES) == set(registry.PROVIDERS)
    assert {account["provider"]["type"] for account in accounts.values()} == set(registry.PROVIDERS)


def test_an_unknown_bsp_is_named() -> None:
    with pytest.raises(KeyError, match="nobody is not in PROVIDERS"):
        registry.client("nobody")
