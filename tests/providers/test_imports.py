"""A function's cold start pays for what its modules import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from whatsapp_bridge.providers.registry import PROVIDERS

LAYER = Path(__file__).parents[2] / "layers" / "bridge"
HEAVY = {"boto3", "botocore", "cryptography", "openpyxl", "phonenumbers", "requests", "urllib3"}
# Each function has this for its logs and metrics before it imports a client.
READERS = {"inbound", "replies", "statuses"}
OF_EVERY_FUNCTION = {"botocore"}


@pytest.mark.parametrize("part", ["settings", "outbound", "inbound", "replies", "codes", "client"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_parts_of_an_adapter_import_nothing_heavy(provider: str, part: str) -> None:
    program = f"import json, sys, {PROVIDERS[provider]}.{part}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env={"PYTHONPATH": str(LAYER)}
    )
    modules = set(json.loads(run.stdout))

    assert f"{PROVIDERS[provider]}.{part}" in modules
    assert modules & HEAVY <= (OF_EVERY_FUNCTION if part == "client" else set())
    assert part in ("client", "outbound", "replies") or "whatsapp_bridge.clevertap.messages" not in modules
    assert part == "client" or f"{PROVIDERS[provider]}.client" not in modules


@pytest.mark.parametrize("provider", PROVIDERS)
def test_callbacks_are_read_in_one_place(provider: str) -> None:
    """An adapter with a reader of its own would refuse what `common.bodies` replaces."""
    folders = [LAYER / PROVIDERS[provider].replace(".", "/"), LAYER / "whatsapp_bridge/providers/cloud_api"]
    modules = [module for folder in folders for module in folder.glob("*.py") if module.stem in READERS]
    assert len(modules) >= 2
    for module in modules:
        found = [
            word
            for word in ("from_json", "json.loads", "parse_qs", ".decode(", "callback.body")
            if word in module.read_text()
        ]
        # A signature covers the raw bytes.
        assert found == (["callback.body"] if (provider, module.stem) == ("meta", "inbound") else []), module
