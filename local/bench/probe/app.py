"""Runs the handler of the function in PROBED_CODE once, and returns what that has loaded into the process."""

import os
import sys
from importlib import util
from pathlib import Path
from typing import Any

opened: set[str] = set()


def note_opened(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        opened.add(arguments[0])


sys.addaudithook(note_opened)


def load_probed() -> Any:
    specification = util.spec_from_file_location("probed", Path(os.environ["PROBED_CODE"]) / "app.py")
    assert specification is not None and specification.loader is not None
    module = util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


probed = load_probed()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    answer = probed.handler(event, context)
    return {"answer": answer, "modules": sorted(sys.modules), "opened": sorted(opened)}
