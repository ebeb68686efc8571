"""The type checker finds the mistakes that are easy to make where parts are plugged together.

The layer is copied, each mistake is made in the copy, and mypy has to name each in the file where it shows.
"""

import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "layers/bridge/whatsapp_bridge"


class Mistake(NamedTuple):
    """`right` stands in `file` and becomes `wrong`; mypy says `complaint` of `shows_in`, else of the file itself."""

    file: str
    right: str
    wrong: str
    complaint: str
    shows_in: str = ""


MISTAKES = {
    "a setting of the BSP, misspelt": Mistake(
        "providers/meta/client.py",
        "provider.base_url",
        "provider.base_ulr",
        '"Settings" has no attribute "base_ulr"',
    ),
    "a setting of both of Clickatell's APIs, misspelt": Mistake(
        "providers/clickatell_common/client.py",
        "self._account.provider.api_key",
        "self._account.provider.apikey",
        '"EncryptionSettings" has no attribute "apikey"',
    ),
    "an option of the BSP, misspelt": Mistake(
        "providers/message_central/client.py",
        "self._account.options.bulk:",
        "self._account.options.bluk:",
        '"Options" has no attribute "bluk"',
    ),
    "an option of every account, misspelt": Mistake(
        "flows/people_files.py",
        "account.options.document_copy",
        "account.options.document_cpoy",
        '"Options" has no attribute "document_cpoy"',
    ),
    "an adapter's function with another signature": Mistake(
        "providers/gupshup/inbound.py",
        "def challenge(callback: Callback, account",
        "def challenge(account",
        'expected "Inbound"',
        "providers/registry.py",
    ),
    "an adapter's client without a method": Mistake(
        "providers/message_central/client.py",
        "    def open(self, element: Json) -> Json:",
        "    def opened(self, element: Json) -> Json:",
        'expected "ClientFactory"',
        "providers/registry.py",
    ),
    "two queues exchanged": Mistake(
        "flows/wiring.py",
        "        replies=queues.RepliesQueue(env.replies_queue_url, sqs),\n"
        "        statuses=queues.StatusesQueue(env.statuses_queue_url, sqs),",
        "        statuses=queues.RepliesQueue(env.replies_queue_url, sqs),\n"
        "        replies=queues.StatusesQueue(env.statuses_queue_url, sqs),",
        'Argument "replies" to "Receive" has incompatible type "StatusesQueue"',
    ),
    "a queue and its dead-letter queue exchanged": Mistake(
        "flows/wiring.py",
        "FifoSource(conversation, dead_letters, outside.now)",
        "FifoSource(dead_letters, conversation, outside.now)",
        'Argument 1 to "FifoSource" has incompatible type "ConversationDeadLetters"',
    ),
    "two schedules exchanged": Mistake(
        "flows/wiring.py",
        "        retries=retries,\n        correlation_retry=env.correlation_retry,",
        "        retries=retries,\n        correlation_retry=env.forward_retry,",
        'Argument "correlation_retry" to "ForwardStatuses" has incompatible type "ForwardRetry"',
    ),
    "arguments of a flow by place": Mistake(
        "flows/wiring.py",
        "return ShowMedia(signing=signing, media=media, days=env.media_ttl_days, now=outside.now)",
        "return ShowMedia(signing, media, env.media_ttl_days, outside.now)",
        'Too many positional arguments for "ShowMedia"',
    ),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy says of the copy with all mistakes, by file."""
    copy = tmp_path_factory.mktemp("mistaken")
    shutil.copytree(ROOT / PACKAGE, copy / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for mistake in MISTAKES.values():
        file = copy / PACKAGE / mistake.file
        text = file.read_text(encoding="utf-8")
        assert mistake.right in text, f"{mistake.file} has no such line any more"
        file.write_text(text.replace(mistake.right, mistake.wrong), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-pretty", PACKAGE], cwd=copy, capture_output=True, text=True, check=False
    )
    found: dict[str, list[str]] = defaultdict(list)
    for line in run.stdout.splitlines():
        file_name, _, said = line.removeprefix(f"{PACKAGE}/").partition(":")
        found[file_name].append(said)
    return found


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_is_found(complaints: dict[str, list[str]], mistake: Mistake) -> None:
    said = complaints.get(mistake.shows_in or mistake.file, [])
    assert any(mistake.complaint in line for line in said), "\n".join(said)
