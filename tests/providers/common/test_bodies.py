"""Callbacks are read in one place: an adapter with a reader of its own would refuse what `common.bodies` replaces."""

from pathlib import Path

from whatsapp_bridge import providers
from whatsapp_bridge.providers.registry import PROVIDERS

FOLDER = Path(providers.__path__[0])
READERS = {"inbound", "replies", "statuses"}
WORDS = ("from_json", "json.loads", "parse_qs", ".decode(", "callback.body")


def test_callbacks_are_read_in_one_place() -> None:
    modules = [module for module in FOLDER.glob("*/*.py") if module.stem in READERS]
    found = {
        f"{module.parent.name}/{module.name}": words
        for module in modules
        if (words := [word for word in WORDS if word in module.read_text()])
    }

    assert len(modules) >= 2 * len(PROVIDERS)
    # A signature covers the raw bytes.
    assert found == {"meta/inbound.py": ["callback.body"]}
