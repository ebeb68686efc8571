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
